"""Statements of a plan to closures over a function's variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aureus_jupyter.adapters.policies.opa import arithmetic
from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure, MalformedPlan
from aureus_jupyter.adapters.policies.opa.machine import (
    RETURN,
    Builtin,
    Code,
    Locals,
    Run,
    Step,
    call_builtin,
    call_code,
    lookup,
    work_of,
)
from aureus_jupyter.adapters.policies.opa.plan import Block, Function, Operand
from aureus_jupyter.adapters.policies.opa.terms import FALSE, NULL, TRUE, Array, Object, Set

__all__ = ["compile_function"]


def compile_function(
    function: Function,
    code: Code,
    codes: Mapping[str, Code],
    paths: Mapping[tuple[str, ...], Code],
    builtins: Mapping[str, Builtin],
) -> None:
    """Fill `code` with what a function does. Raises MalformedPlan for a call to what is not there."""
    compiler = _Compiler(codes, paths, builtins)
    places = tuple(compiler.place(p) for p in function.parameters)
    compiler.place(0), compiler.place(1)
    blocks = tuple(compiler.block(b) for b in function.blocks)
    # The last place holds what the function returns.
    code.start, code.places, code.blocks = [*compiler.start, None], places, blocks


class _Compiler:
    def __init__(
        self, codes: Mapping[str, Code], paths: Mapping[tuple[str, ...], Code], builtins: Mapping[str, Builtin]
    ) -> None:
        self.codes = codes
        self.paths = paths
        self.builtins = builtins
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

    def block(self, block: Block) -> tuple[Step, ...]:
        """Return a block's statements, those that do nothing left out."""
        return tuple(_MAKERS[s.kind](self, s.fields) for s in block if s.kind != "NopStmt")

    def places_of(self, operands: Sequence[Operand]) -> tuple[int, ...]:
        """Return where each operand stands."""
        return tuple(self.operand(o) for o in operands)


_Fields = Mapping[str, Any]


def _run(block: tuple[Step, ...], variables: Locals, run: Run) -> int:
    """Run a block: 0 at its end, else how it was left."""
    for step in block:
        ended = step(variables, run)
        if ended:
            return ended
    return 0


def _assign(c: _Compiler, f: _Fields) -> Step:
    source, target = c.operand(f["source"]), c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        v[target] = v[source]
        return 0

    return step


def _assign_once(c: _Compiler, f: _Fields) -> Step:
    source, target = c.operand(f["source"]), c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        old, new = v[target], v[source]
        if old is not None and old is not new and old != new:
            raise EvaluationFailure("a rule has two different values at once")
        v[target] = new
        return 0

    return step


def _make(value: Callable[[], Any]) -> Callable[[_Compiler, _Fields], Step]:
    def maker(c: _Compiler, f: _Fields) -> Step:
        target = c.place(f["target"])

        def step(v: Locals, run: Run) -> int:
            v[target] = value()
            return 0

        return step

    return maker


def _set_constant(c: _Compiler, f: _Fields) -> Step:
    value = f.get("value") if "value" in f else arithmetic.number(f["index"])
    target = c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        v[target] = value
        return 0

    return step


def _block(c: _Compiler, f: _Fields) -> Step:
    blocks = tuple(c.block(b) for b in f["blocks"])

    def step(v: Locals, run: Run) -> int:
        run.left -= 1
        for block in blocks:
            for inner in block:
                ended = inner(v, run)
                if ended:
                    if ended > 1:
                        return ended - 1
                    break
        return 0

    return step


def _break(c: _Compiler, f: _Fields) -> Step:
    levels = f["index"] + 1
    if not 0 < levels < 1000:
        raise MalformedPlan("a break leaves more blocks than there are")
    return lambda v, run: levels


