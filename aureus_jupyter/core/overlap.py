"""The guard's own questions about a summary's groups, as SQL over the same shadow: are they large, and do they differ enough.

Query-set-size and query-set-overlap control (Denning, Denning and Schwartz, "The tracker", ACM TODS 4(1), 1979; Dobkin, Jones and
Lipton, "Secure databases", ACM TODS 4(1), 1979), asked of the data itself. The user's conditions and keys stand in the questions as
they were written, in brackets of their own. Every answer is a number of groups or pairs that are not allowed: 0 lets pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
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
    "differences",
    "encoded",
    "pair_shadow",
    "pair_values",
    "person_shadow",
    "shows_alike",
    "small_groups",
]


def _own(name: str) -> str:
    """Return a name of the guard's own: no dataset's column can have it."""
    return f'"{MARK}{name}"'


_PERSON = _own("person")


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
    """One of two summaries in a question: the letter its names have, its text, and whether its groups or all of it is meant."""

    letter: str
    summary: Summary
    marked: bool
    whole: bool = False

    def spelt(self, text: str) -> str:
        return spell_names(text, lambda name: f":{self.letter}_{name}", str)

    @property
    def keys(self) -> list[str]:
        return [] if self.whole else [_own(f"{self.letter}{place}") for place in range(len(self.summary.keys))]

    @property
    def is_in(self) -> str:
        return _own(f"in_{self.letter}")

    @property
    def cell(self) -> str:
        """What tells the groups of this side apart."""
        return ", ".join([self.is_in, *self.keys])

    def layer(self, below: str) -> str:
        """Return a SELECT of all that is below and, of each row, whether it is in and in which group."""
        where = _bracketed(self.spelt(self.summary.where)) if self.summary.where else "1 = 1"
        seen = f"{_own('seen_' + self.letter)} = 1 AND " if self.marked else ""
        columns = [f"CASE WHEN {seen}{where} THEN 1 ELSE 0 END AS {self.is_in}"]
        for name, key in zip(self.keys, self.summary.keys, strict=False):
            columns.append(f"CASE WHEN {seen}{where} THEN {_bracketed(self.spelt(key))} END AS {name}")
        return f"SELECT *, {', '.join(columns)} FROM {below} AS {self.summary.alias}"


def pair_values(new: Answered, old: Answered) -> tuple[tuple[str, Parameter], ...]:
    """Return the parameters of a question about two summaries, each under the name it has there."""
    return (
        *((f"a_{name}", value) for name, value in old.values),
        *((f"b_{name}", value) for name, value in new.values),
    )


def differences(new: Answered, old: Answered, rule: SummaryOnly) -> Iterator[str]:
    """Yield the questions that must all be answered with 0 before `new` may be answered after `old`.

    Each asks, where a group of one summary and a group of the other share a row, for how many of them one holds rows that the
    other does not and those rows are of fewer persons than the smallest number; and likewise for how many groups of one what is left
    beside the other's groups that lie wholly within it is so small. A whole summary counts as one group too. What both count in the
    same column is asked once more of the rows that have a value there.
    """
    marked = new.seen != old.seen
    alike = not marked and new.summary.where == old.summary.where and _of(new) == _of(old)
    alike = alike and fold(new.summary.alias) == fold(old.summary.alias)
    if alike and (set(new.summary.keys) <= set(old.summary.keys) or set(new.summary.keys) >= set(old.summary.keys)):
        return  # The groups of one are made of whole groups of the other, which were found large enough.
    for column in ("", *(name for name in new.summary.counted if name in old.summary.counted)):
        for whole_old, whole_new in _levels(new.summary, old.summary, alike):
            a = _Side("a", old.summary, marked, whole_old)
            b = _Side("b", new.summary, marked, whole_new)
            yield _difference(a, b, rule, column)


def _of(one: Answered) -> tuple[tuple[str, str, Parameter], ...]:
    return tuple((name, type(value).__name__, value) for name, value in one.values)


def _levels(new: Summary, old: Summary, alike: bool) -> list[tuple[bool, bool]]:
    """Return what to hold against what: whole or by groups, of the old and of the new one."""
    if alike:
        return [(False, False)]  # of the same rows, all of one is all of the other
    return [(a, b) for a in ((False, True) if old.keys else (True,)) for b in ((False, True) if new.keys else (True,))]


def _difference(a: _Side, b: _Side, rule: SummaryOnly, column: str) -> str:
    least = int(rule.smallest)
    both = ", ".join([a.cell, b.cell])
    person = f", {_PERSON}" if rule.person else ""
    some = f" AND {quoted(column)} IS NOT NULL" if column else ""
    layers = b.layer(f"({a.layer(a.summary.table)})")
    # One row for each person in each meeting of two groups, and how many rows of the data it stands for.
    rows = (
        f"SELECT {both}{person}, count(*) AS {_own('c')} FROM ({layers}) AS {_own('l')}"
        f" WHERE ({a.is_in} = 1 OR {b.is_in} = 1){some} GROUP BY {both}{person}"
    )
    sums = [
        f"sum({_own('c')}) OVER (PARTITION BY {of}) AS {_own(name)}"
        for of, name in ((a.cell, "rows_a"), (b.cell, "rows_b"), (both, "rows_ab"))
    ]
    if rule.person:
        for side in (a, b):
            of = f"PARTITION BY {side.cell}, {_PERSON}"
            sums.append(f"sum({_own('c')}) OVER ({of}) AS {_own('own_' + side.letter)}")
            sums.append(f"row_number() OVER ({of}) AS {_own('nth_' + side.letter)}")
    summed = f"SELECT *, {', '.join(sums)} FROM {_own('r')}"
    met = f"SELECT *, {_windows(a, b)} FROM ({_meetings(a, b, rule)}) AS {_own('m')}"
    bad = " OR ".join(
        f"({_own('rows_' + s.letter)} > {_own('rows_ab')} AND {_own('all_' + s.letter)} - {_own('within_' + s.letter)} < {least})"
        for s in (a, b)
    )
    pairs = f"SELECT count(*) FROM ({met}) AS {_own('p')} WHERE {a.is_in} = 1 AND {b.is_in} = 1 AND ({bad})"
    left = [_left(one, other, rule) for one, other in ((a, b), (b, a))]
    return f"WITH {_own('r')} AS ({rows}), {_own('s')} AS ({summed}) SELECT ({pairs}) + ({left[0]}) + ({left[1]})"


def _meetings(a: _Side, b: _Side, rule: SummaryOnly) -> str:
    """Return one row for each meeting of two groups: their rows, and persons of each who lie in it wholly, and in all."""
    columns = [f"min({_own(name)}) AS {_own(name)}" for name in ("rows_a", "rows_b", "rows_ab")]
    for side in (a, b):
        own, nth = _own("own_" + side.letter), _own("nth_" + side.letter)
        if rule.person:
            within = f"sum(CASE WHEN {_PERSON} IS NOT NULL AND {own} = {_own('c')} THEN 1 ELSE 0 END)"
            first = f"sum(CASE WHEN {_PERSON} IS NOT NULL AND {nth} = 1 THEN 1 ELSE 0 END)"
        else:
            within = first = f"min({_own('rows_ab')})"
        columns += [f"{within} AS {_own('within_' + side.letter)}", f"{first} AS {_own('first_' + side.letter)}"]
    both = f"{a.cell}, {b.cell}"
    return f"SELECT {both}, {', '.join(columns)} FROM {_own('s')} GROUP BY {both}"


def _windows(a: _Side, b: _Side) -> str:
    return ", ".join(
        f"sum({_own('first_' + side.letter)}) OVER (PARTITION BY {side.cell}) AS {_own('all_' + side.letter)}"
        for side in (a, b)
    )


def _left(one: _Side, other: _Side, rule: SummaryOnly) -> str:
    """Return the question for how many groups of one side what lies outside the other's groups within it is too small."""
    within = f"({other.is_in} = 1 AND {_own('rows_' + other.letter)} = {_own('rows_ab')})"
    size = f"count(DISTINCT {_PERSON})" if rule.person else f"sum({_own('c')})"
    groups = (
        f"SELECT count(*) AS {_own('n')} FROM {_own('s')} WHERE {one.is_in} = 1 AND NOT {within}"
        f" GROUP BY {one.cell} HAVING {size} < {int(rule.smallest)}"
    )
    return f"SELECT count(*) FROM ({groups}) AS {_own('o')}"
