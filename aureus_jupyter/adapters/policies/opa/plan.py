"""OPA's compiled plan (`opa build -t plan`), read strictly.

Whatever is not known here is refused when the plan is loaded, not when a decision first meets it: a statement, a field of
one, a built-in. Functions and statements come out as typed values with their operands checked.
Source: Open Policy Agent, "Intermediate Representation", and the schema ir/v1/plan.schema.json.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import MalformedPlan

__all__ = ["STATEMENTS", "Block", "Function", "Operand", "Plan", "Statement", "parse_plan"]

_MAX_STATEMENTS: Final = 200_000
_MAX_NESTING: Final = 60
_LOCATION = frozenset({"file", "col", "row", "end_col", "end_row"})

STATEMENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ArrayAppendStmt": {"value": "operand", "array": "local"},
    "AssignIntStmt": {"value": "int", "target": "local"},
    "AssignVarOnceStmt": {"source": "operand", "target": "local"},
    "AssignVarStmt": {"source": "operand", "target": "local"},
    "BlockStmt": {"blocks": "blocks"},
    "BreakStmt": {"index": "int"},
    "CallDynamicStmt": {"args": "locals", "result": "local", "path": "operands"},
    "CallStmt": {"func": "name", "args": "operands", "result": "local"},
    "DotStmt": {"source": "operand", "key": "operand", "target": "local"},
    "EqualStmt": {"a": "operand", "b": "operand"},
    "IsArrayStmt": {"source": "operand"},
    "IsDefinedStmt": {"source": "local"},
    "IsObjectStmt": {"source": "operand"},
    "IsSetStmt": {"source": "operand"},
    "IsUndefinedStmt": {"source": "local"},
    "LenStmt": {"source": "operand", "target": "local"},
    "MakeArrayStmt": {"capacity": "int", "target": "local"},
    "MakeNullStmt": {"target": "local"},
    "MakeNumberIntStmt": {"value": "int", "target": "local"},
    "MakeNumberRefStmt": {"index": "text", "target": "local"},
    "MakeObjectStmt": {"target": "local"},
    "MakeSetStmt": {"target": "local"},
    "NopStmt": {},
    "NotEqualStmt": {"a": "operand", "b": "operand"},
    "NotStmt": {"block": "block"},
    "ObjectInsertOnceStmt": {"key": "operand", "value": "operand", "object": "local"},
    "ObjectInsertStmt": {"key": "operand", "value": "operand", "object": "local"},
    "ObjectMergeStmt": {"a": "local", "b": "local", "target": "local"},
    "ResetLocalStmt": {"target": "local"},
    "ResultSetAddStmt": {"value": "local"},
    "ReturnLocalStmt": {"source": "local"},
    "ScanStmt": {"source": "local", "key": "local", "value": "local", "block": "block"},
    "SetAddStmt": {"value": "operand", "set": "local"},
    "WithStmt": {"local": "local", "path": "path", "value": "operand", "block": "block"},
}
"""Every statement there is, with what its fields are. No other is run."""

Block = tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """What a statement works on: a local variable, or a constant (a text, True or False)."""

    local: int | None
    constant: str | bool | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its kind, and its fields as `STATEMENTS` says."""

    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A function or an entry point. An entry point has no parameters beside `input` and `data`, and returns nothing."""

    name: str
    parameters: tuple[int, ...]
    result: int | None
    blocks: tuple[Block, ...]
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan: entry points by path (`trino/allow`), functions by name, and the built-ins it calls."""

    entries: Mapping[str, Function]
    functions: Mapping[str, Function]
    builtins: frozenset[str]


def parse_plan(value: Any, allowed: Collection[str]) -> Plan:
    """Return the plan in a parsed plan.json. Raises MalformedPlan, also for a built-in that is not among `allowed`."""
    return _Reader(value, allowed).plan()


