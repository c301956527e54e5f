"""One operand as Go's `fmt` writes it: a verb with its flags, width and precision, over a text or a number.

Source: the Go standard library, package fmt ("Printing") and `big.Int.Format`. A verb that does not fit gives Go's own complaint
(`%!d(string=a)`). What Python cannot write alike (a float in base 2 or 16, a float with #) fails.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa import arithmetic
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure

__all__ = ["Spec", "formatted", "kind_of", "quoted"]

_ESCAPES: Final = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"} | {
    "\\": "\\\\",
    '"': '\\"',
}
_BASES: Final = {"d": 10, "v": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}
_CODES: Final = {2: "b", 8: "o", 10: "d", 16: "x"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What stands between the % and the verb."""

    flags: frozenset[str] = frozenset()
    width: int = 0
    precision: int | None = None

    def has(self, flag: str) -> bool:
        """Return whether a flag is set."""
        return flag in self.flags


def kind_of(value: Any) -> str:
    """Return the name of the type OPA hands to Go."""
    if isinstance(value, int):
        return "int64" if _is_word(value) else "*big.Int"
    return "float64" if isinstance(value, float) else "string"


def _is_word(value: int) -> bool:
    return -(1 << 63) <= value < 1 << 63


def formatted(verb: str, value: Any, spec: Spec) -> str:
    """Return an operand under a verb. Raises BuiltinFailure for what is not supported here."""
    if verb == "v":
        # Go takes these two for other flags under this verb, which mean nothing to a number.
        kept = spec.flags - {"+", "#"} if not isinstance(value, str) else spec.flags - {"+"}
        spec = replace(spec, flags=kept if kind_of(value) != "*big.Int" else spec.flags)
    made = _made(verb, value, spec)
    if made is not None:
        return made
    inner = replace(spec, flags=spec.flags - {"#"}) if isinstance(value, str) else spec
    return f"%!{verb}({kind_of(value)}={_made('v', value, inner)})"


def _made(verb: str, value: Any, spec: Spec) -> str | None:
    if verb == "T":
        return _padded(_cut(kind_of(value), spec), spec)
    if isinstance(value, str):
        return _text(verb, value, spec)
    if isinstance(value, float):
        return _float(verb, value, spec)
    return _whole(verb, value, spec) if _is_word(value) else _large(verb, value, spec)


def _padded(text: str, spec: Spec, zero: bool = True) -> str:
    missing = spec.width - len(text)
    if missing <= 0:
        return text
    if spec.has("-"):
        return text + " " * missing
    return ("0" if zero and spec.has("0") else " ") * missing + text


def _cut(text: str, spec: Spec) -> str:
    return text if spec.precision is None else text[: spec.precision]


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


def _text(verb: str, value: str, spec: Spec) -> str | None:
    if verb in ("v", "s") and not (verb == "v" and spec.has("#")):
        return _padded(_cut(value, spec), spec)
    if verb in ("q", "v"):
        cut = _cut(value, spec)
        return _padded(quoted(cut) if verb == "v" else _quoted(cut, spec), spec)
    return _hex(verb, value.encode("utf-8"), spec) if verb in ("x", "X") else None


def _quoted(text: str, spec: Spec) -> str:
    plain = "`" not in text and "\ufeff" not in text and all(c == "\t" or (c >= " " and c != "\x7f") for c in text)
    if spec.has("#") and plain:
        return f"`{text}`"
    return quoted(text, spec.has("+"))


def _hex(verb: str, data: bytes, spec: Spec) -> str:
    data = data if spec.precision is None else data[: spec.precision]
    prefix = "0x" if spec.has("#") and data else ""
    made = prefix + (f" {prefix}".join(f"{b:02x}" for b in data) if spec.has(" ") else data.hex())
    return _padded(made.upper() if verb == "X" else made, spec)


def _sign(negative: bool, spec: Spec) -> str:
    return "-" if negative else "+" if spec.has("+") else " " if spec.has(" ") else ""


def _whole(verb: str, value: int, spec: Spec) -> str | None:
    if verb in _BASES:
        return _integer(verb, value, spec)
    if verb == "c":
        return _padded(_char(value), spec)
    if verb == "q":
        char = _char(value)
        inner = "\\'" if char == "'" else char if char == '"' else _escaped(char, spec.has("+"))
        return _padded(f"'{inner}'", spec)
    if verb == "U":
        digits = f"{value & 0xFFFFFFFFFFFFFFFF:X}".rjust(max(spec.precision or 4, 4), "0")
        shown = f" '{chr(value)}'" if spec.has("#") and 0 <= value < 0x110000 and chr(value).isprintable() else ""
        return _padded(f"U+{digits}{shown}", spec, zero=False)
    return None


def _integer(verb: str, value: int, spec: Spec) -> str:
    sign, base = _sign(value < 0, spec), _BASES[verb]
    digits = format(abs(value), _CODES[base])
    if spec.precision is not None:
        if spec.precision == 0 and value == 0:
            return " " * spec.width
        digits = digits.rjust(spec.precision, "0")
    elif spec.has("0") and not spec.has("-"):
        digits = digits.rjust(spec.width - len(sign), "0")
    made = sign + _prefix(verb, base, digits, spec) + digits
    return _padded(made.upper() if verb == "X" else made, spec, zero=False)


def _prefix(verb: str, base: int, digits: str, spec: Spec) -> str:
    if verb == "O":
        return "0o"
    if not spec.has("#"):
        return ""
    return {2: "0b", 8: "" if digits.startswith("0") else "0", 16: "0x"}.get(base, "")


def _char(code: int) -> str:
    return chr(code) if 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _large(verb: str, value: int, spec: Spec) -> str:
    if verb not in (*_BASES, "s"):
        return f"%!{verb}(big.Int={value})"
    base = _BASES.get(verb, 10)
    sign, digits = _sign(value < 0, spec), format(abs(value), _CODES[base])
    prefix = "0o" if verb == "O" else {2: "0b", 8: "0", 16: "0x"}.get(base, "") if spec.has("#") else ""
    digits = digits.rjust(spec.precision or 0, "0")
    if spec.has("0") and not spec.has("-") and spec.precision is None:
        digits = digits.rjust(spec.width - len(sign) - len(prefix), "0")
    made = sign + prefix + digits
    return _padded(made.upper() if verb == "X" else made, spec, zero=False)


def _float(verb: str, value: float, spec: Spec) -> str | None:
    if verb not in "veEfFgGbxX":
        return None
    if verb in "bxX" or spec.has("#"):
        raise BuiltinFailure("a float in base 2 or 16, or with #, is not supported")
    text = _float_digits(verb, abs(value), spec.precision)
    sign = _sign(value < 0 or str(value).startswith("-"), spec)
    if spec.has("0") and not spec.has("-"):
        text = text.rjust(spec.width - len(sign), "0")
    return _padded(sign + text, spec, zero=False)


def _float_digits(verb: str, value: float, precision: int | None) -> str:
    if verb in "eEfF":
        return format(value, f".{6 if precision is None else precision}{verb.replace('F', 'f')}")
    if precision is not None:
        return format(value, f".{precision}{'G' if verb == 'G' else 'g'}")
    if value == 0:
        return "0"
    # Python's own text has the fewest digits that read back as the same, as Go's has.
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, rest = mantissa.partition(".")
    digits = (whole + rest).lstrip("0")
    power = int(exponent or 0) + len(whole) - 1 - (len(whole + rest) - len(digits))
    return arithmetic.general(digits.rstrip("0"), power, "E" if verb == "G" else "e")