def _call(c: _Compiler, f: _Fields) -> Step:
    arguments, result = c.places_of(f["args"]), c.place(f["result"])
    name = f["func"]
    code = c.codes.get(name)
    if code is None:
        return _call_builtin(c.builtins[name], arguments, result)

    def step(v: Locals, run: Run) -> int:
        value = v[result] = call_code(code, [v[a] for a in arguments], run)
        return 1 if value is None else 0

    return step


def _call_builtin(builtin: Builtin, arguments: tuple[int, ...], result: int) -> Step:
    def step(v: Locals, run: Run) -> int:
        value = v[result] = call_builtin(builtin, [v[a] for a in arguments], run)
        return 1 if value is None else 0

    return step


def _call_dynamic(c: _Compiler, f: _Fields) -> Step:
    arguments, result = tuple(c.place(a) for a in f["args"]), c.place(f["result"])
    path, paths = c.places_of(f["path"]), c.paths

    def step(v: Locals, run: Run) -> int:
        code = paths.get(tuple(v[p] for p in path))
        if code is None:
            return 1
        value = v[result] = call_code(code, [v[a] for a in arguments], run)
        # Found but undefined: leaves three blocks more, as planned around each such call.
        return 4 if value is None else 0

    return step


def _dot(c: _Compiler, f: _Fields) -> Step:
    source, key, target = c.operand(f["source"]), c.operand(f["key"]), c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        held = v[source]
        value = v[target] = held.get(v[key]) if held.__class__ is Object else lookup(held, v[key])
        return 1 if value is None else 0

    return step


def _equal(c: _Compiler, f: _Fields) -> Step:
    a, b = c.operand(f["a"]), c.operand(f["b"])

    def step(v: Locals, run: Run) -> int:
        left, right = v[a], v[b]
        run.left -= 1 + work_of(left)
        return 0 if left is not None and left == right else 1

    return step


def _not_equal(c: _Compiler, f: _Fields) -> Step:
    a, b = c.operand(f["a"]), c.operand(f["b"])

    def step(v: Locals, run: Run) -> int:
        left, right = v[a], v[b]
        run.left -= 1 + work_of(left)
        return 1 if left is None or right is None or left == right else 0

    return step


def _is(kind: type) -> Callable[[_Compiler, _Fields], Step]:
    def maker(c: _Compiler, f: _Fields) -> Step:
        source = c.operand(f["source"])
        return lambda v, run: 0 if v[source].__class__ is kind else 1

    return maker


def _is_defined(c: _Compiler, f: _Fields) -> Step:
    source = c.place(f["source"])
    return lambda v, run: 1 if v[source] is None else 0


def _is_undefined(c: _Compiler, f: _Fields) -> Step:
    source = c.place(f["source"])
    return lambda v, run: 0 if v[source] is None else 1


def _length(c: _Compiler, f: _Fields) -> Step:
    source, target = c.operand(f["source"]), c.place(f["target"])

    def step(v: Locals, run: Run) -> int:
        if v[source] is None:
            return 1
        v[target] = len(v[source])
        return 0

    return step


def _not(c: _Compiler, f: _Fields) -> Step:
    block = c.block(f["block"])

    def step(v: Locals, run: Run) -> int:
        run.left -= 1
        ended = _run(block, v, run)
        # Reaching the end is what a negation must not do.
        return 1 if ended == 0 else ended - 1

    return step


def _append(c: _Compiler, f: _Fields) -> Step:
    array, value = c.place(f["array"]), c.operand(f["value"])

    def step(v: Locals, run: Run) -> int:
        if v[value] is None:
            return 1
        v[array].add(v[value])
        return 0

    return step


def _insert(c: _Compiler, f: _Fields) -> Step:
    held, key, value = c.place(f["object"]), c.operand(f["key"]), c.operand(f["value"])

    def step(v: Locals, run: Run) -> int:
        if v[key] is None or v[value] is None:
            return 1
        v[held].put(v[key], v[value])
        return 0

    return step


def _insert_once(c: _Compiler, f: _Fields) -> Step:
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


