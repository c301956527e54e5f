"""`aureus policy who`: who gets which verdict on a dataset, over the words that the policies themselves name."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aureus_jupyter.adapters.policies.asked import Asked
from aureus_jupyter.adapters.policies.rules import Rule
from aureus_jupyter.app.policy.bench import Asking, Bench, Report, bench
from aureus_jupyter.app.policy.explain import request_for, whole
from aureus_jupyter.app.policy.words import filter_words, ruling
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.values.catalog import Dataset
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.settings import Settings
from aureus_jupyter.values.verdict import Verdict, VerdictKind

__all__ = ["MOST", "who"]

MOST = 3000
"""How many combinations are tried at most: a table of more nobody reads."""

_OTHER, _SOME = "(another)", "(theirs)"
_FORM = "statement"
_WHOLE, _SUMMARY = "row by row", "summary"

Choice = tuple[str, Any]
"""A value of one dimension, in words and as it is asked."""
Row = tuple[frozenset[str], ...]
Outcome = tuple[str, frozenset[str]]
"""A verdict in words, and the codes it is refused with: rows that are refused for different reasons still are one."""


@dataclass(frozen=True, slots=True)
class _Named:
    """One condition that names words of a dimension, positively or not."""

    words: frozenset[str]
    wanted: bool


def who(settings: Settings, asking: Asking, dataset: str) -> Report:
    """Return a table: for each combination of the roles, purposes, groups, attributes and environments that policies about the
    dataset name, and for both forms of statement, what the verdict is. What comes to the same is one line.

    Words that no policy tells apart stand together. What `asking` gives is fixed. At most `MOST` combinations are tried: beyond
    that the last dimensions keep their first value, and the table says so. Raises UserError `unknown_dataset`.
    """
    on = bench(settings, replace(asking, name=asking.name or "(anybody)"))
    one = on.dataset(dataset)
    bare = request_for(on, Facts(tables=(TableUse(dataset=one.name, columns=()),)), "")
    rules = on.policies.about(Asked(bare, one, bare.facts.tables[0]))
    every = _dimensions(rules, one, asking)
    dims, left = _bounded(every)
    outcomes: dict[Row, Outcome] = {}
    for combination in itertools.product(*dims.values()):
        found = dict(zip(dims, combination, strict=True))
        key = tuple(frozenset([choice[0]]) for choice in combination)
        outcomes[key] = _outcome(on, one, {name: choice[1] for name, choice in found.items()}, asking)
    rows = _merged(outcomes, len(dims))
    lines = _table(list(dims), dims, rows)
    head = [f"Who reads {one.name}, by {len(rules)} policies about it, at {on.at}:"]
    tail = [
        f"Not varied, there are too many combinations: {', '.join(left)}. Fix more with --role, --purpose and the like."
    ]
    data = [
        {**{n: sorted(v) for n, v in zip(dims, row, strict=True)}, "outcome": words, "codes": sorted(codes)}
        for row, (words, codes) in rows
    ]
    return Report(
        lines=[*head, "", *lines, *(["", *tail] if left else [])],
        data={"dataset": one.name, "at": on.at, "rows": data, "not_varied": left},
    )


# -- which values there are -------------------------------------------------------------------------------------------


def _dimensions(rules: Sequence[Rule], dataset: Dataset, asking: Asking) -> dict[str, list[Choice]]:
    found: dict[str, list[Choice]] = {_FORM: [(_WHOLE, False), (_SUMMARY, True)]}
    found["role"] = [("as given", asking.roles)] if asking.roles else _roles(rules)
    found["purpose"] = [(asking.purpose, asking.purpose)] if asking.purpose else _purposes(rules)
    given = {name for name, _ in asking.attributes}
    for name, words in sorted(_attributes(rules, dataset).items()):
        if name not in given:
            found[name] = words
    if not asking.environment:
        found["environment"] = _plain(_named(rules, "environments", "environments_not"), "")
    if not asking.name:
        found["user"] = _plain(_named(rules, "users_any", "users_none"), "(anybody)")
    if any("origin" in rule.policy.get("when", {}) for rule in rules):
        found["origin"] = [("sql", "sql"), ("question", "question")]
    return {name: choices for name, choices in found.items() if len(choices) > 1 or name == _FORM or choices[0][1]}


def _named(rules: Sequence[Rule], wanted: str, unwanted: str) -> list[_Named]:
    return [
        _Named(frozenset(rule.policy["when"][name]), name == wanted)
        for rule in rules
        for name in (wanted, unwanted)
        if name in rule.policy.get("when", {})
    ]


def _alike(named: Sequence[_Named]) -> list[tuple[str, str, bool]]:
    """Return words that no condition tells apart together: (in words, one of them, whether a condition asks for it)."""
    groups: dict[tuple[bool, ...], list[str]] = {}
    for word in sorted({word for one in named for word in one.words}):
        groups.setdefault(tuple(word in one.words for one in named), []).append(word)
    return [
        (_short(words), words[0], any(held and one.wanted for held, one in zip(signs, named, strict=True)))
        for signs, words in groups.items()
    ]


def _short(words: Sequence[str]) -> str:
    return "/".join(words) if len(words) <= 4 else f"{'/'.join(words[:3])}/… ({len(words)})"


def _roles(rules: Sequence[Rule]) -> list[Choice]:
    """Return no role, each role, and each role with one that exempts from something."""
    alike = _alike(_named(rules, "roles_any", "roles_none"))
    opening = [(words, role) for words, role, wanted in alike if wanted]
    exempt = [(words, role) for words, role, wanted in alike if not wanted]
    choices: list[Choice] = [("none", ()), *((words, (role,)) for words, role in (*opening, *exempt))]
    return choices + [(f"{a} + {b}", (one, two)) for (a, one), (b, two) in itertools.product(opening, exempt)]


def _purposes(rules: Sequence[Rule]) -> list[Choice]:
    named = _named(rules, "purpose_in", "purpose_not_in")
    choices = _plain(named, "")
    return [*choices, (_OTHER, _OTHER)] if named or len(choices) > 1 else [("none", ""), (_OTHER, _OTHER)]


def _plain(named: Sequence[_Named], otherwise: str) -> list[Choice]:
    return [("none" if not otherwise else _OTHER, otherwise), *((words, word) for words, word, _ in _alike(named))]


def _attributes(rules: Sequence[Rule], dataset: Dataset) -> dict[str, list[Choice]]:
    named: dict[str, list[_Named]] = {}
    for rule in rules:
        for name, words in _attribute_words(rule.policy.get("when", {}), dataset):
            named.setdefault(name, []).append(_Named(frozenset(words), wanted=True))
    return {name: _values(name, found) for name, found in named.items()}


def _values(name: str, named: Sequence[_Named]) -> list[Choice]:
    alike = _alike(named)
    other = _OTHER if alike else _SOME
    return [("none", None), *((words, (name, word)) for words, word, _ in alike), (other, (name, other))]


def _attribute_words(when: Mapping[str, Any], dataset: Dataset) -> Iterator[tuple[str, Iterable[str]]]:
    for condition in ("attributes_in", "attributes_none_in"):
        yield from when.get(condition, {}).items()
    for condition in ("groups_any", "groups_none"):
        if condition in when:
            yield "group", when[condition]
    for condition in ("has_attribute", "lacks_attribute"):
        if condition in when:
            yield when[condition], ()
    if "cross_border" in when and dataset.jurisdiction:
        yield "jurisdiction", [dataset.jurisdiction]


def _bounded(dims: dict[str, list[Choice]]) -> tuple[dict[str, list[Choice]], list[str]]:
    """Keep as many dimensions as `MOST` combinations allow, the first ones first; the others keep their first value."""
    kept: dict[str, list[Choice]] = {}
    left: list[str] = []
    size = 1
    for name, choices in dims.items():
        if size * len(choices) > MOST:
            left.append(name)
            continue
        size *= len(choices)
        kept[name] = choices
    return kept, left


# -- what each comes to -----------------------------------------------------------------------------------------------


def _outcome(on: Bench, dataset: Dataset, values: Mapping[str, Any], asking: Asking) -> Outcome:
    known = {_FORM, "role", "purpose", "environment", "user", "origin"}
    pairs = [pair for name, pair in values.items() if name not in known and pair is not None]
    principal = Principal(
        name=values.get("user", on.principal.name),
        roles=tuple(sorted(values.get("role", asking.roles))),
        attributes=tuple(sorted([*asking.attributes, *pairs])),
    )
    there = replace(on, principal=principal, environment=values.get("environment", on.environment))
    purpose = values.get("purpose", asking.purpose)
    facts = replace(whole(there, dataset, purpose), aggregated=bool(values[_FORM]))

    def asked(columns: tuple[str, ...]) -> Verdict:
        use = replace(facts.tables[0], columns=columns)
        request = request_for(there, replace(facts, tables=(use,)), purpose)
        return safe_rule(on.engine, replace(request, origin=values.get("origin", "sql")))

    every = facts.tables[0].columns
    verdict = asked(every)
    if verdict.kind is not VerdictKind.DENY:
        return _told(verdict, every), frozenset()
    if asked(()).kind is not VerdictKind.DENY:
        kept = tuple(c for c in every if asked((c,)).kind is not VerdictKind.DENY)
        part = asked(kept)
        if kept and part.kind is not VerdictKind.DENY:
            return f"{_told(part, kept)}; refused with {', '.join(c for c in every if c not in kept)}", _codes(verdict)
    return "refused", _codes(verdict)


def _codes(verdict: Verdict) -> frozenset[str]:
    return frozenset(reason.code for reason in verdict.reasons)


def _told(verdict: Verdict, columns: Sequence[str]) -> str:
    """Return the verdict with its obligations, of the masks those on these columns."""
    parts = [ruling(verdict)]
    masks = [mask for mask in verdict.masks if mask.column in columns]
    if verdict.hidden:
        parts.append(f"without {', '.join(h.column for h in verdict.hidden)}")
    for method in dict.fromkeys(mask.method for mask in masks):
        parts.append(f"{', '.join(m.column for m in masks if m.method is method)} masked ({method})")
    parts += [f"rows where {filter_words(f)}" for f in verdict.filters]
    parts += [f"groups of {s.smallest} at least" for s in verdict.summaries]
    parts += [f"at most {verdict.rows:,} rows"] if verdict.rows is not None else []
    parts += [f"budget of {b.limit} {b.measure}".replace("_", " ") for b in verdict.budgets]
    return "; ".join(parts + [f"reviewed by {', '.join(w.reviewers)}" for w in verdict.reviews])


# -- the table --------------------------------------------------------------------------------------------------------


def _merged(outcomes: Mapping[Row, Outcome], width: int) -> list[tuple[Row, Outcome]]:
    """Put rows together that come to the same and differ in one dimension, dimension after dimension, the last first."""
    rows = list(outcomes.items())
    for place in reversed(range(width)):
        together: dict[tuple[Row, str], tuple[frozenset[str], frozenset[str]]] = {}
        for row, (words, codes) in rows:
            key = ((*row[:place], *row[place + 1 :]), words)
            known = together.get(key, (frozenset(), frozenset()))
            together[key] = (known[0] | row[place], known[1] | codes)
        rows = [
            ((*row[:place], values, *row[place:]), (words, codes)) for (row, words), (values, codes) in together.items()
        ]
    return sorted(rows, key=lambda one: (one[1][0] == "refused", one[1][0].startswith("needs")))


def _table(
    names: Sequence[str], dims: Mapping[str, Sequence[Choice]], rows: Sequence[tuple[Row, Outcome]]
) -> list[str]:
    full = {name: frozenset(words for words, _ in dims[name]) for name in names}
    shown = [i for i, name in enumerate(names) if any(row[i] != full[name] for row, _ in rows)]
    cells = [[*(names[i] for i in shown), "verdict"]]
    for row, (outcome, codes) in rows:
        told = f"{outcome} [{', '.join(sorted(codes))}]" if codes else outcome
        cells.append([*(_cell(row[i], full[names[i]], [w for w, _ in dims[names[i]]]) for i in shown), told])
    widths = [max(len(line[i]) for line in cells) for i in range(len(shown))]
    return ["  ".join([*(c.ljust(w) for c, w in zip(line[:-1], widths, strict=True)), line[-1]]) for line in cells]


def _cell(words: frozenset[str], full: frozenset[str], order: Sequence[str]) -> str:
    if words == full:
        return "any"
    missing = [word for word in order if word not in words]
    if len(words) > 2 and len(missing) <= 2:
        return f"any but {', '.join(missing)}"
    return ", ".join(word for word in order if word in words)