class _Reader:
    def __init__(self, value: Any, allowed: Collection[str]) -> None:
        self._value = _mapping(value, "the plan")
        static = _mapping(self._value.get("static", {}), "static")
        self._strings = [_text(_mapping(s, "a string").get("value")) for s in _list(static.get("strings", []))]
        declared = [_text(_mapping(b, "a built-in").get("name")) for b in _list(static.get("builtin_funcs", []))]
        self._declared = frozenset(declared)
        self._allowed = allowed
        self._count = 0
        self._called: set[str] = set()

    def plan(self) -> Plan:
        unknown = set(self._value) - {"static", "plans", "funcs", "unplanned_rules"}
        if unknown:
            raise MalformedPlan("the plan holds a part that is not known")
        _refuse(self._declared, self._allowed)
        entries = {e.name: e for e in map(self._entry, _list(_part(self._value, "plans")))}
        functions = {f.name: f for f in map(self._function, _list(_part(self._value, "funcs")))}
        builtins = frozenset(self._called - set(functions))
        _refuse(builtins, self._allowed)
        if not entries:
            raise MalformedPlan("the plan has no entry point (opa build -t plan -e PACKAGE/RULE)")
        return Plan(entries=entries, functions=functions, builtins=builtins)

    def _entry(self, value: Any) -> Function:
        value = _mapping(value, "an entry point")
        return Function(_text(value.get("name")), (0, 1), None, self._blocks(value.get("blocks"), 0))

    def _function(self, value: Any) -> Function:
        value = _mapping(value, "a function")
        parameters = tuple(_whole(p) for p in _list(value.get("params")))
        if len(parameters) < 2:
            raise MalformedPlan("a function takes neither input nor data")
        path = tuple(_text(p) for p in _list(value.get("path")))
        blocks = self._blocks(value.get("blocks"), 0)
        return Function(_text(value.get("name")), parameters, _whole(value.get("return")), blocks, path)

    def _blocks(self, value: Any, depth: int) -> tuple[Block, ...]:
        return tuple(self._block(b, depth) for b in _list(value))

    def _block(self, value: Any, depth: int) -> Block:
        if depth > _MAX_NESTING:
            raise MalformedPlan("the plan nests its blocks too deeply")
        stmts = _mapping(value, "a block").get("stmts")
        return tuple(self._statement(s, depth) for s in _list(stmts))

    def _statement(self, value: Any, depth: int) -> Statement:
        self._count += 1
        if self._count > _MAX_STATEMENTS:
            raise MalformedPlan("the plan has too many statements")
        value = _mapping(value, "a statement")
        kind = _text(value.get("type"))
        if kind not in STATEMENTS:
            raise MalformedPlan(f"the plan holds a statement that is not known ({kind[:40]})")
        body = dict(_mapping(value.get("stmt"), kind))
        # Go writes this one field under both names.
        body.pop("Index", None)
        wanted = STATEMENTS[kind]
        if set(body) - set(wanted) - _LOCATION:
            raise MalformedPlan(f"a {kind} has a field that is not known")
        fields = {name: self._field(sort, body.get(name), depth) for name, sort in wanted.items()}
        if kind == "CallStmt":
            self._called.add(fields["func"])
        return Statement(kind, fields)

    def _field(self, sort: str, value: Any, depth: int) -> Any:
        if sort == "block":
            return self._block(value, depth + 1)
        if sort == "blocks":
            return self._blocks(value, depth + 1)
        if sort == "operands":
            return tuple(self._operand(v) for v in _list(value))
        if sort == "locals":
            return tuple(_whole(v) for v in _list(value))
        if sort == "path":
            return tuple(self._string(v) for v in _list(value))
        simple = {"operand": self._operand, "local": _whole, "int": _integer, "text": self._string, "name": _text}
        return simple[sort](value)

    def _operand(self, value: Any) -> Operand:
        value = _mapping(value, "an operand")
        kind, found = value.get("type"), value.get("value")
        if kind == "local":
            return Operand(_whole(found))
        if kind == "string_index":
            return Operand(None, self._string(found))
        if kind == "bool" and isinstance(found, bool):
            return Operand(None, found)
        raise MalformedPlan("an operand is none of local, string_index and bool")

    def _string(self, value: Any) -> str:
        index = _whole(value)
        if index >= len(self._strings):
            raise MalformedPlan("a text is named that the plan does not hold")
        return self._strings[index]


def _refuse(names: Collection[str], allowed: Collection[str]) -> None:
    refused = sorted(set(names) - set(allowed))
    if refused:
        raise MalformedPlan(f"the policy uses built-ins that are not allowed here: {', '.join(refused)[:200]}")


def _part(value: Mapping[str, Any], name: str) -> Any:
    return _mapping(value.get(name, {}), name).get(name)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedPlan(f"{what} is no object")
    return value


def _list(value: Any) -> list[Any]:
    if value is None:  # an empty list of Go's
        return []
    if not isinstance(value, list):
        raise MalformedPlan("a list is missing")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedPlan("a text is missing")
    return value


def _integer(value: Any) -> int:
    if value.__class__ is not int or abs(value) >= 1 << 63:
        raise MalformedPlan("a whole number is missing")
    return value


def _whole(value: Any) -> int:
    if _integer(value) < 0 or value >= 1 << 31:
        raise MalformedPlan("an index is out of range")
    return _integer(value)
