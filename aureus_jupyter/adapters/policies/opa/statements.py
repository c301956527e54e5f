"""Statements of a plan that only move and test values, as closures over a function's variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa import arithmetic
from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure
from aureus_jupyter.adapters.policies.opa.machine import Locals, Run, Step, lookup, work_of
from aureus_jupyter.adapters.policies.opa.plan import Operand
from aureus_jupyter.adapters.policies.opa.terms import FALSE, NULL, TRUE, Array, Object, Set

__all__ = ["MAKERS", "Fields", "Maker", "Slots"]

Fields = Mapping[str, Any]


class Slots:
    """Where the variables and the constants of one function stand."""

    def __init__(self) -> None:
        self.start: Locals = [None, None]
        self._places: dict[int, int] = {0: 0, 1: 1}
        self._constants: dict[Any, int] = {}

    def place(self, local: int) -> int:
        """Return where a variable stands."""
        if local not in self._places:
            self._places[local] = len(self.start)
            self.start.append(None)
        return self._places[local]

    def constant(self, value: Any) -> int:
        """Return where a constant stands."""
        key = (value.__class__, value)
        if key not in self._constants:
            self._constants[key] = len(self.start)
            self.start.append(value)
        return self._constants[key]

    def operand(self, operand: Operand) -> int:
        """Return where an operand stands."""
        if operand.local is not None:
            return self.place(operand.local)
        known = {True: TRUE, False: FALSE}
        return self.constant(known[operand.constant] if isinstance(operand.constant, bool) else operand.constant)

    def places_of(self, operands: Sequence[Operand]) -> tuple[int, ...]:
        """Return where each operand stands."""
        return tuple(self.operand(o) for o in operands)


Maker = Callable[[Slots, Fields], Step]


def _assign(c: Slots, f: Fields) -> Step:
    source, target = c.operand(f["source"]), c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        v[target] = v[source]
        return 0

    return step


def _assign_once(c: Slots, f: Fields) -> Step:
    source, target = c.operand(f["source"]), c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        old, new = v[target], v[source]
        if old is not None and old is not new and old != new:
            raise EvaluationFailure("a rule has two different values at once")
        v[target] = new
        return 0

    return step


def _make(value: Callable[[], Any]) -> Maker:
    def maker(c: Slots, f: Fields) -> Step:
        target = c.place(f["target"])

        def step(v: Locals, run: Run) -> int:
            v[target] = value()
            return 0

        return step

    return maker


def _set_constant(c: Slots, f: Fields) -> Step:
    value = f.get("value") if "value" in f else arithmetic.number(f["index"])
    target = c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        v[target] = value
        return 0

    return step


def _dot(c: Slots, f: Fields) -> Step:
    source, key, target = c.operand(f["source"]), c.operand(f["key"]), c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        held = v[source]
        value = v[target] = held.get(v[key]) if held.__class__ is Object else lookup(held, v[key])
        if value is None and held.__class__ is Object and held.is_base:
            _refuse_digits(held, v[key])
        return 1 if value is None else 0

    return step


def _refuse_digits(held: Object, key: Any) -> None:
    """Refuse to look a number up where the data has it as a text: OPA finds it there or not, by how the rule is written."""
    if key.__class__ is int and str(key) in held:
        raise EvaluationFailure("a number is looked up in data whose keys are texts of digits")


def _equal(c: Slots, f: Fields) -> Step:
    a, b = c.operand(f["a"]), c.operand(f["b"])

    def step(v: Locals, run: Run) -> int:
        left, right = v[a], v[b]
        run.left -= 1 + work_of(left)
        return 0 if left is not None and left == right else 1

    return step


def _not_equal(c: Slots, f: Fields) -> Step:
    a, b = c.operand(f["a"]), c.operand(f["b"])

    def step(v: Locals, run: Run) -> int:
        left, right = v[a], v[b]
        run.left -= 1 + work_of(left)
        return 1 if left is None or right is None or left == right else 0

    return step


def _is(kind: type) -> Maker:
    def maker(c: Slots, f: Fields) -> Step:
        source = c.operand(f["source"])
        return lambda v, run: 0 if v[source].__class__ is kind else 1

    return maker


def _is_defined(c: Slots, f: Fields) -> Step:
    source = c.place(f["source"])
    return lambda v, run: 1 if v[source] is None else 0


def _is_undefined(c: Slots, f: Fields) -> Step:
    source = c.place(f["source"])
    return lambda v, run: 0 if v[source] is None else 1


def _length(c: Slots, f: Fields) -> Step:
    source, target = c.operand(f["source"]), c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        if v[source] is None:
            return 1
        v[target] = len(v[source])
        return 0

    return step


def _append(c: Slots, f: Fields) -> Step:
    array, value = c.place(f["array"]), c.operand(f["value"])

    def step(v: Locals, run: Run) -> int:
        if v[value] is None:
            return 1
        v[array].add(v[value])
        return 0

    return step


def _insert(c: Slots, f: Fields) -> Step:
    held, key, value = c.place(f["object"]), c.operand(f["key"]), c.operand(f["value"])

    def step(v: Locals, run: Run) -> int:
        if v[key] is None or v[value] is None:
            return 1
        v[held].put(v[key], v[value])
        return 0

    return step


def _insert_once(c: Slots, f: Fields) -> Step:
    held, key, value = c.place(f["object"]), c.operand(f["key"]), c.operand(f["value"])

    def step(v: Locals, run: Run) -> int:
        old, new = v[held].get(v[key]), v[value]
        if v[key] is None or new is None:
            return 1
        if old is None:
            v[held].put(v[key], new)
        elif old is not new and old != new:
            raise EvaluationFailure("a rule gives one key two different values")
        return 0

    return step


def _add(c: Slots, f: Fields) -> Step:
    held, value = c.place(f["set"]), c.operand(f["value"])

    def step(v: Locals, run: Run) -> int:
        if v[value] is None:
            return 1
        v[held].put(v[value])
        return 0

    return step


def _merge(c: Slots, f: Fields) -> Step:
    a, b, target = c.place(f["a"]), c.place(f["b"]), c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        if v[a] is None or v[b] is None:
            return 1
        run.charge(work_of(v[a]) + work_of(v[b]))
        v[target] = _merged(v[a], v[b])
        return 0

    return step


def _merged(a: Any, b: Any) -> Any:
    if a.__class__ is not Object or b.__class__ is not Object:
        return a
    made = dict(a)
    for key, value in b.items():
        made[key] = _merged(made[key], value) if key in made else value
    return Object(made)


MAKERS: Final[Mapping[str, Maker]] = {
    "ArrayAppendStmt": _append,
    "AssignIntStmt": _set_constant,
    "AssignVarOnceStmt": _assign_once,
    "AssignVarStmt": _assign,
    "DotStmt": _dot,
    "EqualStmt": _equal,
    "IsArrayStmt": _is(Array),
    "IsDefinedStmt": _is_defined,
    "IsObjectStmt": _is(Object),
    "IsSetStmt": _is(Set),
    "IsUndefinedStmt": _is_undefined,
    "LenStmt": _length,
    "MakeArrayStmt": _make(Array.opened),
    "MakeNullStmt": _make(lambda: NULL),
    "MakeNumberIntStmt": _set_constant,
    "MakeNumberRefStmt": _set_constant,
    "MakeObjectStmt": _make(Object.opened),
    "MakeSetStmt": _make(Set.opened),
    "NotEqualStmt": _not_equal,
    "ObjectInsertOnceStmt": _insert_once,
    "ObjectInsertStmt": _insert,
    "ObjectMergeStmt": _merge,
    "ResetLocalStmt": _make(lambda: None),
    "SetAddStmt": _add,
}
