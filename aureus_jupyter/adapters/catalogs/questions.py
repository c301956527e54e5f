"""What makes a verified question sound, beyond its form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aureus_jupyter.core.copilot.verified import slot_value
from aureus_jupyter.core.text import bind_names
from aureus_jupyter.values.catalog import Question, Slot

__all__ = ["Fault", "question_faults", "question_of"]

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one of the questions: its place in the file, the member, what was expected and found."""

    path: tuple[str | int, ...]
    field: str
    expected: str
    found: str


def question_of(item: Mapping[str, Any], pack: str) -> Question:
    """Return the question an item of `questions` describes. Expects an item that fits the schema."""
    return Question(
        id=item["id"],
        phrasings=tuple(item["phrasings"]),
        sql=item["sql"].strip(),
        slots=tuple(_slot(name, spec) for name, spec in item.get("slots", {}).items()),
        pack=pack,
        answer=item.get("answer", ""),
    )


def _slot(name: str, spec: Mapping[str, Any]) -> Slot:
    return Slot(name=name, kind=spec["kind"], choices=tuple(spec.get("choices", ())), default=spec.get("default", ""))


def question_faults(questions: Sequence[Question]) -> Iterator[Fault]:
    """Yield every fault, in the file's order. Does not look at what the SQL reads."""
    ids: set[str] = set()
    asked: dict[str, str] = {}
    for index, question in enumerate(questions):
        if question.id in ids:
            yield _fault(index, question, "id", "an id of its own", "the id of another question")
        ids.add(question.id)
        yield from _sql_faults(index, question)
        yield from _slot_faults(index, question)
        for place, phrasing in enumerate(question.phrasings):
            yield from _phrasing_faults(index, place, question, phrasing)
            first = asked.setdefault(_shape(phrasing), question.id)
            if first != question.id:
                yield _fault(index, question, "phrasings", "a phrasing of its own", f"one of {first}", place)


def _fault(index: int, question: Question, field: str, expected: str, found: str, *more: str | int) -> Fault:
    path = ("questions", index, field, *more)
    return Fault(path=path, field=f"{question.id}.{field}", expected=expected, found=found)


def _shape(phrasing: str) -> str:
    return " ".join(_SLOT.sub("{}", phrasing).casefold().split())


def _sql_faults(index: int, question: Question) -> Iterator[Fault]:
    bound, slots = set(bind_names(question.sql)[1]), {slot.name for slot in question.slots}
    if bound - slots:
        names = ", ".join(sorted(bound - slots))
        yield _fault(index, question, "sql", "only the question's slots bound as :slot", f"also {names}")
    if slots - bound:
        names = ", ".join(sorted(slots - bound))
        yield _fault(index, question, "sql", "each slot of the question bound as :slot", f"no {names}")


def _slot_faults(index: int, question: Question) -> Iterator[Fault]:
    for slot in question.slots:
        if slot.kind == "choice" and not slot.choices:
            yield _fault(index, question, "slots", "choices for a choice", "none", slot.name)
        if slot.kind != "choice" and slot.choices:
            yield _fault(index, question, "slots", "choices only for a choice", f"them for a {slot.kind}", slot.name)
        if len({choice.casefold() for choice in slot.choices}) < len(slot.choices):
            yield _fault(index, question, "slots", "choices that differ", "one twice", slot.name)
        if slot.default and slot_value(slot, slot.default) is None:
            yield _fault(index, question, "slots", f"a default that is a {slot.kind}", "another text", slot.name)
        if not slot.default and any("{" + slot.name + "}" not in phrasing for phrasing in question.phrasings):
            expected = "a default, as a phrasing leaves the slot out"
            yield _fault(index, question, "slots", expected, "none", slot.name)


def _phrasing_faults(index: int, place: int, question: Question, phrasing: str) -> Iterator[Fault]:
    names = _SLOT.findall(phrasing)
    unknown = sorted(set(names) - {slot.name for slot in question.slots})
    if unknown:
        yield _fault(
            index, question, "phrasings", "only slots of the question in braces", f"also {', '.join(unknown)}", place
        )
    if len(set(names)) < len(names):
        yield _fault(index, question, "phrasings", "each slot once", "one twice", place)
    rest = _SLOT.sub(" ", phrasing)
    if "{" in rest or "}" in rest:
        yield _fault(index, question, "phrasings", "braces only around a slot's name", "another brace", place)
    if not rest.strip():
        yield _fault(index, question, "phrasings", "words around the slots", "none", place)
    if phrasing != phrasing.strip() or phrasing.rstrip("?.! ") != phrasing:
        yield _fault(index, question, "phrasings", "no mark and no space at the end", "one", place)
