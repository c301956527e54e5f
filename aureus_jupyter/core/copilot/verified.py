"""Matching a question to the pack's verified ones, with typed slots. Nothing is guessed: a phrasing matches whole or not."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from aureus_jupyter.values.catalog import Question, Slot
from aureus_jupyter.values.plan import Parameter

__all__ = ["Match", "match", "nearest_questions", "slot_value", "with_defaults"]

_NUMBER = r"[-+]?\d[\d,. ]*(?:thousand|million|billion|k|m|bn)?"
_PATTERNS = {
    "percent": r"[-+]?\d+(?:[.,]\d+)?\s*(?:%|percent|per cent)?",
    "number": _NUMBER,
    "date": r"\d{4}-\d{2}-\d{2}",
    "text": r".+?",
}
_SCALE = {"thousand": 10**3, "k": 10**3, "million": 10**6, "m": 10**6, "billion": 10**9, "bn": 10**9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A verified question that fits, and its slots as bound parameters, sorted by name."""

    question: Question
    parameters: tuple[tuple[str, Parameter], ...]


def normal(text: str) -> str:
    """Return a question in the form questions are compared in: one space, no closing mark, lower case."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"[\s?.!]+$", "", text)


def match(question: str, verified: Sequence[Question]) -> Match | None:
    """Return the one verified question that `question` is, or None when none or several are."""
    asked = normal(question)
    found = [m for q in verified if (m := _match_one(asked, q)) is not None]
    ids = {m.question.id for m in found}
    return found[0] if len(ids) == 1 else None


def _match_one(asked: str, question: Question) -> Match | None:
    slots = {slot.name: slot for slot in question.slots}
    for phrasing in question.phrasings:
        hit = _pattern(phrasing, slots).fullmatch(asked)
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
            options = sorted((normal(c) for c in slot.choices), key=len, reverse=True)
            body = "|".join(re.escape(o) for o in options) if slot.kind == "choice" else _PATTERNS[slot.kind]
            out.append(f"(?P<{part}>{body})")
        else:
            text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", part).casefold())
            out.append(re.escape(text))
    return re.compile("".join(out))


def slot_value(slot: Slot, text: str) -> Parameter:
    """Return a slot's text as a value to bind, or None when it is not of the slot's kind.

    A percent becomes a share: "10 %" and "10" are 0.1. A number may end in thousand, million or billion. A date stays text.
    """
    text = text.strip()
    if slot.kind == "choice":
        return next((c for c in slot.choices if normal(c) == normal(text)), None)
    if slot.kind == "text":
        return text or None
    if slot.kind == "date":
        return text if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", text) else None
    if slot.kind == "percent":
        number = re.sub(r"\s*(%|percent|per cent)$", "", text.casefold()).replace(",", ".")
        # Divided as text by moving the point, so that 7 % binds the double nearest to 0.07.
        return float(f"{number}e-2") if re.fullmatch(r"[-+]?\d+(\.\d+)?", number) else None
    return _number(text.casefold())


def _number(text: str) -> Parameter:
    hit = re.fullmatch(r"([-+]?\d[\d,. ]*?)\s*(thousand|million|billion|k|m|bn)?", text)
    if hit is None:
        return None
    digits = re.sub(r"(?<=\d)[, ](?=\d{3}(\D|$))", "", hit[1].strip())
    if not re.fullmatch(r"[-+]?\d+(\.\d+)?", digits):
        return None
    scale = _SCALE.get(hit[2] or "", 1)
    if "." in digits:
        value = float(digits) * scale
        return int(value) if value.is_integer() else value
    return int(digits) * scale


def with_defaults(phrasing: str, question: Question) -> str:
    """Return a phrasing with each slot's default filled in, as an example to type."""
    for slot in question.slots:
        phrasing = phrasing.replace("{" + slot.name + "}", slot.default or f"<{slot.kind}>")
    return phrasing


def nearest_questions(question: str, verified: Sequence[Question], count: int = 3) -> tuple[str, ...]:
    """Return the verified questions worded most like `question`, as examples to type, best first."""
    asked = normal(question)
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
