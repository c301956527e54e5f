"""The guard's own questions about a summary's groups, as SQL over the same shadow: are they large, and do they differ enough.

Query-set-size and query-set-overlap control (Denning, Denning and Schwartz, "The tracker", ACM TODS 4(1), 1979; Dobkin, Jones and
Lipton, "Secure databases", ACM TODS 4(1), 1979), asked of the data itself. The user's conditions and keys stand in the questions as
they were written, in brackets of their own. Every answer is a number of groups or pairs that are not allowed: 0 lets pass.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from aureus_jupyter.core.spelling import quoted
from aureus_jupyter.core.text import spell_names
from aureus_jupyter.values.canonical import digest_json
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.obligations import SummaryOnly
from aureus_jupyter.values.plan import MARK, RAW, Parameter, Shadow
from aureus_jupyter.values.summaries import Answered, Summary

__all__ = [
    "answered",
    "decoded",
    "difference",
    "encoded",
    "missing_values",
    "most_rows",
    "pair_shadow",
    "pair_values",
    "person_shadow",
    "shows_alike",
    "small_groups",
]


def _own(name: str) -> str:
    """Return a name of the guard's own: no dataset's column can have it."""
    return f'"{MARK}{name}"'


_PERSON, _LEVEL, _COUNT, _SIZE = _own("person"), _own("level"), _own("count"), _own("size")
_MANY = 20_000


# -- what is kept --------------------------------------------------------------------------------------------------


def answered(summary: Summary, shadow: Shadow, values: Sequence[tuple[str, Parameter]]) -> Answered:
    """Return what the ledger keeps of a summary over a shadow. Parameters of other parts of the statement are left out."""
    wanted = set(summary.parameters)
    return Answered(
        summary=summary,
        values=tuple(sorted((n, v) for n, v in values if n in wanted)),
        seen=shadow.where,
        others=shadow.others,
        shown=_shown(shadow, (*summary.used, *summary.counted)),
    )


def _shown(shadow: Shadow, columns: Sequence[str]) -> str:
    """Return a digest of how columns are shown: two conditions mean the same only over columns that are masked alike."""
    texts = dict(zip(shadow.columns, shadow.projection, strict=True))
    return digest_json([[name, texts.get(name, "")] for name in sorted(set(columns))])


def shows_alike(shadow: Shadow, old: Answered) -> bool:
    """Whether an earlier summary's columns are shown now as they were then."""
    return _shown(shadow, (*old.summary.used, *old.summary.counted)) == old.shown


def encoded(one: Answered) -> str:
    """Return the text the ledger keeps; equal summaries give equal texts."""
    return json.dumps(asdict(one), sort_keys=True, separators=(",", ":"))


def decoded(text: str) -> Answered:
    """Return what `encoded` wrote. Raises ValueError, TypeError or KeyError for anything else."""
    found: dict[str, Any] = json.loads(text)
    summary: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in found.pop("summary").items()}
    values = tuple((str(name), value) for name, value in found.pop("values"))
    return Answered(summary=Summary(**summary), values=values, others=tuple(found.pop("others")), **found)


# -- the shadows ---------------------------------------------------------------------------------------------------


def person_shadow(shadow: Shadow, rule: SummaryOnly, dataset: Dataset) -> Shadow:
    """Return the shadow with the persons' column as it is stored beside what the user sees, for the guard alone.

    Persons are told apart by the raw column: one who is masked or hidden is a person all the same. `dataset` is whole.
    """
    person = dataset.column(rule.person) if rule.person else None
    more = (f"{RAW}.{quoted(person.name)} AS {_PERSON}",) if person is not None else ()
    return replace(shadow, projection=(*shadow.projection, *more), barrier=bool(shadow.where))


