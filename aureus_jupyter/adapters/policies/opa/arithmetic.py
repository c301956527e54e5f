"""OPA's numbers: whole ones exact and of any size, others with the precision and the text of Go's `big.Float`.

Go parses a number that is not whole with 64 bits of mantissa and prints the shortest decimal that reads back as the same;
so 0.1 + 0.2 is 0.3 and 1/3 is 0.33333333333333333334. Source: Open Policy Agent v1.22.4, topdown/arithmetic.go.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure, OutOfBounds
from aureus_jupyter.adapters.policies.opa.terms import Real

__all__ = ["PRECISION", "ceiling", "divide", "floor", "fraction_of", "from_fraction", "number", "remainder"]
__all__ += ["exact_or_float", "round_half_away", "shortest", "to_int", "whole"]

PRECISION = 64
_MAX_BITS = 20_000
_SMALL = 1 << 31


def number(text: str) -> int | Real:
    """Return the number a text in JSON's or Go's form writes. Raises EvaluationFailure."""
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and (digits == "0" or digits[0] != "0"):
        if len(digits) > 4000:
            raise OutOfBounds("a number with too many digits")
        return int(text)
    return Real(text)


def to_int(value: Any) -> int | None:
    """Return a whole number as an int, however it is written (1.0, 1e3), else None."""
    if value.__class__ is int:
        return value
    return int(value) if value == value.to_integral_value() else None


def whole(value: int) -> int:
    """Return a whole number, unless it has more digits than a decision may make."""
    if value.bit_length() > _MAX_BITS:
        raise OutOfBounds("a number with too many digits")
    return value


def fraction_of(value: Any, bits: int = PRECISION) -> Fraction:
    """Return a number as `big.Float` would hold it."""
    return _rounded(Fraction(value), bits)


def _rounded(value: Fraction, bits: int) -> Fraction:
    """Round to `bits` of mantissa, to the nearest, ties to even."""
    if value == 0:
        return value
    top, bottom = abs(value.numerator), value.denominator
    shift = top.bit_length() - bottom.bit_length() - bits
    for exponent in (shift, shift + 1):
        scaled = Fraction(top, bottom << exponent) if exponent >= 0 else Fraction(top << -exponent, bottom)
        mantissa = round(scaled)
        if mantissa < (1 << bits):
            break
    made = Fraction(mantissa << exponent) if exponent >= 0 else Fraction(mantissa, 1 << -exponent)
    return made if value > 0 else -made


def _digits(value: int, exponent: int) -> tuple[str, int]:
    """Return all decimal digits of `value` times a power of two, and the power of ten of the first of them."""
    whole = value << exponent if exponent >= 0 else value * 5**-exponent
    text = str(whole)
    return text.rstrip("0") or "0", len(text) - 1 + min(exponent, 0)


def shortest(value: Fraction, bits: int) -> tuple[str, int]:
    """Return the fewest decimal digits that read back as `value`, and the power of ten of the first of them.

    Digit by digit as Go's `big.Float` does it, which now and then is not the nearest of that length.
    """
    value = abs(value)
    size = value.numerator.bit_length() - value.denominator.bit_length()
    exponent = size - bits - 1
    while True:
        scaled = value / Fraction(2) ** exponent
        if scaled.numerator.bit_length() <= bits + 1:
            break
        exponent += 1
    if scaled.numerator.bit_length() < bits + 1:
        scaled, exponent = scaled * 2, exponent - 1
    mantissa = int(scaled)
    exact, power = _digits(mantissa, exponent)
    lower, upper = (_digits(mantissa + step, exponent)[0] for step in (-1, 1))
    inclusive = mantissa & 2 == 0
    for at, digit in enumerate(exact):
        low, high = lower[at : at + 1] or "0", upper[at : at + 1] or "0"
        down = low != digit or (inclusive and at + 1 == len(lower))
        up = digit != high and (inclusive or chr(ord(digit) + 1) < high or at + 1 < len(upper))
        if down or up:
            return _cut(exact, power, at + 1, up and (not down or _rounds_up(exact, at + 1)))
    return exact, power


def _rounds_up(digits: str, count: int) -> bool:
    rest = digits[count:]
    if rest == "5":
        return digits[count - 1] in "13579"
    return rest[:1] >= "5"


def _cut(digits: str, power: int, count: int, up: bool) -> tuple[str, int]:
    if not up:
        return digits[:count].rstrip("0") or "0", power
    text = str(int(digits[:count]) + 1)
    return text.rstrip("0"), power + len(text) - count


def from_fraction(value: Fraction, bits: int = PRECISION) -> int | Real:
    """Return what OPA makes of a result of floating-point arithmetic: a whole number where it is one."""
    value = _rounded(value, bits)
    if value == 0:
        return 0
    digits, power = shortest(value, bits)
    sign = "-" if value < 0 else ""
    if value.denominator == 1:
        return int(sign + digits + "0" * (power + 1 - len(digits)))
    return Real(sign + general(digits, power))


def general(digits: str, power: int, mark: str = "e") -> str:
    """Write digits as Go's shortest %g does: with an exponent below -4 and from 6 on, whatever the number of digits."""
    if -4 <= power < 6:
        return plain(digits, power)
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}{mark}{'-' if power < 0 else '+'}{abs(power):02d}"


