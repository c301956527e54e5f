"""Runs a plan: each statement becomes a closure once, a decision then only calls them.

A statement answers with a number: 0 goes on, 1 leaves the block it stands in (it is undefined there), n leaves n blocks,
`RETURN` the function. `None` is undefined. Steps, depth and the size of values are bounded; each bound raises, and what
raises denies. Everything is Python code between two statements, so that an interrupt gets through.
Source: Open Policy Agent, "Intermediate Representation", and where it leaves a choice its WebAssembly compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.arithmetic import to_int
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure, EvaluationFailure, OutOfBounds
from aureus_jupyter.adapters.policies.opa.plan import Plan
from aureus_jupyter.adapters.policies.opa.terms import ABSENT, Array, Object, Real, Set, from_python, mark_base, size_of

__all__ = ["RETURN", "Builtin", "Code", "Context", "Limits", "Machine", "Run", "Step"]
__all__ += ["call_builtin", "call_code", "lookup", "work_of"]

RETURN: Final = 1 << 40

Locals = list[Any]
Step = Callable[[Locals, "Run"], int]
Builtin = Callable[..., Any]
"""Takes the run and the operands; returns a value, or None where it is undefined. Raises BuiltinFailure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one evaluation may take: statements and elements touched, and calls within calls."""

    steps: int = 5_000_000
    depth: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a built-in may know beside its operands. `now_ns` is the one time of the decision; None refuses to tell it.

    `strict` makes a failing built-in stop the evaluation. Without it the call is undefined, as in OPA by default, and a
    `deny` that rests on it does not fire: that is for comparing with OPA alone.
    """

    now_ns: int | None = None
    strict: bool = True


@dataclass(slots=True)
class Run:
    """One evaluation: what is left of its steps, how deep it is, what it remembers."""

    context: Context
    left: int
    depth: int
    memory: dict[int, Any] = field(default_factory=dict)
    results: list[Any] = field(default_factory=list)

    def charge(self, steps: int) -> None:
        """Count work. Raises OutOfBounds when there was too much of it."""
        self.left -= steps
        if self.left < 0:
            raise OutOfBounds("the policy took too many steps")


@dataclass(slots=True)
class Code:
    """A compiled function: its variables as they begin, with its constants behind them, and its blocks."""

    start: Locals = field(default_factory=list)
    places: tuple[int, ...] = ()
    blocks: tuple[tuple[Step, ...], ...] = ()


class Machine:
    """A plan with its data, ready to be asked. Immutable once made; two threads may ask at once."""

    def __init__(
        self,
        plan: Plan,
        data: Any,
        builtins: Mapping[str, Builtin],
        limits: Limits = Limits(),
    ) -> None:
        """Raises MalformedPlan and EvaluationFailure for what cannot be run."""
        from aureus_jupyter.adapters.policies.opa.compiler import compile_function

        self._limits = limits
        try:
            self.data = from_python(data)
            mark_base(self.data)
        except RecursionError:
            raise OutOfBounds("the policy's data nests too deeply") from None
        codes = {name: Code() for name in plan.functions}
        paths: dict[tuple[str, ...], Code] = {f.path: codes[f.name] for f in plan.functions.values() if f.path}
        for name, function in plan.functions.items():
            compile_function(function, codes[name], codes, paths, builtins)
        self._entries = {name: Code() for name in plan.entries}
        for name, function in plan.entries.items():
            compile_function(function, self._entries[name], codes, paths, builtins)

    @property
    def entries(self) -> frozenset[str]:
        """The entry points' names."""
        return frozenset(self._entries)

    def evaluate(self, entry: str, given: Any, context: Context = Context()) -> Any:
        """Return the entry point's value as a Rego one, or None where it is undefined. `given` is plain or Rego values.

        Raises EvaluationFailure, and nothing else but KeyboardInterrupt.
        """
        return _answer(self.answers(entry, given, context))

    def answers(self, entry: str, given: Any, context: Context = Context()) -> Sequence[Any]:
        """Return each set of bindings that a query gives, as `evaluate`; an entry point's binds `result`."""
        code = self._entries.get(entry)
        if code is None:
            raise EvaluationFailure(f"the plan has no entry point {entry}")
        run = Run(context, self._limits.steps, self._limits.depth)
        try:
            variables = code.start.copy()
            variables[0], variables[1] = None if given is ABSENT else from_python(given), self.data
            for block in code.blocks:
                for step in block:
                    if step(variables, run):
                        break
            return run.results
        except RecursionError:
            raise OutOfBounds("the policy or its input nests too deeply") from None
        except MemoryError:
            raise OutOfBounds("the policy took too much memory") from None
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as cause:
            # A plan that OPA compiled does none of this; one that somebody wrote by hand may.
            raise EvaluationFailure(f"the plan could not be run ({type(cause).__name__})") from cause


def _answer(results: Sequence[Any]) -> Any:
    if not results:
        return None
    if len(results) > 1 or results[0].__class__ is not Object:
        raise EvaluationFailure("the entry point has more than one answer")
    return results[0].get("result")


def call_code(code: Code, arguments: Sequence[Any], run: Run) -> Any:
    """Call a function. Raises OutOfBounds where calls nest too deeply."""
    run.left -= 1
    if run.left < 0 or run.depth <= 0:
        raise OutOfBounds("the policy took too many steps, or its functions call each other too deeply")
    memorable = len(code.places) == 2
    if memorable and id(code) in run.memory:
        return run.memory[id(code)]
    variables = code.start.copy()
    for place, argument in zip(code.places, arguments, strict=True):
        variables[place] = argument
    run.depth -= 1
    value = None
    for block in code.blocks:
        ended = 0
        for step in block:
            ended = step(variables, run)
            if ended:
                break
        if ended >= RETURN >> 1:
            value = variables[-1]
            break
    run.depth += 1
    if memorable:
        run.memory[id(code)] = value
    return value


def call_builtin(make: Builtin, arguments: Sequence[Any], run: Run) -> Any:
    """Call a built-in: undefined operands make it undefined, and its work is counted by what goes in and comes out."""
    work = 1
    for argument in arguments:
        if argument is None:
            return None
        work += work_of(argument)
    run.charge(work)
    try:
        value = make(run, *arguments)
    except OutOfBounds:
        raise
    except BuiltinFailure:
        if run.context.strict:
            raise
        return None
    run.charge(work_of(value))
    return value


def work_of(value: Any) -> int:
    """Return how much work it is at least to go through a value once, in steps."""
    if value.__class__ is str:
        return len(value) >> 6
    size = size_of(value)
    return (len(value) >> 3) + (size >> 6) if size > 1 else 0


def lookup(source: Any, key: Any) -> Any:
    """Return what stands in a collection under a key, or None: of an array by index, of a set the member itself."""
    kind = source.__class__
    if kind is Object:
        return source.get(key)
    if kind is Array:
        index = key if key.__class__ is int else to_int(key) if key.__class__ is Real else None
        return source[index] if index is not None and 0 <= index < len(source) else None
    if kind is Set:
        return key if key in source else None
    return None