def pair_shadow(shadow: Shadow, old: Answered) -> Shadow:
    """Return a shadow of the rows either of two summaries could see, with what each could where that is not the same."""
    if shadow.where == old.seen:
        return shadow
    both = [f"CASE WHEN {where} THEN 1 ELSE 0 END" if where else "1" for where in (old.seen, shadow.where)]
    marks = tuple(f"{text} AS {_own(name)}" for text, name in zip(both, ("seen_a", "seen_b"), strict=True))
    where = f"(({old.seen}) OR ({shadow.where}))" if old.seen and shadow.where else ""
    others = tuple(sorted({*shadow.others, *old.others}))
    return replace(shadow, projection=(*shadow.projection, *marks), where=where, others=others, barrier=bool(where))


# -- the size of groups --------------------------------------------------------------------------------------------


def small_groups(summary: Summary, rule: SummaryOnly) -> str:
    """Return the question how many groups have fewer than the smallest number of persons.

    A statement without keys is one group, also of nobody. Of a group that has a value in a counted column, enough persons must
    have one: a sum leaves out who has none.
    """
    least = int(rule.smallest)
    size = f"count(DISTINCT {_PERSON})" if rule.person else "count(*)"
    tests = [f"{size} < {least}"]
    for name in summary.counted:
        column = quoted(name)
        held = (
            f"count(DISTINCT CASE WHEN {column} IS NOT NULL THEN {_PERSON} END)" if rule.person else f"count({column})"
        )
        tests.append(f"(count({column}) > 0 AND {held} < {least})")
    keys = f" GROUP BY {', '.join(_bracketed(key) for key in summary.keys)}" if summary.keys else ""
    where = f" WHERE {_bracketed(summary.where)}" if summary.where else ""
    inner = f"SELECT count(*) AS {_own('n')} FROM {summary.table} AS {summary.alias}{where}{keys} HAVING {' OR '.join(tests)}"
    return f"SELECT count(*) FROM ({inner}) AS {_own('g')}"


def _bracketed(text: str) -> str:
    # On lines of its own, so that a comment at its end cannot take in what follows.
    return f"(\n{text}\n)"


# -- the difference of two summaries -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Side:
    """One of two summaries in a question: the letter its names have, its text, and whether the shadow marks what it could see."""

    letter: str
    summary: Summary
    marked: bool

    def own(self, name: str) -> str:
        return _own(f"{name}_{self.letter}")

    @property
    def keys(self) -> list[str]:
        return [self.own(f"key{place}") for place in range(len(self.summary.keys))]

    @property
    def is_in(self) -> str:
        return self.own("in")

    @property
    def cell(self) -> str:
        """What tells the groups of this side apart."""
        return ", ".join([_LEVEL, self.is_in, *self.keys])

    def layer(self, below: str) -> str:
        """Return a SELECT of all that is below and, of each row, whether it is in and in which group."""

        def spelt(text: str) -> str:
            return _bracketed(spell_names(text, lambda name: f":{self.letter}_{name}", str))

        where = spelt(self.summary.where) if self.summary.where else "1 = 1"
        test = f"{self.own('seen')} = 1 AND {where}" if self.marked else where
        columns = [f"CASE WHEN {test} THEN 1 ELSE 0 END AS {self.is_in}"]
        for name, key in zip(self.keys, self.summary.keys, strict=True):
            columns.append(f"CASE WHEN {test} THEN {spelt(key)} END AS {name}")
        return f"SELECT *, {', '.join(columns)} FROM {below} AS {self.summary.alias}"


def pair_values(new: Answered, old: Answered) -> tuple[tuple[str, Parameter], ...]:
    """Return the parameters of a question about two summaries, each under the name it has there."""
    return (
        *((f"a_{name}", value) for name, value in old.values),
        *((f"b_{name}", value) for name, value in new.values),
    )


def missing_values(dataset: Dataset, column: str) -> str:
    """Return the question how many rows have no value in a column."""
    return f"SELECT count(*) FROM {quoted(dataset.name)} WHERE {quoted(column)} IS NULL"


def most_rows(dataset: Dataset) -> str:
    """Return the question how many rows a person has at most, or 0 where that is not worth to know: there are few rows at all."""
    each = f"SELECT count({_PERSON}) AS {_COUNT} FROM {quoted(dataset.name)} WHERE {_PERSON} IS NOT NULL GROUP BY {_PERSON}"
    most = f"CASE WHEN sum({_COUNT}) > {_MANY} THEN max({_COUNT}) ELSE 0 END"
    return f"SELECT {most} FROM ({each}) AS {_own('e')}"