def plain(digits: str, power: int) -> str:
    """Write digits without an exponent."""
    if power < 0:
        return "0." + "0" * (-power - 1) + digits
    padded = digits + "0" * (power + 1 - len(digits))
    return padded[: power + 1] + (f".{padded[power + 1 :]}" if len(padded) > power + 1 else "")


def exact_or_float(a: Any, b: Any, exact: Callable[[Any, Any], Any], bits: int = PRECISION) -> int | Real:
    """Return the result for whole numbers exactly, else in floating point."""
    x, y = to_int(a), to_int(b)
    if x is not None and y is not None:
        return whole(exact(x, y))
    return from_fraction(exact(fraction_of(a), fraction_of(b)), bits)


def divide(a: Any, b: Any) -> int | Real:
    """Return a quotient. Raises BuiltinFailure for a division by zero."""
    x, y = to_int(a), to_int(b)
    if fraction_of(b) == 0:
        raise BuiltinFailure("divide by zero")
    if x is not None and y is not None and abs(x) < _SMALL and abs(y) < _SMALL and x % y == 0:
        return x // y
    return from_fraction(fraction_of(a) / fraction_of(b))


def remainder(a: Any, b: Any) -> int:
    """Return the remainder with the dividend's sign. Raises BuiltinFailure for zero and for a number that is not whole."""
    x, y = to_int(a), to_int(b)
    if x is None or y is None:
        raise BuiltinFailure("modulo on floating-point number")
    if y == 0:
        raise BuiltinFailure("modulo by zero")
    left = abs(x) % abs(y)
    return -left if x < 0 else left


def _unary(value: Any, make: Callable[[Fraction], int]) -> int | Real:
    known = to_int(value)
    if known is not None and -_SMALL <= known < _SMALL:
        return known
    made = make(fraction_of(value))
    return from_fraction(Fraction(made), max(PRECISION, made.bit_length()))


def round_half_away(value: Any) -> int | Real:
    """Round to the nearest whole number, halves away from zero."""
    return _unary(value, lambda f: int(_rounded(abs(f) + Fraction(1, 2), PRECISION)) * (1 if f > 0 else -1))


def ceiling(value: Any) -> int | Real:
    """Return the smallest whole number that is not less. Between -1 and 0 it is 1, as in OPA."""
    return _unary(value, lambda f: int(f) if f == int(f) or int(f) < 0 else int(f) + 1)


def floor(value: Any) -> int | Real:
    """Return the largest whole number that is not more. Between -1 and 0 it is 0, as in OPA."""
    return _unary(value, lambda f: int(f) if f == int(f) or int(f) >= 0 else int(f) - 1)
