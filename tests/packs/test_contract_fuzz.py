"""Contracts at random: the reader refuses or reads, it never crashes, and it never makes a contract laxer."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aureus_jupyter.adapters.catalogs.contracts import ContractError, dataset_of, standard_problems
from aureus_jupyter.adapters.yamlstrict import load_yaml
from aureus_jupyter.values.catalog import Classification, Dataset

ROOT = Path(__file__).resolve().parents[2]
GOOD = load_yaml(ROOT / "packs/credit-risk/contracts/borrower.odcs.yaml")
BEFORE = dataset_of(GOOD, "p", "d")
LEVELS = list(Classification)

odd = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "x", "\n", "public ", [], [None], ["x"], {}, {"a": []}, [{"property": "pii"}], [[{}]]]
)


def spoiled(value: Any, draw: Any, removed: bool = False) -> Any:
    """Return a copy in which one member somewhere is replaced by something odd, or removed."""
    value = copy.deepcopy(value)
    parent: Any = {"": value}
    key: Any = ""
    while isinstance(parent[key], dict | list) and parent[key] and draw(st.integers(0, 5)):
        parent = parent[key]
        key = draw(st.sampled_from(sorted(parent) if isinstance(parent, dict) else range(len(parent))))
    if removed:
        parent.pop(key)
        return value
    parent[key] = draw(odd)
    return parent[key] if key == "" else value


@settings(deadline=None)
@given(st.data())
def test_any_contract_is_read_or_refused(data: st.DataObject) -> None:
    value = spoiled(spoiled(GOOD, data.draw), data.draw) if data.draw(st.booleans()) else spoiled(GOOD, data.draw)
    try:
        found = dataset_of(value, "p", "d")
    except ContractError as error:
        assert error.expected
        assert error.found
    else:
        assert isinstance(found, Dataset)
        assert all(isinstance(c.type, str) and c.type for c in found.columns)


@settings(deadline=None)
@given(st.data())
def test_the_standard_answers_for_any_value(data: st.DataObject) -> None:
    for problem in standard_problems(spoiled(GOOD, data.draw)):
        assert problem.expected
        assert problem.found


@settings(deadline=None)
@given(st.data())
def test_a_label_that_is_lost_protects_more(data: st.DataObject) -> None:
    """Take out or spoil a classification anywhere: nothing becomes less classified."""
    value = copy.deepcopy(GOOD)
    columns = value["schema"][0]["properties"]
    index = data.draw(st.integers(-1, len(columns) - 1))
    holder, key = (columns[index], "classification") if index >= 0 else (value["customProperties"][0], "value")
    if data.draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = data.draw(odd)
    found = dataset_of(value, "p", "d")
    assert LEVELS.index(found.classification) >= LEVELS.index(BEFORE.classification)
    for before, after in zip(BEFORE.columns, found.columns, strict=True):
        assert LEVELS.index(after.classification) >= LEVELS.index(before.classification)


@pytest.mark.shared
def test_the_examples_of_the_standard(shared: Path) -> None:
    paths = sorted((shared / "fixtures" / "odcs" / "examples").glob("*.odcs.yaml"))
    assert len(paths) >= 17
    for path in paths:
        assert [str(p.path) for p in standard_problems(load_yaml(path))] == [], path.name
