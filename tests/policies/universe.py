"""Small worlds in which every request can be tried: the policies of a few words, and all that these words can meet."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from aureus_jupyter.values.catalog import Classification, Column, Dataset, Pii
from aureus_jupyter.values.facts import Facts, OutputColumn, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest

MOST = 400

COLUMNS = (
    Column(name="C", type="VARCHAR", pii=Pii.DIRECT, tags=("t",), classification=Classification.RESTRICTED),
    Column(name="k", type="INTEGER", pii=Pii.QUASI, tags=("u",)),
    Column(name="n", type="DATE"),
)


def subsets(*words: str) -> list[tuple[str, ...]]:
    return [found for size in range(len(words) + 1) for found in itertools.combinations(words, size)]


STATES = ("absent", "there", "used", "shown")

WORLD: Mapping[str, list[Any]] = {
    "pack": ["a", "b"],
    "dataset": ["d", "E"],
    "domain": ["x", "y"],
    "jurisdiction": ["EU", "", "US"],
    "classification": list(Classification),
    "retention": [None, 1],
    "tags": subsets("t", "u"),
    "columns": [("shown", "shown", "shown"), *itertools.product(STATES, STATES, ("there", "used"))],
    "purpose": ["p", "", " ", "Q"],
    "user": ["ana", "eva"],
    "roles": subsets("r", "s"),
    "group": subsets("g", "h"),
    "places": subsets("EU", "US"),
    "team": subsets("1", "2"),
    "environment": ["prod", "", "test"],
    "at": [f"2026-01-{d:02}T{t}:00Z" for d in range(4, 12) for t in ("00:00", "08:30", "12:00", "23:59")],
    "origin": ["sql", "question"],
    "aggregated": [False, True],
    "joins": [0, 1, 2],
    "beside": [None, "a", "b"],
}
PLAIN = {name: options[0] for name, options in WORLD.items()}
NEEDS = {
    "packs": "pack",
    "datasets": "dataset",
    "datasets_not": "dataset",
    "domains": "domain",
    "jurisdictions": "jurisdiction",
    "jurisdictions_not": "jurisdiction",
    "classification_at_least": "classification",
    "classification_at_most": "classification",
    "has_retention": "retention",
    "users_any": "user",
    "users_none": "user",
    "roles_any": "roles",
    "roles_none": "roles",
    "groups_any": "group",
    "groups_none": "group",
    "environments": "environment",
    "environments_not": "environment",
    "origin": "origin",
    "aggregated": "aggregated",
    "joins_at_least": "joins",
    "beside": "beside",
}


def dimensions(policy: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for name in (*policy.get("match", {}), *policy.get("when", {})):
        if name in NEEDS:
            found.add(NEEDS[name])
        elif name.startswith("purpose"):
            found.add("purpose")
        elif name in {"hours", "hours_not", "weekdays", "since", "until"}:
            found.add("at")
        elif name == "cross_border":
            found |= {"jurisdiction", "places"}
        elif "attribute" in name:
            found |= {"group", "places", "team"}
        else:  # tags and columns
            found |= {"tags", "columns"}
    return found


def requests(policies: Iterable[Mapping[str, Any]], more: Iterable[str] = ()) -> Iterator[DecisionRequest]:
    """Every request that differs in what the policies ask about; of very many a sample, the same each time."""
    names = sorted(set(more).union(*map(dimensions, policies)))
    options = [WORLD[name] for name in names]
    every = itertools.product(*options)
    size = 1
    for one in options:
        size *= len(one)
    if size > MOST:
        chance = random.Random(size)
        every = (tuple(chance.choice(one) for one in options) for _ in range(MOST))
    return (request_of({**PLAIN, **dict(zip(names, found, strict=True))}) for found in every)


def request_of(w: Mapping[str, Any]) -> DecisionRequest:
    states = dict(zip(COLUMNS, w["columns"], strict=True))
    dataset = Dataset(
        name=w["dataset"],
        pack=w["pack"],
        source="x",
        domain=w["domain"],
        jurisdiction=w["jurisdiction"],
        classification=w["classification"],
        retention_days=w["retention"],
        tags=w["tags"],
        approvers=("ann", "bob"),
        columns=tuple(c for c, state in states.items() if state != "absent"),
    )
    used = tuple(c.name for c, state in states.items() if state in {"used", "shown"})
    shown = tuple(f"{dataset.name}.{c.name}" for c, state in states.items() if state == "shown")
    others = () if w["beside"] is None else (Dataset(name="other", pack=w["beside"], source="y", columns=()),)
    pairs = [("group", v) for v in w["group"]] + [("jurisdiction", v) for v in w["places"]]
    pairs += [("team", v) for v in w["team"]]
    return DecisionRequest(
        principal=Principal(name=w["user"], roles=w["roles"], attributes=tuple(sorted(pairs))),
        purpose=w["purpose"],
        origin=w["origin"],
        environment=w["environment"],
        at=w["at"],
        datasets=(dataset, *others),
        facts=Facts(
            tables=(
                TableUse(dataset=dataset.name, columns=used),
                *(TableUse(dataset=o.name, columns=()) for o in others),
            ),
            outputs=(OutputColumn(name="o", sources=shown),),
            aggregated=w["aggregated"],
            joins=w["joins"],
        ),
    )


def words(*known: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True)


LEVELS = st.sampled_from(["public", "internal", "confidential", "restricted"])
PIIS = words("none", "quasi", "direct")
HOURS = st.sampled_from(
    ["08:00-12:00", "12:00-12:00", "23:00-08:31", "00:00-00:01", "00:01-23:59", "08:30-12:01 Europe/Prague"]
)
DAYS = st.sampled_from(["2026-01-05", "2026-01-06", "2026-01-10"])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["group", "jurisdiction", "team"]), words("g", "h", "EU", "US", "1", "2"), min_size=1
)
ATTRIBUTE = st.sampled_from(["group", "jurisdiction", "team"])

MATCH: dict[str, st.SearchStrategy[Any]] = {
    "packs": words("a", "b"),
    "datasets": words("d", "e", "D"),
    "datasets_not": words("d", "E"),
    "domains": words("x", "y"),
    "jurisdictions": words("EU", "US"),
    "jurisdictions_not": words("EU", "US"),
    "tags_any": words("t", "u"),
    "tags_none": words("t", "u"),
    "classification_at_least": LEVELS,
    "classification_at_most": LEVELS,
    "has_pii": PIIS,
    "has_column": st.sampled_from(["c", "K"]),
    "has_retention": st.booleans(),
}
WHEN: dict[str, st.SearchStrategy[Any]] = {
    "purpose_in": words("P", "q", " "),
    "purpose_not_in": words("p", "q"),
    "purpose_missing": st.booleans(),
    "users_any": words("ana", "eva"),
    "users_none": words("ana", "eva"),
    "roles_any": words("r", "s"),
    "roles_none": words("r", "s"),
    "groups_any": words("g", "h"),
    "groups_none": words("g", "h"),
    "has_attribute": ATTRIBUTE,
    "lacks_attribute": ATTRIBUTE,
    "attributes_in": ATTRIBUTES,
    "attributes_none_in": ATTRIBUTES,
    "cross_border": st.booleans(),
    "environments": words("prod", "test"),
    "environments_not": words("prod", "test"),
    "hours": HOURS,
    "hours_not": HOURS,
    "weekdays": words("mon", "tue", "sat"),
    "since": DAYS,
    "until": DAYS,
    "origin": st.sampled_from(["sql", "question"]),
    "aggregated": st.booleans(),
    "joins_at_least": st.integers(1, 2),
    "uses_pii": PIIS,
    "shows_pii": PIIS,
    "uses_columns": words("c", "K", "n"),
    "shows_columns": words("C", "k"),
    "uses_tags": words("t", "u"),
    "beside": st.fixed_dictionaries({"packs": words("a", "b")}),
}


def some(table: dict[str, st.SearchStrategy[Any]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    """A few members of a table, each with a value."""
    names = st.lists(st.sampled_from(sorted(table)), max_size=most, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: table[name] for name in chosen}))


# Pairs that have something to say to each other are drawn more often than chance would.
RELATED = (
    ("roles_any", "roles_none"),
    ("groups_any", "attributes_none_in", "attributes_in"),
    ("purpose_in", "purpose_missing", "purpose_not_in"),
    ("hours", "hours_not"),
    ("weekdays", "since", "until"),
    ("cross_border", "attributes_in", "lacks_attribute", "attributes_none_in"),
    ("users_any", "users_none"),
    ("environments", "environments_not"),
    ("uses_tags", "uses_columns", "shows_columns", "shows_pii", "uses_pii"),
)
RELATED_MATCH = (
    ("jurisdictions", "jurisdictions_not"),
    ("datasets", "datasets_not"),
    ("tags_any", "tags_none", "has_pii"),
    ("classification_at_least", "classification_at_most"),
)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """The conditions of a policy: a few, related or not."""
    found: dict[str, Any] = {"match": draw(some(MATCH, 2)), "when": draw(some(WHEN, 2))}
    for part, table, related in (("match", MATCH, RELATED_MATCH), ("when", WHEN, RELATED)):
        if draw(st.booleans()):
            for name in draw(st.sampled_from(related)):
                found[part].setdefault(name, draw(table[name]))
    return found