def difference(
    new: Answered, old: Answered, rule: SummaryOnly, full: Collection[str] = (), bulk: int = 0
) -> str | None:
    """Return the question that must be answered with 0 before `new` may be answered after `old`, or None where it would be.

    It asks, where a group of one summary and a group of the other share a row, for how many of them one holds rows that the
    other does not and those rows are of fewer persons than the smallest number; and likewise for how many groups of one what is left
    beside the other's groups that lie wholly within it is so small. A whole summary counts as one group too. What both count in the
    same column is asked once more of the rows that have a value there, unless all rows have (`full`).

    With `bulk`, how many rows a person has at most, it counts rows in place of persons, which costs little: so many rows that
    they must be of enough persons. Its 0 is as good as the other's; anything else says nothing.
    """
    marked = new.seen != old.seen
    alike = not marked and new.summary.where == old.summary.where and _of(new) == _of(old)
    alike = alike and fold(new.summary.alias) == fold(old.summary.alias)
    if alike and (set(new.summary.keys) <= set(old.summary.keys) or set(new.summary.keys) >= set(old.summary.keys)):
        return None  # The groups of one are made of whole groups of the other, which were found large enough.
    a, b = _Side("a", old.summary, marked), _Side("b", new.summary, marked)
    columns = tuple(
        name for name in new.summary.counted if name in old.summary.counted and (marked or name not in full)
    )
    # Of the same rows, all of one is all of the other.
    levels = [(False, False)] if alike else _levels(new.summary, old.summary)
    person = [_PERSON] if rule.person and not bulk else []
    size = f"count({_PERSON})" if bulk else "count(*)"
    summed = f"SELECT *, {', '.join(_sums(a, b, person))} FROM {_own('r')}"
    met = f"SELECT *, {_windows(a, b)} FROM ({_meetings(a, b, person)}) AS {_own('m')}"
    least = int(rule.smallest) * (bulk or 1)
    bad = " OR ".join(
        f"({s.own('rows')} > {_own('rows')} AND {s.own('all')} - {s.own('within')} < {least})" for s in (a, b)
    )
    pairs = f"SELECT count(*) FROM ({met}) AS {_own('p')} WHERE {a.is_in} = 1 AND {b.is_in} = 1 AND ({bad})"
    rows, leveled = _rows(a, b, person, columns, size), _at_levels(a, b, person, columns, levels)
    return (
        f"WITH {_own('l')} AS MATERIALIZED ({rows}), {_own('r')} AS ({leveled}), "
        f"{_own('s')} AS MATERIALIZED ({summed}) SELECT ({pairs}) + ({_left(a, b, person, least)}) + ({_left(b, a, person, least)})"
    )


def _of(one: Answered) -> tuple[tuple[str, str, Parameter], ...]:
    return tuple((name, type(value).__name__, value) for name, value in one.values)


def _levels(new: Summary, old: Summary) -> list[tuple[bool, bool]]:
    """Return what to hold against what: by groups or whole, of the old and of the new one. By groups comes first."""
    return [
        (a, b) for a in ((False, True) if old.keys else (False,)) for b in ((False, True) if new.keys else (False,))
    ]


def _rows(a: _Side, b: _Side, person: list[str], columns: tuple[str, ...], size: str) -> str:
    """Return where each row is, its person and which counted columns it has a value in; and how many rows are alike, and how many of
    them count."""
    found = [a.is_in, *a.keys, b.is_in, *b.keys, *person]
    held = [f"CASE WHEN {quoted(c)} IS NULL THEN 0 ELSE 1 END AS {_own(f'held{n}')}" for n, c in enumerate(columns)]
    counted = [] if person or size == "count(*)" else [_PERSON]
    both = f"({b.layer(f'({a.layer(a.summary.table)})')})"
    inner = f"SELECT {', '.join([*found, *held, *counted])} FROM {both} AS {_own('d')}"
    every = ", ".join([*found, *(_own(f"held{n}") for n in range(len(columns)))])
    return (
        f"SELECT {every}, count(*) AS {_COUNT}, {size} AS {_SIZE} FROM ({inner}) AS {_own('i')} "
        f"WHERE {a.is_in} = 1 OR {b.is_in} = 1 GROUP BY {every}"
    )


