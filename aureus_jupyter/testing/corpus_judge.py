"""What the corpus's runs came to: equal in both databases, silent about what is hidden, and as expected.

The oracle is non-interference: a statement whose answer, error or evidence changes when something hidden changes has told of it,
also where no value is seen. The canaries are the simpler half: no hidden value comes out, however it is written.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache

from aureus_jupyter.testing.corpus import Attack, Legitimate, is_ordered
from aureus_jupyter.testing.corpus_world import MARKERS

__all__ = [
    "Answer",
    "Bare",
    "Observed",
    "attack_problems",
    "bite_problem",
    "bites",
    "leaks",
    "legitimate_problems",
    "reordered",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one cell showed: columns and rows as text, or an error's family, code, message, hint and place."""

    code: str = ""
    family: str = ""
    message: str = ""
    hint: str = ""
    span: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[str, ...] = ()
    truncated: bool = False

    def text(self) -> str:
        """Return all of it, to be searched."""
        return "\n".join([self.message, self.hint, *(name for name, _ in self.columns), *self.rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A case's way through the guard on one database: each cell's answer, its evidence by file, what was printed or logged.

    `changed` says how what reached the engine differs from the user's text; nothing, when it is the same.
    """

    answers: tuple[Answer, ...]
    evidence: tuple[Mapping[str, bytes], ...] = ()
    printed: str = ""
    changed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """The same on the engine alone, over the raw tables: what was shown, what state changed, whether the clock stopped it."""

    shown: tuple[str, ...]
    state: str = ""
    stopped: bool = False


def _forms(marker: str) -> list[str]:
    """Return a marker as it could be written: plain, reversed, in hex, bits and base64 of each alignment; all lowered."""
    data = marker.encode()
    found = [marker, marker[::-1], data.hex(), "".join(f"{byte:08b}" for byte in data)]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        # The first and the last sign also hold bits of the neighbours.
        found.append(coded[(0, 2, 3)[shift] : len(coded) - (1 if (len(data) + shift) % 3 else 0)])
    return [form.lower() for form in found]


@cache
def _all_forms() -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = [(marker, tuple(_forms(marker))) for marker in MARKERS]
    # Another case of the letters has other hex, bits and base64.
    return tuple((m, forms + tuple(_forms(m.lower())[2:])) for m, forms in found)


_LINE = re.compile(r"line\d{4}")  # what a row of the capped dataset holds, also where many are packed into one
_NUMBER = re.compile(r"(?<![\d.])9[12]\d{6}\.(50|25)(?!\d)")


def leaks(text: str, told: str, numbers: bool = True) -> list[str]:
    """Return the markers that `text` holds in some form and `told`, the statement itself, does not."""
    lowered, own = text.lower(), told.lower()
    found = [m for m, forms in _all_forms() if m.lower() not in own and any(f in lowered for f in forms)]
    if numbers and not _NUMBER.search(told) and (number := _NUMBER.search(text)):
        found.append(f"the number {number[0][:2]}…")
    return found


_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{8,64}(?![0-9a-f])")


def _differences(a: Observed, b: Observed, cells: Sequence[str]) -> list[str]:
    found, shuffled = [], reordered(a, b, cells)
    for place, (one, other) in enumerate(zip(a.answers, b.answers, strict=True)):
        parts = [f.name for f in fields(Answer) if getattr(one, f.name) != getattr(other, f.name)]
        if parts == ["rows"] and Counter(one.rows) == Counter(other.rows):
            parts = [] if place in shuffled else ["the order of the rows"]
        if parts:
            found.append(f"A and B differ in {', '.join(parts)} of cell {place + 1}")
    if not found:
        for place, (mine, theirs) in enumerate(zip(a.evidence, b.evidence, strict=True)):
            found += _evidence(place, mine, theirs, place in shuffled)
    if a.printed != b.printed:
        found.append("A and B differ in what was printed or logged")
    return found


def _evidence(place: int, mine: Mapping[str, bytes], theirs: Mapping[str, bytes], shuffled: bool) -> list[str]:
    """Compare evidence byte by byte. Where only the order of rows differs, so do the result's digest and the signature over it."""
    names = [n for n in sorted({*mine, *theirs}) if not (shuffled and n.endswith(".dsse.json"))]

    def bare(files: Mapping[str, bytes], name: str) -> bytes:
        data = files.get(name, b"missing")
        return _DIGEST.sub(b"#", data) if shuffled else data

    names = [n for n in names if bare(mine, n) != bare(theirs, n)]
    return [f"A and B differ in the evidence of cell {place + 1}: {', '.join(names)}"] if names else []


def reordered(a: Observed, b: Observed, cells: Sequence[str]) -> set[int]:
    """Return the cells that ask for no order and gave the same rows in another one: the planner's choice, which sees raw counts."""
    pairs = zip(a.answers, b.answers, cells, strict=True)
    return {
        place
        for place, (one, other, cell) in enumerate(pairs)
        if one.rows != other.rows and Counter(one.rows) == Counter(other.rows) and not is_ordered(cell)
    }


def _told(observed: Observed, cells: Sequence[str], numbers: bool) -> list[str]:
    told = "\n".join(cells)
    found: list[str] = []
    for answer in observed.answers:
        found += leaks(answer.text(), told, numbers)
    found += leaks(observed.printed, told, False)
    for files in observed.evidence:
        for name, data in files.items():
            found += [f"{leak} in {name}" for leak in leaks(data.decode("utf-8", "replace"), told, False)]
    return [f"shows {leak}" for leak in dict.fromkeys(found)]


def _heard(a: Observed, b: Observed, cells: Sequence[str], numbers: bool) -> list[str]:
    """Search what came out. No marker is in both databases, so that what is equal on both is searched once."""
    return [p for side in ([a] if a == b else [a, b]) for p in _told(side, cells, numbers)]


def attack_problems(attack: Attack, a: Observed, b: Observed) -> list[str]:
    """Return what is wrong with how an attack ended, in words; nothing when it was met as it says."""
    found = _differences(a, b, attack.cells) + _heard(a, b, attack.cells, True)
    # A column without an alias is called as it is written, which both probes say themselves.
    if attack.pair and len({(x.code, tuple(t for _, t in x.columns), x.rows) for x in a.answers}) > 1:
        found.append("the right guess and the wrong guess end differently")
    last = a.answers[-1]
    if attack.expect == "refused" and last.code not in attack.codes:
        ended = f"refused as {last.code}" if last.code else f"given {len(last.rows)} rows"
        found.append(f"was to be refused as {' or '.join(sorted(attack.codes))}, and was {ended}")
    given = max(len(last.rows), len(set(_LINE.findall("\n".join(last.rows)))))
    if attack.most is not None and given > attack.most:
        found.append(f"was given {given} rows, and {attack.most} is the most")
    return list(dict.fromkeys(found))


def bites(attack: Attack, a: Bare | None, b: Bare | None, views: Bare | None = None) -> bool:
    """Whether an attack works where nothing guards: shows a marker, tells A from B or from the secure `views`, changes a state.

    Of what runs against the clock: whether it had to be stopped.
    """
    if a is None or b is None:
        return False
    if attack.bites == "clock":
        return a.stopped
    if attack.bites == "state":
        return bool(a.state)
    if attack.pair:
        return len(set(a.shown)) > 1
    told = "\n".join(attack.cells)
    answered = [text for text in a.shown if text.startswith("[")]
    shows = bool(attack.shows) and any(attack.shows in text for text in answered)
    says = bool(attack.says) and any(attack.says in text for text in a.shown if text not in answered)
    seen = a.shown != b.shown or shows or says or any(leaks(text, told) for text in a.shown)
    return seen or (views is not None and views.shown != b.shown)


def bite_problem(attack: Attack, worked: bool) -> str:
    """Return why an attack proves nothing; nothing when it works on the unguarded engine, or is said to be harmless and is."""
    if attack.expect == "harmless":
        return "is called harmless, and works on the unguarded engine" if worked else ""
    if attack.bites == "declared":
        return ""
    return "" if worked else "does nothing on the unguarded engine, so that it proves nothing"


def legitimate_problems(case: Legitimate, a: Observed, b: Observed, wanted: Answer) -> list[str]:
    """Return what is wrong with how a legitimate statement ended; `wanted` is the answer over hand-made secure views."""
    got = a.answers[0]
    if got.code:
        return [f"was refused as {got.code}: {got.message}"]
    if wanted.code:
        return [f"does not run over the secure views: {wanted.message}"]
    found = _differences(a, b, (case.sql,)) + _heard(a, b, (case.sql,), False)
    if a.changed:
        found.append(a.changed)
    if got.columns != wanted.columns:
        found.append(f"has other columns than the secure views give: {_other(got.columns, wanted.columns)}")
    elif not _same_rows(got.rows, wanted.rows, is_ordered(case.sql)):
        found.append(f"has other rows than the secure views give ({len(got.rows)} and {len(wanted.rows)})")
    return found


def _other(got: Iterable[tuple[str, str]], wanted: Iterable[tuple[str, str]]) -> str:
    pairs = [f"{' '.join(g)} for {' '.join(w)}" for g, w in zip(got, wanted, strict=False) if g != w]
    return "; ".join(pairs[:3]) or "another number of them"


def _same_rows(got: Sequence[str], wanted: Sequence[str], ordered: bool) -> bool:
    return list(got) == list(wanted) if ordered else Counter(got) == Counter(wanted)
