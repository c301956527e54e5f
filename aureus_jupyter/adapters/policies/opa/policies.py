"""OPA as a policy engine: the questions of a statement, asked one by one, and the rulings its answers come to.

Which rules are asked is configured and never guessed: a policy without row filters must say so, or a rule that was renamed
would silently stop to filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from aureus_jupyter.adapters.policies.opa import answers
from aureus_jupyter.adapters.policies.opa.answers import MISSING
from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure
from aureus_jupyter.adapters.policies.opa.own_rulings import own_rulings
from aureus_jupyter.adapters.policies.opa.request import (
    Question,
    Table,
    Value,
    context_of,
    general_questions,
    table_questions,
    tables_of,
)
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.canonical import digest_json
from aureus_jupyter.values.verdict import DecisionRequest, Effect, Ruling

__all__ = ["RULES", "Asker", "OpaPolicies", "Session", "checked_rules"]

RULES: Final = ("allow", "batch", "rowFilters", "batchColumnMasks", "columnMask", "aureus")
"""The rules a policy may have, by the names Trino's documentation gives them; `aureus` is ours."""
_OBLIGING: Final = ("batch", "rowFilters", "batchColumnMasks", "columnMask", "aureus")


class Session(Protocol):
    """One decision's questions: all of them of the same policy, with the same time. Closed when the decision is made."""

    def __enter__(self) -> Session: ...
    def __exit__(self, *error: object) -> None: ...
    @property
    def value(self) -> Value:
        """What turns plain JSON values into those the policy's side reads, for what many questions share."""
        ...

    def ask(self, rule: str, given: Mapping[str, Any]) -> Any:
        """Return a rule's answer as plain values, or MISSING where it is undefined. Raises what denies."""
        ...


class Asker(Protocol):
    """Where the policy is."""

    @property
    def version(self) -> tuple[str, str]:
        """The policy's revision in its makers' words, and what changes when, and only when, the policy does."""
        ...

    @property
    def timed(self) -> bool:
        """Whether the policy asks for the time, or may."""
        ...

    def session(self, at: str) -> Session:
        """Begin a decision at a time, as RFC 3339 in UTC, or empty: then no rule about time can be evaluated."""
        ...


def checked_rules(rules: Iterable[str]) -> tuple[str, ...]:
    """Return the rules that are asked, in order. Raises Unavailable `opa_rules` for a list that could not refuse."""
    named = tuple(dict.fromkeys(rules))
    wrong = [r for r in named if r not in RULES]
    both = {"batchColumnMasks", "columnMask"} <= set(named)
    if wrong or both or not {"allow", "aureus"} & set(named):
        raise Unavailable(
            "opa_rules",
            "opa_rules must name allow or aureus, may name " + ", ".join(RULES) + ", and only one of the two for masks",
            hint="Set opa_rules, such as: allow rowFilters batchColumnMasks. Until then nothing may be read.",
        )
    return tuple(r for r in RULES if r in named)


class OpaPolicies:
    """A policy engine whose policies are in Rego. Holds no state but what it asks."""

    def __init__(self, asker: Asker, package: str, rules: Sequence[str]) -> None:
        self._asker = asker
        self._package = package
        self._rules = checked_rules(rules)

    @property
    def version(self) -> str:
        """What the policy's makers call it, for people, and a digest over it and what is asked of it."""
        revision, digest = self._asker.version
        return f"opa {self._package} {revision} {digest_json([self._package, list(self._rules), digest])}"

    @property
    def timed(self) -> bool:
        """Whether the policy asks for the time, or may."""
        return self._asker.timed

    def rule(self, request: DecisionRequest) -> Sequence[Ruling]:
        """Return the rulings for a statement. Raises EvaluationFailure and Unavailable: whatever is wrong denies."""
        tables = tables_of(request)
        rulings: list[Ruling] = []
        with self._asker.session(request.at) as session:
            decision = _Decision(session, self._package, request, context_of(request, session.value))
            if "allow" in self._rules:
                rulings += decision.denials(general_questions(request, tables))
            for table in tables:
                rulings += decision.about(table, self._rules)
        return rulings


class _Decision:
    def __init__(self, session: Session, package: str, request: DecisionRequest, context: dict[str, Any]) -> None:
        self._session = session
        self._package = package
        self._user = request.principal.name
        self._context = context

    def _ask(self, question: Question) -> Any:
        context = self._context
        if question.dataset:
            context = {**context, "properties": {**context["properties"], "dataset": question.dataset}}
        return self._session.ask(question.rule, {"context": context, "action": question.action})

    def _policy(self, rule: str) -> str:
        return f"{self._package}/{rule}"

    def denials(self, questions: Iterable[Question]) -> list[Ruling]:
        """Return a refusal for each question that `allow` does not answer with true."""
        return [
            answers.denial(self._policy("allow"), question)
            for question in questions
            if not answers.is_allowed(question, self._ask(question))
        ]

    def about(self, table: Table, rules: Sequence[str]) -> list[Ruling]:
        """Return what the policy rules about one table, with a permit only where it allows it."""
        questions = table_questions(table, self._session.value)
        rulings: list[Ruling] = []
        denied: list[Ruling] = []
        if "allow" in rules:
            denied = self.denials(questions["allow"])
        for rule in _OBLIGING:
            for question in questions[rule] if rule in rules else ():
                rulings += self._obliged(question, table)
        refused = any(r.effect is Effect.DENY for r in rulings)
        named = any(r.effect is Effect.PERMIT for r in rulings)
        if "allow" in rules and not denied and not named and not refused:
            rulings.append(Ruling(policy=self._policy("allow"), effect=Effect.PERMIT, dataset=table.dataset.name))
        if denied:
            # A permit of the rule `aureus` opens nothing that `allow` does not; its reasons say it better.
            rulings = [r for r in rulings if r.effect is not Effect.PERMIT]
            rulings += [] if refused else denied
        return rulings

    def _obliged(self, question: Question, table: Table) -> list[Ruling]:
        answer, policy = self._ask(question), self._policy(question.rule)
        if answer is MISSING and question.rule != "columnMask":
            raise EvaluationFailure(f"the rule {policy} is undefined for {question.action['operation']}")
        if question.rule == "rowFilters":
            return answers.row_filters(policy, self._user, question, answer)
        if question.rule == "aureus":
            return own_rulings(policy, table.dataset, answer)
        if question.rule == "batch":
            return answers.hides(policy, question, answer)
        return answers.masks(policy, self._user, question, answer)