def _at_levels(a: _Side, b: _Side, person: list[str], columns: tuple[str, ...], levels: list[tuple[bool, bool]]) -> str:
    """Return the rows once for each level and column, with the keys that tell groups apart there."""
    parts: list[str] = []
    for held in ("", *(_own(f"held{n}") for n in range(len(columns)))):
        for wholes in levels:
            kept: list[str] = []
            shown: list[str] = []
            for side, whole in zip((a, b), wholes, strict=True):
                kept += [side.is_in, *([] if whole else side.keys)]
                shown += [side.is_in, *(f"NULL AS {key}" if whole else key for key in side.keys)]
            parts.append(
                f"SELECT {len(parts)} AS {_LEVEL}, {', '.join([*shown, *person])}, "
                f"sum({_COUNT}) AS {_COUNT}, sum({_SIZE}) AS {_SIZE} FROM {_own('l')}"
                + (f" WHERE {held} = 1" if held else "")
                + f" GROUP BY {', '.join([*kept, *person])}"
            )
    return " UNION ALL ".join(parts)


def _sums(a: _Side, b: _Side, person: list[str]) -> list[str]:
    """Return how many rows each group and each meeting of two has, and each person in each group."""
    both = f"{a.cell}, {b.cell}"
    sums = [f"sum({_COUNT}) OVER (PARTITION BY {both}) AS {_own('rows')}"]
    for side in (a, b):
        sums.append(f"sum({_COUNT}) OVER (PARTITION BY {side.cell}) AS {side.own('rows')}")
        if person:
            of = f"PARTITION BY {side.cell}, {_PERSON}"
            sums.append(f"sum({_COUNT}) OVER ({of}) AS {side.own('mine')}")
            sums.append(f"row_number() OVER ({of}) AS {side.own('nth')}")
    return sums


def _meetings(a: _Side, b: _Side, person: list[str]) -> str:
    """Return one row for each meeting of two groups: their rows, and persons of each who lie in it wholly, and in all."""
    columns = [f"min({name}) AS {name}" for name in (_own("rows"), a.own("rows"), b.own("rows"))]
    for side in (a, b):
        within = first = f"sum({_SIZE})"
        if person:
            within = f"sum(CASE WHEN {_PERSON} IS NOT NULL AND {side.own('mine')} = {_COUNT} THEN 1 ELSE 0 END)"
            first = f"sum(CASE WHEN {_PERSON} IS NOT NULL AND {side.own('nth')} = 1 THEN 1 ELSE 0 END)"
        columns += [f"{within} AS {side.own('within')}", f"{first} AS {side.own('first')}"]
    both = f"{a.cell}, {b.is_in}" + "".join(f", {key}" for key in b.keys)
    return f"SELECT {both}, {', '.join(columns)} FROM {_own('s')} GROUP BY {both}"


def _windows(a: _Side, b: _Side) -> str:
    return ", ".join(f"sum({s.own('first')}) OVER (PARTITION BY {s.cell}) AS {s.own('all')}" for s in (a, b))


def _left(one: _Side, other: _Side, person: list[str], least: int) -> str:
    """Return the question for how many groups of one side what lies outside the other's groups within it is too small."""
    within = f"({other.is_in} = 1 AND {other.own('rows')} = {_own('rows')})"
    size = f"count(DISTINCT {_PERSON})" if person else f"sum({_SIZE})"
    groups = (
        f"SELECT count(*) AS {_own('n')} FROM {_own('s')} WHERE {one.is_in} = 1 AND NOT {within}"
        f" GROUP BY {one.cell} HAVING {size} < {least}"
    )
    return f"SELECT count(*) FROM ({groups}) AS {_own('o')}"
