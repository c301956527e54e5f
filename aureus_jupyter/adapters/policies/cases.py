"""One test beside a policy: what it asks, and what of the answer is not as it expects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from aureus_jupyter.values.catalog import Classification, Column, Dataset, Pii, fold
from aureus_jupyter.values.facts import Facts, OutputColumn, TableUse
from aureus_jupyter.values.obligations import Condition, Filter, Mask, MaskMethod, Op, Within
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest, Verdict

__all__ = ["EXPECTED", "differences", "request_of"]

Case = Mapping[str, Any]
Hides = Callable[[DecisionRequest], Iterable[str]]

NOON = "2026-01-05T12:00:00Z"
"""When a test asks that does not say: a Monday, so that a test gives the same answer every day."""


def request_of(case: Case, hidden: Hides) -> DecisionRequest:
    """Return the request of a test that fits the schema.

    A statement uses all columns that are not hidden from its principal unless the test says which; `hidden` tells them as
    `dataset.column`, folded, for a request that uses no column. Raises ValueError for what cannot be: a column that is not
    there, a time that is none.
    """
    if "dataset" in case and "datasets" in case:
        raise ValueError("it gives dataset and datasets; one of them is meant")
    datasets = tuple(_dataset(spec) for spec in (case["datasets"] if "datasets" in case else [case["dataset"]]))
    at = case.get("at", NOON)
    datetime.fromisoformat(at)
    bare = DecisionRequest(
        principal=_principal(case.get("principal", {})),
        purpose=case.get("purpose", ""),
        origin=case.get("origin", "sql"),
        facts=Facts(
            tables=tuple(TableUse(dataset=d.name, columns=()) for d in datasets),
            outputs=tuple(_outputs(case.get("shows", ()), datasets)),
            aggregated=case.get("aggregated", False),
            joins=case.get("joins", len(datasets) - 1),
            can_raise=False,
        ),
        datasets=datasets,
        environment=case.get("environment", ""),
        at=at,
    )
    gone = frozenset(hidden(bare)) if "uses" not in case else frozenset()
    tables = tuple(TableUse(dataset=d.name, columns=_used(d, case.get("uses"), datasets, gone)) for d in datasets)
    return replace(bare, facts=replace(bare.facts, tables=tables))


def _dataset(spec: Case) -> Dataset:
    return Dataset(
        name=spec.get("name", "x"),
        pack=spec.get("pack", "p"),
        source="x",
        columns=tuple(_column(name, about) for name, about in spec["columns"].items()),
        classification=Classification(spec.get("classification", "internal")),
        domain=spec.get("domain", ""),
        jurisdiction=spec.get("jurisdiction", ""),
        owner=spec.get("owner", ""),
        approvers=tuple(spec.get("approvers", ())),
        retention_days=spec.get("retention_days"),
        tags=tuple(spec.get("tags", ())),
    )


def _column(name: str, about: Any) -> Column:
    if isinstance(about, list):
        if not isinstance(about[0], str):
            raise ValueError(f"the column {name} has no type")
        return Column(name=name, type=about[0], pii=Pii(about[1]))
    return Column(
        name=name,
        type=about["type"],
        pii=Pii(about.get("pii", "none")),
        tags=tuple(about.get("tags", ())),
        classification=Classification(about.get("classification", "internal")),
    )


def _principal(who: Case) -> Principal:
    attributes = {**who.get("attributes", {})}
    if "groups" in who:
        attributes["group"] = [*attributes.get("group", ()), *who["groups"]]
    pairs = sorted((name, value) for name, values in attributes.items() for value in values)
    return Principal(name=who.get("name", "tester"), roles=tuple(who.get("roles", ())), attributes=tuple(pairs))


def _place(text: str, datasets: Sequence[Dataset]) -> str:
    """Return `dataset.column`, folded, for a column of a test. Raises ValueError when there is none, or more than one."""
    known = {f"{fold(d.name)}.{fold(c.name)}" for d in datasets for c in d.columns}
    wanted = fold(text)
    found = [wanted] if wanted in known else [name for name in known if name.rpartition(".")[2] == wanted]
    if len(found) != 1:
        raise ValueError(f"{text} is not one column of the test's datasets")
    return found[0]


def _outputs(shows: Iterable[str], datasets: Sequence[Dataset]) -> Iterable[OutputColumn]:
    return (OutputColumn(name=text, sources=(_place(text, datasets),)) for text in shows)


def _used(
    dataset: Dataset, uses: Sequence[str] | None, datasets: Sequence[Dataset], gone: frozenset[str]
) -> tuple[str, ...]:
    names = {f"{fold(dataset.name)}.{fold(c.name)}": c.name for c in dataset.columns}
    wanted = set(names) - gone if uses is None else {_place(text, datasets) for text in uses}
    return tuple(name for place, name in names.items() if place in wanted)


def differences(expect: Case, request: DecisionRequest, verdict: Verdict) -> list[str]:
    """Return what is not as expected, in words, nothing when all is."""
    found = (_difference(name, wanted, EXPECTED[name](request, verdict)) for name, wanted in expect.items())
    return [words for words in found if words]


def _difference(name: str, wanted: Any, found: Any) -> str:
    if name in {"fired", "not_fired"}:
        odd = [p for p in wanted if (p in found) is (name == "not_fired")]
        word = "fires" if name == "not_fired" else "does not fire"
        return f"{' and '.join(odd)} {word}" if odd else ""
    if isinstance(wanted, dict) and isinstance(found, dict):
        same = set(wanted) == set(found) and all(_like(w, found[key]) for key, w in wanted.items())
    elif isinstance(wanted, list) and isinstance(found, list):
        same = len(wanted) == len(found) and all(_like(w, f) for w, f in zip(wanted, found, strict=True))
    else:
        same = wanted == found
    return "" if same else f"{name} is {_short(found)}, not {wanted}"


def _like(wanted: Any, found: Any) -> bool:
    """Compare one obligation: a short form compares the main member, a table the members it names."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(key in found and _like(value, found[key]) for key, value in wanted.items())
    if isinstance(found, dict):
        return bool(wanted == found.get("method", found.get("values")) and found.get("op", "in") == "in")
    return bool(wanted == found)


