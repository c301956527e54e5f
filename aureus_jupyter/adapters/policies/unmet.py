"""What a policy obliges to and a dataset cannot give: then all of the dataset is refused wherever the policy applies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aureus_jupyter.values.catalog import Dataset, fold

__all__ = ["unmet"]

Policy = Mapping[str, Any]


def unmet(policy: Policy, dataset: Dataset, known: Sequence[Dataset]) -> str:
    """Return what keeps a policy from being met on a dataset that it matches, in words, or nothing.

    `known` are all datasets that a filter may compare with; where a filter names none of them nothing is said, because it may be
    of another pack.
    """
    return next(_ASKED[policy["effect"]](policy, dataset, known), "") if policy["effect"] in _ASKED else ""


def _column(name: str, dataset: Dataset) -> Iterator[str]:
    if name and dataset.column(name) is None:
        yield f"{dataset.name} has no column {name}"


def _filter(policy: Policy, dataset: Dataset, known: Sequence[Dataset]) -> Iterator[str]:
    spec = policy["filter"]
    yield from _column(spec["column"], dataset)
    if spec.get("at_most_days_old") == "dataset" and dataset.retention_days is None:
        yield f"the contract of {dataset.name} says no retention"
    yield from _within(spec.get("within"), known)


def _within(spec: Policy | None, known: Sequence[Dataset]) -> Iterator[str]:
    other = next((d for d in known if spec is not None and fold(d.name) == fold(spec["dataset"])), None)
    if spec is None or other is None:
        return
    yield from _column(spec["column"], other)
    for one in spec.get("where", ()):
        yield from _column(one["column"], other)
        yield from _within(one.get("within"), known)


def _summary(policy: Policy, dataset: Dataset, known: Sequence[Dataset]) -> Iterator[str]:
    return _column(policy["summary"].get("person", ""), dataset)


def _approve(policy: Policy, dataset: Dataset, known: Sequence[Dataset]) -> Iterator[str]:
    people = dataset.approvers if policy["approvers"] == "dataset" else policy["approvers"]
    if len(set(people)) < policy.get("quorum", 1):
        yield f"{dataset.name} has {len(set(people)) or 'no'} approvers, and {policy.get('quorum', 1)} must say yes"


def _review(policy: Policy, dataset: Dataset, known: Sequence[Dataset]) -> Iterator[str]:
    if policy["review"]["reviewers"] == "dataset" and not dataset.approvers:
        yield f"{dataset.name} has no approvers who could review"


_ASKED: Mapping[str, Callable[[Policy, Dataset, Sequence[Dataset]], Iterator[str]]] = MappingProxyType(
    {"filter": _filter, "summary": _summary, "approve": _approve, "review": _review}
)
