"""A plan's functions to code: their blocks, calls, loops and changes of input and data, as closures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import MalformedPlan
from aureus_jupyter.adapters.policies.opa.machine import (
    RETURN,
    Builtin,
    Code,
    Locals,
    Run,
    Step,
    call_builtin,
    call_code,
)
from aureus_jupyter.adapters.policies.opa.plan import Block, Function
from aureus_jupyter.adapters.policies.opa.statements import MAKERS, Fields, Slots
from aureus_jupyter.adapters.policies.opa.terms import Array, Object, Set

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


class _Compiler(Slots):
    def __init__(
        self, codes: Mapping[str, Code], paths: Mapping[tuple[str, ...], Code], builtins: Mapping[str, Builtin]
    ) -> None:
        super().__init__()
        self.codes = codes
        self.paths = paths
        self.builtins = builtins

    def block(self, block: Block) -> tuple[Step, ...]:
        """Return a block's statements, those that do nothing left out."""
        return tuple(self._step(s.kind, s.fields) for s in block if s.kind != "NopStmt")

    def _step(self, kind: str, fields: Fields) -> Step:
        return _FLOW[kind](self, fields) if kind in _FLOW else MAKERS[kind](self, fields)


def _run(block: tuple[Step, ...], variables: Locals, run: Run) -> int:
    """Run a block: 0 at its end, else how it was left."""
    for step in block:
        ended = step(variables, run)
        if ended:
            return ended
    return 0


def _block(c: _Compiler, f: Fields) -> Step:
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


def _break(c: _Compiler, f: Fields) -> Step:
    levels = f["index"] + 1
    if not 0 < levels < 1000:
        raise MalformedPlan("a break leaves more blocks than there are")
    return lambda v, run: levels


def _call(c: _Compiler, f: Fields) -> Step:
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


def _call_dynamic(c: _Compiler, f: Fields) -> Step:
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


def _not(c: _Compiler, f: Fields) -> Step:
    block = c.block(f["block"])

    def step(v: Locals, run: Run) -> int:
        run.left -= 1
        ended = _run(block, v, run)
        # Reaching the end is what a negation must not do.
        return 1 if ended == 0 else ended - 1

    return step


def _result(c: _Compiler, f: Fields) -> Step:
    value = c.place(f["value"])

    def step(v: Locals, run: Run) -> int:
        if v[value] not in run.results:
            run.results.append(v[value])
        return 0

    return step


def _return(c: _Compiler, f: Fields) -> Step:
    source = c.place(f["source"])

    def step(v: Locals, run: Run) -> int:
        v[-1] = v[source]
        return RETURN

    return step


def _scan(c: _Compiler, f: Fields) -> Step:
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


def _with(c: _Compiler, f: Fields) -> Step:
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


_FLOW: Final[Mapping[str, Callable[[_Compiler, Fields], Step]]] = {
    "BlockStmt": _block,
    "BreakStmt": _break,
    "CallDynamicStmt": _call_dynamic,
    "CallStmt": _call,
    "NotStmt": _not,
    "ResultSetAddStmt": _result,
    "ReturnLocalStmt": _return,
    "ScanStmt": _scan,
    "WithStmt": _with,
}
