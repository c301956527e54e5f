"""What a policy answered to Trino's questions, as rulings. Strict: an answer of another shape is no answer, and raises.

Source: Trino, "Open Policy Agent access control".
"""

from __future__ import annotations

from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure
from aureus_jupyter.adapters.policies.opa.request import Question
from aureus_jupyter.adapters.policies.opa.terms import ABSENT
from aureus_jupyter.values.obligations import Filter, Hide, Mask, MaskMethod, Op
from aureus_jupyter.values.verdict import Effect, Reason, Ruling

__all__ = ["MISSING", "denial", "hides", "is_allowed", "masks", "row_filters"]

MISSING: Final = ABSENT
"""Stands for an undefined answer, which is never the same as false or null."""
_LONGEST: Final = 8_000
_MOST: Final = 1_000
_HINT: Final = "Ask your platform team which policy of OPA this needs."


def _wrong(question: Question, expected: str) -> EvaluationFailure:
    return EvaluationFailure(f"the rule {question.rule} must answer {question.action['operation']} with {expected}")


def is_allowed(question: Question, answer: Any) -> bool:
    """Return an answer of `allow`; undefined is no, and anything but true and false raises."""
    if answer is MISSING:
        return False
    if not isinstance(answer, bool):
        raise _wrong(question, "true or false")
    return answer


def denial(policy: str, question: Question) -> Ruling:
    """Return the refusal for an `allow` that was not true."""
    reason = Reason(
        policy=policy, code="opa_denied", message=f"the policy {policy} does not allow {question.subject}", hint=_HINT
    )
    return Ruling(policy=policy, effect=Effect.DENY, dataset=question.dataset, reason=reason)


def hides(policy: str, question: Question, answer: Any) -> list[Ruling]:
    """Return a ruling for each column that `batch` does not list: it is hidden, as by Trino's FilterColumns."""
    shown = set() if answer is None else {_index(question, item) for item in _items(question, answer)}
    hidden = [column for index, column in enumerate(question.columns) if index not in shown]
    why = "a column that OPA does not show"
    made = [Hide(policy=policy, dataset=question.dataset, column=column, reason=why) for column in hidden]
    return [Ruling(policy=policy, effect=Effect.HIDE, dataset=h.dataset, hide=h) for h in made]


def row_filters(policy: str, user: str, question: Question, answer: Any) -> list[Ruling]:
    """Return a ruling for each row filter; all of them hold. Null means there is none."""
    if answer is None:
        return []
    made = [
        Filter(
            policy=policy,
            dataset=question.dataset,
            column="",
            op=Op.EXPRESSION,
            values=(),
            reason="a row filter of OPA",
            expression=_expression(question, item, user),
        )
        for item in _items(question, answer)
    ]
    return [Ruling(policy=policy, effect=Effect.FILTER, dataset=f.dataset, filter=f) for f in made]


def masks(policy: str, user: str, question: Question, answer: Any) -> list[Ruling]:
    """Return a ruling for each masked column, of `batchColumnMasks` or `columnMask`."""
    if question.rule == "columnMask":
        # Of one column undefined means that it is not masked; that is how Trino's policies are written.
        pairs = [] if answer is MISSING or answer is None else [(question.columns[0], answer)]
    else:
        items = [] if answer is None else _items(question, answer)
        if not all(isinstance(i, dict) and set(i) == {"index", "viewExpression"} for i in items):
            raise _wrong(question, "objects of an index and a viewExpression")
        pairs = [(question.columns[_index(question, i["index"])], i["viewExpression"]) for i in items]
    if len({column for column, _ in pairs}) != len(pairs):
        raise _wrong(question, "at most one mask for a column")
    made = [
        Mask(
            policy=policy,
            dataset=question.dataset,
            column=column,
            method=MaskMethod.EXPRESSION,
            reason="a column mask of OPA",
            expression=_expression(question, view, user),
        )
        for column, view in pairs
    ]
    return [Ruling(policy=policy, effect=Effect.MASK, dataset=m.dataset, mask=m) for m in made]


def _items(question: Question, answer: Any) -> list[Any]:
    if not isinstance(answer, list) or len(answer) > _MOST:
        raise _wrong(question, f"a list of at most {_MOST}")
    return answer


def _index(question: Question, value: Any) -> int:
    if value.__class__ is not int or not 0 <= value < len(question.columns):
        raise _wrong(question, "indices of what was asked for")
    return value


def _expression(question: Question, item: Any, user: str) -> str:
    """Return a view expression's text. One under another's identity is refused: it would show what the asker may not see."""
    if not isinstance(item, dict) or set(item) - {"expression", "identity"}:
        raise _wrong(question, "objects of an expression and, at most, an identity")
    if item.get("identity") not in (None, user):
        raise EvaluationFailure("a filter or mask under another identity is not supported")
    return _sql(question, item.get("expression"))


def _sql(question: Question, text: Any) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST:
        raise _wrong(question, "an expression of SQL")
    return text
