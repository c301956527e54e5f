"""Matching a question to the pack's verified ones, with typed slots. Nothing is guessed: a phrasing matches whole or not."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from aureus_jupyter.values.catalog import Catalog, Metric, Question, Slot
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.plan import Parameter

__all__ = ["LONGEST_QUESTION", "Match", "match", "nearest_questions", "slot_value", "verified_draft", "with_defaults"]

LONGEST_QUESTION = 500
"""Characters; no verified question is longer, and matching many gaps in a long text is slow."""

_NUMBER = r"[-+]?\d[\d,. ]*(?:thousand|million|billion|k|m|bn)?"
_PATTERNS = {
    "percent": r"[-+]?\d+(?:[.,]\d+)?\s*(?:%|percent|per cent)?",
    "number": _NUMBER,
    "date": r"\d{4}-\d{2}-\d{2}",
    "text": r".+?",
}
_SCALE = {"thousand": 10**3, "k": 10**3, "million": 10**6, "m": 10**6, "billion": 10**9, "bn": 10**9}
_DIGITS = 15
"""A double holds this many decimal digits exactly; a longer number would be bound as another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A verified question that fits, and its slots as bound parameters, sorted by name."""

    question: Question
    parameters: tuple[tuple[str, Parameter], ...]


def _spaced(text: str) -> str:
    """Return the text with one space between words and no closing mark; letters keep their case."""
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()
    return re.sub(r"[\s?.!]+$", "", text)


def normal(text: str) -> str:
    """Return a question in the form questions are compared in: one space, no closing mark, lower case."""
    return _spaced(text).casefold()


def match(question: str, verified: Sequence[Question], metrics: Iterable[Metric] = ()) -> Match | None:
    """Return the one verified question that `question` is, or None when none or several are.

    Other names of metrics count as their names, but only when the words as written match nothing.
    """
    asked = _spaced(question)
    if len(asked) > LONGEST_QUESTION:
        return None
    names = _other_names(metrics)
    for words in ((), names) if names else ((),):
        found = [m for q in verified if (m := _match_one(_rename(asked, words), q, words)) is not None]
        if found:
            return found[0] if len({m.question.id for m in found}) == 1 else None
    return None


def _other_names(metrics: Iterable[Metric]) -> tuple[tuple[str, str], ...]:
    """Return (other name, name in words) pairs, longest first so that a part never wins over the whole."""
    pairs = {(_spaced(other), metric.name.replace("_", " ")) for metric in metrics for other in metric.synonyms}
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair)))


def _rename(text: str, names: Sequence[tuple[str, str]]) -> str:
    if not names:
        return text
    known = {normal(other): name for other, name in reversed(names)}
    one_of = "|".join(re.escape(other) for other, _ in names)
    return re.sub(
        rf"(?<![\w{{]){'(?:' + one_of + ')'}(?![\w}}])", lambda m: known[normal(m[0])], text, flags=re.IGNORECASE
    )


def _match_one(asked: str, question: Question, names: Sequence[tuple[str, str]]) -> Match | None:
    slots = {slot.name: slot for slot in question.slots}
    for phrasing in question.phrasings:
        hit = _pattern(_rename(phrasing, names), slots).fullmatch(asked)
        if hit is None:
            continue
        values = {name: slot_value(slots[name], text) for name, text in hit.groupdict().items()}
        if all(value is not None for value in values.values()):
            missing = {name: slot_value(s, s.default) for name, s in slots.items() if name not in values}
            return Match(question=question, parameters=tuple(sorted({**missing, **values}.items())))
    return None


def _pattern(phrasing: str, slots: dict[str, Slot]) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", phrasing)
    out = []
    for place, part in enumerate(parts):
        if place % 2:
            slot = slots[part]
            options = sorted((_spaced(c) for c in slot.choices), key=len, reverse=True)
            body = "|".join(re.escape(o) for o in options) if slot.kind == "choice" else _PATTERNS[slot.kind]
            out.append(f"(?P<{part}>{body})")
        else:
            out.append(re.escape(re.sub(r"\s+", " ", unicodedata.normalize("NFKC", part))))
    # A text slot keeps its letters as written: "CZ" is looked for in the data as "CZ".
    return re.compile("".join(out), re.IGNORECASE)


def verified_draft(question: str, catalog: Catalog) -> Draft | None:
    """Return the draft of the one verified question that `question` is, its slots as bound parameters, or None.

    Never puts a slot's text into the SQL.
    """
    found = match(question, catalog.questions, catalog.metrics)
    if found is None:
        return None
    used = found.question
    note = f"Answered with the verified question \u201c{used.phrasings[0]}\u201d."
    return Draft(
        sql=used.sql,
        origin=Origin.QUESTION,
        by=f"verified:{used.id}",
        question=question,
        parameters=found.parameters,
        note=f"{note} {used.answer}".rstrip(),
    )


def slot_value(slot: Slot, text: str) -> Parameter:
    """Return a slot's text as a value to bind, or None when it is not of the slot's kind.

    A percent becomes a share: "10 %" and "10" are 0.1. A number may end in thousand, million or billion. A date is
    ISO 8601, must be in the calendar, and stays text.
    """
    text = text.strip()
    if slot.kind == "choice":
        return next((c for c in slot.choices if normal(c) == normal(text)), None)
    if slot.kind == "text":
        return text or None
    if slot.kind == "date":
        return text if _is_date(text) else None
    return _percent(text.casefold()) if slot.kind == "percent" else _number(text.casefold())


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _percent(text: str) -> Parameter:
    number = re.sub(r"\s*(%|percent|per cent)$", "", text)
    # "1,000 %" may be one or a thousand percent: not guessed.
    if re.fullmatch(r"[-+]?\d+,\d{3}", number):
        return None
    number = number.replace(",", ".")
    if not re.fullmatch(r"[-+]?\d+(\.\d+)?", number) or len(number) > _DIGITS:
        return None
    # Divided as text by moving the point, so that 7 % binds the double nearest to 0.07.
    return float(f"{number}e-2")


def _number(text: str) -> Parameter:
    hit = re.fullmatch(r"([-+]?\d[\d,. ]*?)\s*(thousand|million|billion|k|m|bn)?", text)
    if hit is None:
        return None
    digits = re.sub(r"(?<=\d)[, ](?=\d{3}(\D|$))", "", hit[1].strip())
    if not re.fullmatch(r"[-+]?\d+(\.\d+)?", digits) or len(digits) > _DIGITS:
        return None
    value = Decimal(digits) * _SCALE.get(hit[2] or "", 1)
    whole = value == value.to_integral_value()
    return int(value) if whole and abs(value) < 2**63 else float(value)


def with_defaults(phrasing: str, question: Question) -> str:
    """Return a phrasing with each slot's default filled in, as an example to type."""
    for slot in question.slots:
        phrasing = phrasing.replace("{" + slot.name + "}", slot.default or f"<{slot.kind}>")
    return phrasing


def nearest_questions(question: str, verified: Sequence[Question], count: int = 3) -> tuple[str, ...]:
    """Return the verified questions worded most like `question`, as examples to type, best first."""
    asked = normal(question[:LONGEST_QUESTION])
    examples = [(with_defaults(p, q), q.id) for q in verified for p in q.phrasings]
    ranked = sorted(examples, key=lambda e: -_alike(asked, normal(e[0])))
    found: dict[str, str] = {}
    for example, identifier in ranked:
        found.setdefault(identifier, example)
    return tuple(list(found.values())[:count])


def _alike(a: str, b: str) -> float:
    words_a, words_b = set(a.split()), set(b.split())
    shared = len(words_a & words_b) / max(1, len(words_a | words_b))
    return shared + difflib.SequenceMatcher(None, a, b).ratio()
