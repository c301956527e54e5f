"""Go's `fmt.Sprintf` for the verbs a policy can reach, over Rego values, and the text Rego gives a value.

Source: the Go standard library, package fmt ("Printing"); Open Policy Agent, sprintf. A verb that does not fit its operand
gives Go's own complaint (`%!d(string=a)`), as OPA returns it.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa import arithmetic
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure, OutOfBounds
from aureus_jupyter.adapters.policies.opa.terms import MAX_SIZE, Array, Constant, Object, Real, Set

__all__ = ["quoted", "rego_text", "sprintf"]

_VERB: Final = re.compile(r"%([-+# 0]*)(\*|[0-9]+)?(?:(\.)(\*|[0-9]+)?)?(?:\[([0-9]+)\])?(.)?", re.DOTALL)
_MOST: Final = 10_000
_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def quoted(text: str, ascii_only: bool = False) -> str:
    """Return a text as a Go literal in double quotes."""
    return '"' + "".join(_escaped(c, ascii_only) for c in text) + '"'


def _escaped(char: str, ascii_only: bool) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable() and (char.isascii() or not ascii_only):
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def rego_text(value: Any) -> str:
    """Return a value as Rego writes it."""
    kind = value.__class__
    if kind is str:
        return quoted(value)
    if kind is Constant:
        return value.name  # type: ignore[no-any-return]
    if kind is Array:
        return "[" + ", ".join(map(rego_text, value)) + "]"
    if kind is Set:
        return "{" + ", ".join(map(rego_text, value.ordered())) + "}" if value else "set()"
    if kind is Object:
        return "{" + ", ".join(f"{rego_text(k)}: {rego_text(value[k])}" for k in value.ordered()) + "}"
    return str(value.text if kind is Real else value)


def sprintf(template: str, values: list[Any]) -> str:
    """Format values. Raises OutOfBounds for a result that is too long."""
    formatter = _Formatter(values)
    made = _VERB.sub(formatter.verb, template) + formatter.rest()
    if len(made) > MAX_SIZE:
        raise OutOfBounds("a text longer than a decision may make")
    return made


def _argument(value: Any) -> Any:
    """Return what OPA hands to Go: texts and numbers as such, anything else as Rego's text."""
    if value.__class__ is str or value.__class__ is int:
        return value
    if value.__class__ is Real:
        # What is too large for Go's float64 is handed over as its text.
        return value.text if math.isinf(float(value)) else float(value)
    return rego_text(value)


class _Formatter:
    def __init__(self, values: list[Any]) -> None:
        self._values = [_argument(v) for v in values]
        self._next = 0
        self._placed = False
        self._length = 0

    def rest(self) -> str:
        """Return Go's complaint about operands that no verb used."""
        left = self._values[self._next :]
        if not left or self._placed:
            return ""
        return "%!(EXTRA " + ", ".join(f"{_kind(v)}={_formatted('v', v, '', None)}" for v in left) + ")"

    def _moved(self, place: int) -> bool:
        """Go on with the operand at a place, counted from 1; whether there is one."""
        self._placed = True
        if not 1 <= place <= len(self._values):
            return False
        self._next = place - 1
        return True

    def _take(self) -> Any:
        self._next += 1
        return self._values[self._next - 1]

    def _count(self, text: str | None) -> int | str | None:
        if text != "*":
            if text is not None and int(text) > _MOST:
                raise OutOfBounds("a text longer than a decision may make")
            return None if text is None else int(text)
        if self._next >= len(self._values):
            return None
        value = self._take()
        if value.__class__ is not int or abs(value) > _MOST:
            return "%!(BADWIDTH)"
        return value

    def verb(self, match: re.Match[str]) -> str:
        """Return what stands for one verb."""
        flags, width_text, dot, precision_text, place, verb = match.groups()
        width = self._count(width_text)
        precision = self._count(precision_text) if precision_text else (0 if dot else None)
        if verb is None:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if isinstance(width, str) or isinstance(precision, str):
            return "%!(BADWIDTH)"
        if place is not None and verb in "*.[":
            raise BuiltinFailure("a width or precision that names its operand by place is not supported")
        if place is not None and not self._moved(int(place[:6])):
            return f"%!{verb}(BADINDEX)"
        if self._next >= len(self._values):
            return f"%!{verb}(MISSING)"
        if width is not None and width < 0:
            flags, width = flags + "-", -width
        value = self._take()
        made = _formatted(verb, value, flags, precision)
        self._length += len(made) + (width or 0)
        if self._length > MAX_SIZE:
            raise OutOfBounds("a text longer than a decision may make")
        return _padded(made, flags, width or 0, value)