def _short(found: Any) -> Any:
    """Return what was found in its shorter form, as a person writes it in a test."""
    if isinstance(found, dict):
        return {key: _short_one(value) for key, value in found.items()}
    return found


def _short_one(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "method" in value:
        return value["method"]
    return value["values"] if value.get("op") == "in" and "values" in value else value


def _named(request: DecisionRequest, dataset: str, column: str) -> str:
    return column if len(request.datasets) == 1 else f"{dataset}.{column}"


_MEMBERS: Mapping[MaskMethod, tuple[str, ...]] = MappingProxyType(
    {
        MaskMethod.LAST: ("keep",),
        MaskMethod.PARTIAL: ("start", "keep"),
        MaskMethod.ROUND: ("step",),
        MaskMethod.BUCKET: ("edges",),
        MaskMethod.CONSTANT: ("value",),
    }
)


def _mask(mask: Mask) -> dict[str, Any]:
    more = {name: getattr(mask, name) for name in _MEMBERS.get(mask.method, ())}
    return {"method": str(mask.method), **{n: list(v) if isinstance(v, tuple) else v for n, v in more.items()}}


def _filter(rule: Filter | Condition) -> dict[str, Any]:
    found: dict[str, Any] = {"op": str(rule.op)}
    if rule.within is not None:
        return {**found, "within": _within(rule.within), **_any_of(rule)}
    if rule.op not in {Op.IS_NULL, Op.NOT_NULL}:
        found["values"] = list(rule.values)
    return {**found, **_any_of(rule)}


def _any_of(rule: Filter | Condition) -> dict[str, str]:
    return {"any_of": rule.any_of} if isinstance(rule, Filter) and rule.any_of else {}


def _within(within: Within) -> dict[str, Any]:
    where = [{"column": one.column, **_filter(one)} for one in within.conditions]
    return {"dataset": within.dataset, "column": within.column, **({"where": where} if where else {})}


def _filters(request: DecisionRequest, verdict: Verdict) -> dict[str, Any]:
    """Return filters by column; of several on one column the others get the policy's id behind theirs."""
    found: dict[str, Any] = {}
    for rule in verdict.filters:
        name = _named(request, rule.dataset, rule.column)
        found[name if name not in found else f"{name} ({rule.policy})"] = _filter(rule)
    return found


EXPECTED: Mapping[str, Callable[[DecisionRequest, Verdict], Any]] = MappingProxyType(
    {
        "verdict": lambda r, v: str(v.kind),
        "codes": lambda r, v: [reason.code for reason in v.reasons],
        "approvers": lambda r, v: list(v.approvers),
        "quorum": lambda r, v: v.quorum,
        "valid_hours": lambda r, v: v.valid_hours,
        "masks": lambda r, v: {_named(r, m.dataset, m.column): _mask(m) for m in v.masks},
        "filters": _filters,
        "rows": lambda r, v: v.rows,
        "hidden": lambda r, v: [_named(r, h.dataset, h.column) for h in v.hidden],
        "summaries": lambda r, v: {
            s.dataset: {"smallest": s.smallest, "person": s.person, "protected": list(s.protected)} for s in v.summaries
        },
        "budgets": lambda r, v: {
            b.policy: {
                "measure": str(b.measure),
                "limit": b.limit,
                "seconds": b.seconds,
                "shared": b.shared,
                "price": b.price,
                "currency": b.currency,
            }
            for b in v.budgets
        },
        "reviews": lambda r, v: {w.policy: {"reviewers": list(w.reviewers), "hours": w.hours} for w in v.reviews},
        "fired": lambda r, v: list(v.fired),
        "not_fired": lambda r, v: list(v.fired),
    }
)
"""What a test can expect, and how it is found in a verdict."""
