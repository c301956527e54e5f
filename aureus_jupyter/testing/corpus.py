"""The published corpus as data: attacks that must not get through, and legitimate statements that must.

One YAML file is one family. What a case may say is checked here, so that a misspelt key cannot turn a check off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aureus_jupyter.core.text import pieces
from aureus_jupyter.values.plan import Parameter

__all__ = ["BITES", "DIALECTS", "EXPECTED", "Attack", "CorpusError", "Legitimate"]
__all__ += ["is_ordered", "load_attacks", "load_legitimate"]

DIALECTS = ("duckdb", "postgres", "spark")
EXPECTED = ("refused", "governed", "harmless")
BITES = ("reads", "state", "clock", "declared")

_ATTACK = frozenset(
    "id title sql steps pair dialects mechanism expect codes why bites shows says most parameters needs known known_on".split()
)
_LEGITIMATE = frozenset("id title sql dialects parameters needs known known_on like".split())
_FILE = frozenset({"family", "about", "defaults", "attacks", "statements"})


_REPEATED = re.compile("«(\\d+)×(.*?)»")  # a text that is written once and means many: «600× union all select 1»
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CorpusError(ValueError):
    """A corpus file that says something the harness does not know: the file, the case, what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack on one dialect.

    `cells` are the texts that are run one after another in one session; with `pair` there are two of them, a right guess and
    a wrong one, whose outcomes must be equal. `expect` is `refused` (the last cell, with one of `codes`), `governed` (may
    run, and must tell nothing) or `harmless` (does nothing on the unguarded engine either, and `why`). `bites` says how
    the attack shows that it works where nothing guards: it `reads` (shows a marker, or tells A from B), changes `state`,
    runs against the `clock`, or that is `declared` with `why`, because it cannot be shown without harm. `shows` is a text in
    its answer that tells of success where no marker does, and `says` one in its error; `most` is how many rows may come.
    `needs` names a feature that is not built yet; `known` says why an attack gets through today.
    """

    id: str
    family: str
    dialect: str
    cells: tuple[str, ...]
    mechanism: str
    expect: str
    title: str = ""
    pair: bool = False
    codes: frozenset[str] = frozenset()
    why: str = ""
    bites: str = "reads"
    shows: str = ""
    says: str = ""
    most: int | None = None
    parameters: tuple[tuple[str, Parameter], ...] = ()
    needs: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legitimate:
    """One statement that must run as it is written, on one dialect, with the rows that hand-made secure views give.

    `like` names the attack it looks like.
    """

    id: str
    family: str
    dialect: str
    sql: str
    title: str = ""
    parameters: tuple[tuple[str, Parameter], ...] = ()
    like: str = ""
    needs: str = ""
    known: str = ""


def is_ordered(sql: str) -> bool:
    """Whether the whole statement asks for an order, so that the order of its rows is part of the answer."""
    depth, before = 0, ""
    for piece in pieces(sql):
        word = sql[piece.start : piece.end].lower()
        if piece.kind in {"space", "comment"}:
            continue
        if not depth and (before, word) == ("order", "by"):
            return True
        depth += (word in "([{") - (word in ")]}") if len(word) == 1 else 0
        before = word
    return False


@dataclass(slots=True)
class _File:
    path: Path
    family: str
    cases: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any] = field(default_factory=dict)


def _read(folder: Path, part: str) -> Iterator[_File]:
    for path in sorted(folder.glob("*.yaml")):
        value = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - it is a safe one
        if not isinstance(value, dict) or set(value) - _FILE or not isinstance(value.get(part), list):
            raise CorpusError(f"{path.name}: a file has family, about, defaults and {part}")
        yield _File(path, str(value["family"]), value[part], value.get("defaults") or {})


def _cases(folder: Path, part: str, keys: frozenset[str]) -> Iterator[tuple[_File, dict[str, Any]]]:
    seen: set[str] = set()
    for file in _read(folder, part):
        for given in file.cases:
            case = {**file.defaults, **given}
            name = str(case.get("id", ""))
            if set(case) - keys or not name or name in seen:
                odd = ", ".join(sorted(set(case) - keys)) or "its id"
                raise CorpusError(f"{file.path.name}: {name or 'a case'}: {odd}")
            seen.add(name)
            yield file, case


def _dialects(file: _File, case: Mapping[str, Any]) -> list[str]:
    on = case.get("dialects", ["duckdb", "postgres"])
    if not isinstance(on, list) or set(on) - set(DIALECTS):
        raise CorpusError(f"{file.path.name}: {case['id']}: dialects must be of {', '.join(DIALECTS)}")
    return list(on)


def _texts(case: Mapping[str, Any], dialect: str) -> tuple[str, ...]:
    """Return the cells of a case as `dialect` writes them; where a case has a text per dialect and none for this one, none."""
    given = next((case[key] for key in ("sql", "steps", "pair") if key in case), None)
    if isinstance(given, dict):
        given = given.get(dialect)
    if given is None:
        return ()
    cells = given if isinstance(given, list) else [given]
    return tuple(_REPEATED.sub(lambda found: found[2] * int(found[1]), str(cell)) for cell in cells)


def _parameters(case: Mapping[str, Any]) -> tuple[tuple[str, Parameter], ...]:
    return tuple(sorted((case.get("parameters") or {}).items()))


def _known(case: Mapping[str, Any], dialect: str) -> str:
    return str(case.get("known", "")) if dialect in case.get("known_on", DIALECTS) else ""


def load_attacks(folder: Path) -> list[Attack]:
    """Return every attack below `folder`, one for each dialect it is for. Raises CorpusError."""
    found = []
    for file, case in _cases(folder, "attacks", _ATTACK):
        problem = _wrong(case)
        if problem:
            raise CorpusError(f"{file.path.name}: {case['id']}: {problem}")
        for dialect in _dialects(file, case):
            cells = _texts(case, dialect)
            if cells:
                found.append(_attack(file, case, dialect, cells))
    return found


def _wrong(case: Mapping[str, Any]) -> str:
    if case.get("expect") not in EXPECTED:
        return "expect must be refused, governed or harmless"
    if case.get("bites", "reads") not in BITES:
        return f"bites must be one of {', '.join(BITES)}"
    if case["expect"] == "refused" and not case.get("codes"):
        return "what is refused names its codes"
    if not case.get("why") and (case["expect"] == "harmless" or case.get("bites") == "declared"):
        return "the reason is missing (why)"
    if len([key for key in ("sql", "steps", "pair") if key in case]) != 1:
        return "one of sql, steps and pair"
    if not case.get("mechanism"):
        return "the mechanism is missing"
    return ""


def _attack(file: _File, case: Mapping[str, Any], dialect: str, cells: tuple[str, ...]) -> Attack:
    return Attack(
        id=str(case["id"]),
        family=file.family,
        dialect=dialect,
        cells=cells,
        mechanism=str(case["mechanism"]),
        expect=str(case["expect"]),
        title=str(case.get("title", "")),
        pair="pair" in case,
        codes=frozenset(case.get("codes") or ()),
        why=str(case.get("why", "")),
        bites=str(case.get("bites", "reads")),
        shows=str(case.get("shows", "")),
        says=str(case.get("says", "")),
        most=case.get("most"),
        parameters=_parameters(case),
        needs=str(case.get("needs", "")),
        known=_known(case, dialect),
    )


def load_legitimate(folder: Path) -> list[Legitimate]:
    """Return every legitimate statement below `folder`, one for each dialect it is for. Raises CorpusError."""
    return [
        Legitimate(
            id=str(case["id"]),
            family=file.family,
            dialect=dialect,
            sql=cells[0],
            title=str(case.get("title", "")),
            parameters=_parameters(case),
            like=str(case.get("like", "")),
            needs=str(case.get("needs", "")),
            known=_known(case, dialect),
        )
        for file, case in _cases(folder, "statements", _LEGITIMATE)
        for dialect in _dialects(file, case)
        if (cells := _texts(case, dialect))
    ]