def _kind(value: Any) -> str:
    if isinstance(value, int):
        return "int64" if -(1 << 63) <= value < 1 << 63 else "*big.Int"
    return "float64" if isinstance(value, float) else "string"


def _padded(text: str, flags: str, width: int, value: Any) -> str:
    missing = width - len(text)
    if missing <= 0:
        return text
    if "-" in flags:
        return text + " " * missing
    if "0" in flags and not text.startswith("%!"):
        sign = text[:1] if text[:1] in "+-" and not isinstance(value, str) else ""
        return sign + "0" * missing + text[len(sign) :]
    return " " * missing + text


def _formatted(verb: str, value: Any, flags: str, precision: int | None) -> str:
    if isinstance(value, str):
        made = _of_text(verb, value, flags, precision)
    elif isinstance(value, float):
        made = _of_float(verb, value, precision)
    else:
        made = _of_int(verb, value, flags)
    if made is None:
        if verb == "T":
            return _kind(value)
        return f"%!{verb}({_kind(value)}={_formatted('v', value, '', None)})"
    if "+" in flags and not isinstance(value, str) and verb not in "vqcU" and made[:1] not in "+-":
        return "+" + made
    if " " in flags and not isinstance(value, str) and verb in "dvfgeFGE" and made[:1] not in "+-":
        return " " + made
    return made


def _of_text(verb: str, value: str, flags: str, precision: int | None) -> str | None:
    if precision is not None:
        value = value[:precision]
    if verb == "v":
        return quoted(value) if "#" in flags else value
    if verb == "s":
        return value
    if verb == "q":
        if "#" in flags and "`" not in value and all(c == "\t" or c.isprintable() for c in value):
            return f"`{value}`"
        return quoted(value, "+" in flags)
    if verb in "xX":
        raw = value.encode("utf-8")
        made = raw.hex(" ") if " " in flags else raw.hex()
        return made.upper() if verb == "X" else made
    return None


_BASES = {"d": "d", "v": "d", "b": "b", "o": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}


def _of_int(verb: str, value: int, flags: str) -> str | None:
    if verb in _BASES:
        sign = "-" if value < 0 else ""
        prefix = _PREFIXES.get(verb, "") if "#" in flags else ""
        return sign + prefix + format(abs(value), _BASES[verb])
    if verb == "O":
        return ("-" if value < 0 else "") + "0o" + format(abs(value), "o")
    if not -(1 << 63) <= value < 1 << 63:
        return str(value) if verb == "s" else None
    if verb == "c":
        return chr(value) if _is_char(value) else "\ufffd"
    if verb == "q":
        return _quoted_char(chr(value) if _is_char(value) else "\ufffd")
    if verb == "U":
        return f"U+{value & 0xFFFFFFFFFFFFFFFF:04X}"
    return None


def _is_char(code: int) -> bool:
    return 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000


def _quoted_char(char: str) -> str:
    inner = "\\'" if char == "'" else char if char == '"' else _escaped(char, False)
    return f"'{inner}'"


def _of_float(verb: str, value: float, precision: int | None) -> str | None:
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    if verb in "eEfF":
        return format(value, f".{6 if precision is None else precision}{verb.replace('F', 'f')}")
    if verb not in "vgG":
        return None
    mark = "E" if verb == "G" else "e"
    if precision is not None:
        return format(value, f".{precision}{'G' if verb == 'G' else 'g'}")
    sign = "-" if value < 0 or str(value).startswith("-") else ""
    if value == 0:
        return sign + "0"
    digits, power = arithmetic.shortest(Fraction(value), 53)
    return sign + arithmetic.general(digits, power, mark)
