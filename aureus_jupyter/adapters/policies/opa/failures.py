"""What stops an evaluation. Each of them denies: nothing here is ever turned into an answer."""

from __future__ import annotations

__all__ = ["BuiltinFailure", "EvaluationFailure", "MalformedPlan", "OutOfBounds"]


class MalformedPlan(Exception):
    """A bundle or plan that cannot be used: broken, unsafe, unsigned, or with something this interpreter does not know."""


class EvaluationFailure(Exception):
    """A plan that failed while it ran: a conflict, a missing entry point, an undefined answer."""


class OutOfBounds(EvaluationFailure):
    """A plan that asked for more steps, depth or memory than a decision may take."""


class BuiltinFailure(EvaluationFailure):
    """A built-in that could not answer. OPA makes this undefined by default; here it stops, as with its strict errors."""
