"""Go's `fmt.Sprintf` over Rego values, and the text Rego gives a value.

Source: the Go standard library, package fmt ("Printing"); Open Policy Agent, sprintf. Complaints about operands that are
missing, too many or of another type are Go's own, as OPA returns them.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure, OutOfBounds
from aureus_jupyter.adapters.policies.opa.gofmt import Spec, formatted, kind_of, quoted
from aureus_jupyter.adapters.policies.opa.terms import MAX_SIZE, Array, Constant, Object, Real, Set

__all__ = ["rego_text", "sprintf"]

_VERB: Final = re.compile(r"%([-+# 0]*)(\*|[0-9]+)?(?:(\.)(\*|[0-9]+)?)?(?:\[([0-9]+)\])?(.)?", re.DOTALL)
_MOST: Final = 10_000


def rego_text(value: Any) -> str:
    """Return a value as Rego writes it."""
    kind = value.__class__
    if kind is str:
        return quoted(value)
    if kind is Constant:
        return str(value.name)
    if kind is Array:
        return "[" + ", ".join(map(rego_text, value)) + "]"
    if kind is Set:
        return "{" + ", ".join(map(rego_text, value.ordered())) + "}" if value else "set()"
    if kind is Object:
        return "{" + ", ".join(f"{rego_text(k)}: {rego_text(value[k])}" for k in value.ordered()) + "}"
    return str(value.text if kind is Real else value)


def sprintf(template: str, values: list[Any]) -> str:
    """Format values. Raises OutOfBounds for a result that is too long, BuiltinFailure for what is not supported."""
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
        return "%!(EXTRA " + ", ".join(f"{kind_of(v)}={formatted('v', v, Spec())}" for v in left) + ")"

    def _take(self) -> Any:
        self._next += 1
        return self._values[self._next - 1]

    def _star(self) -> int | None:
        """Return the operand that is a width or a precision; None where there is none, or it is no number."""
        if self._next >= len(self._values):
            return None
        value = self._take()
        return value if value.__class__ is int and abs(value) <= _MOST else None

    def verb(self, match: re.Match[str]) -> str:
        """Return what stands for one verb."""
        flags, width, dot, precision, place, verb = match.groups()
        made = self._verb(set(flags), width, dot, precision, place, verb)
        self._length += len(made)
        if self._length > MAX_SIZE:
            raise OutOfBounds("a text longer than a decision may make")
        return made

    def _verb(
        self,
        flags: set[str],
        width: str | None,
        dot: str | None,
        precision: str | None,
        place: str | None,
        verb: str | None,
    ) -> str:
        complaint = ""
        wide, exact = _number(width), _number(precision) if precision else (0 if dot else None)
        if width == "*":
            wide = self._star()
            complaint = "" if wide is not None else "%!(BADWIDTH)"
            if wide is not None and wide < 0:
                flags, wide = (flags | {"-"}) - {"0"}, -wide
        if precision == "*":
            exact = self._star()
            complaint += "" if exact is not None and exact >= 0 else "%!(BADPREC)"
            exact = exact if exact is not None and exact >= 0 else None
        spec = Spec(flags=frozenset(flags), width=wide or 0, precision=exact)
        return complaint + self._operand(spec, place, verb)

    def _operand(self, spec: Spec, place: str | None, verb: str | None) -> str:
        if verb is None:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if place is not None:
            if verb in "*.[":
                raise BuiltinFailure("a width or precision that names its operand by place is not supported")
            self._placed = True
            if not 1 <= int(place[:6]) <= len(self._values):
                return f"%!{verb}(BADINDEX)"
            self._next = int(place) - 1
        if self._next >= len(self._values):
            return f"%!{verb}(MISSING)"
        return formatted(verb, self._take(), spec)


def _number(text: str | None) -> int | None:
    if text is None or text == "*":
        return None
    if len(text) > 6 or int(text) > _MOST:
        raise OutOfBounds("a text longer than a decision may make")
    return int(text)