def _add(c: _Compiler, f: _Fields) -> Step:
    held, value = c.place(f["set"]), c.operand(f["value"])

    def step(v: Locals, run: Run) -> int:
        if v[value] is None:
            return 1
        v[held].put(v[value])
        return 0

    return step


def _merge(c: _Compiler, f: _Fields) -> Step:
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


def _result(c: _Compiler, f: _Fields) -> Step:
    value = c.place(f["value"])

    def step(v: Locals, run: Run) -> int:
        if v[value] not in run.results:
            run.results.append(v[value])
        return 0

    return step


def _return(c: _Compiler, f: _Fields) -> Step:
    source = c.place(f["source"])

    def step(v: Locals, run: Run) -> int:
        v[-1] = v[source]
        return RETURN

    return step


def _scan(c: _Compiler, f: _Fields) -> Step:
    source, key, value = c.place(f["source"]), c.place(f["key"]), c.place(f["value"])
    block = c.block(f["block"])

    def step(v: Locals, run: Run) -> int:
        for v[key], v[value] in _pairs(v[source]):  # noqa: B020 - two variables of the plan's function
            run.left -= 1
            if run.left < 0:
                run.charge(0)
            for inner in block:
                ended = inner(v, run)
                if ended:
                    if ended > 1:
                        # A loop is two levels to leave: its turn, and itself.
                        return ended - 2
                    break
        return 0

    return step


def _pairs(source: Any) -> Any:
    kind = source.__class__
    if kind is Array:
        return enumerate(source)
    if kind is Object:
        return [(k, source[k]) for k in source.ordered()]
    return [(k, k) for k in source.ordered()] if kind is Set else ()


def _with(c: _Compiler, f: _Fields) -> Step:
    local, value, path = c.place(f["local"]), c.operand(f["value"]), f["path"]
    block = c.block(f["block"])

    def step(v: Locals, run: Run) -> int:
        run.left -= 1
        saved, memory = v[local], run.memory
        run.memory = {}
        v[local] = _upserted(saved, path, v[value]) if path else v[value]
        ended = _run(block, v, run)
        v[local], run.memory = saved, memory
        return ended - 1 if ended > 1 else ended

    return step


def _upserted(held: Any, path: Sequence[str], value: Any) -> Any:
    """Return a copy of an object with the value at a path; what is no object on the way is replaced."""
    if not path:
        return value
    made = dict(held) if held.__class__ is Object else {}
    made[path[0]] = _upserted(made.get(path[0]), path[1:], value)
    return Object(made)


_MAKERS: Mapping[str, Callable[[_Compiler, _Fields], Step]] = {
    "ArrayAppendStmt": _append,
    "AssignIntStmt": _set_constant,
    "AssignVarOnceStmt": _assign_once,
    "AssignVarStmt": _assign,
    "BlockStmt": _block,
    "BreakStmt": _break,
    "CallDynamicStmt": _call_dynamic,
    "CallStmt": _call,
    "DotStmt": _dot,
    "EqualStmt": _equal,
    "IsArrayStmt": _is(Array),
    "IsDefinedStmt": _is_defined,
    "IsObjectStmt": _is(Object),
    "IsSetStmt": _is(Set),
    "IsUndefinedStmt": _is_undefined,
    "LenStmt": _length,
    "MakeArrayStmt": _make(Array),
    "MakeNullStmt": _make(lambda: NULL),
    "MakeNumberIntStmt": _set_constant,
    "MakeNumberRefStmt": _set_constant,
    "MakeObjectStmt": _make(Object),
    "MakeSetStmt": _make(Set),
    "NotEqualStmt": _not_equal,
    "NotStmt": _not,
    "ObjectInsertOnceStmt": _insert_once,
    "ObjectInsertStmt": _insert,
    "ObjectMergeStmt": _merge,
    "ResetLocalStmt": _make(lambda: None),
    "ResultSetAddStmt": _result,
    "ReturnLocalStmt": _return,
    "ScanStmt": _scan,
    "SetAddStmt": _add,
    "WithStmt": _with,
}
