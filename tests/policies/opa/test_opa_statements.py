"""Whole rules against OPA: each entry point with each input, undefined and conflicts among the answers."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rego import build, running

from aureus_jupyter.adapters.policies.opa.builtins import BUILTINS
from aureus_jupyter.adapters.policies.opa.bundle import read_bundle
from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure
from aureus_jupyter.adapters.policies.opa.machine import Machine
from aureus_jupyter.adapters.policies.opa.plan import STATEMENTS, parse_plan
from aureus_jupyter.adapters.policies.opa.terms import from_python, parse_json, to_python

SOURCE = (Path(__file__).parent / "statements.rego").read_text("utf-8")
RULES = sorted(
    set(re.findall(r"^(?:default )?([a-z_]+)(?= (?:if|:=|contains)|\[)", SOURCE, re.MULTILINE)) - {"default"}
)
RULES += ["nested", "nested/deep", "tree"]
DATA = {"words": {"en": "hello", "de": "hallo"}, "statements": {"tree": {"extra": {"value": "x"}}}}
INPUTS: list[dict[str, Any]] = [
    {},
    {
        "n": 1,
        "kind": "a",
        "list": [1, 2, 3],
        "map": {"a": 1, "b": 2},
        "words": {"x": "one", "y": "three"},
        "pair": [1, {"b": 2}],
        "language": "de",
        "branch": "left",
        "name": "Ana",
        "index": 1,
    },
    {
        "n": 7,
        "kind": "b",
        "list": [5, 5],
        "map": {"z": 9},
        "pair": [1],
        "language": "xx",
        "branch": "right",
        "index": 9,
    },
    {
        "n": 11,
        "kind": False,
        "list": {"a": 1},
        "map": [2],
        "branch": "none",
        "missing": {"further": True},
        "name": None,
    },
    {"n": "x", "kind": None, "list": [], "map": {}, "missing": {"further": False}, "index": "0", "branch": ["left"]},
    {"n": 5, "branch": "extra", "list": [[1], "a"], "name": ["x"], "index": -1, "map": {"a": {"b": 2}}},
]
NEVER = {"NopStmt"}
"""What OPA's compiler writes only while it is being debugged."""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same rules, compiled as they stand and with all of OPA's optimisation."""
    folder = tmp_path_factory.mktemp("statements")
    entries = [f"statements/{rule}" for rule in RULES]
    return [build(folder, {"s.rego": SOURCE}, entries, data=DATA, options=options) for options in ([], ["-O", "2"])]


@pytest.fixture(scope="module")
def server(bundles: list[Path]) -> Iterator[str]:
    with running("-b", str(bundles[0])) as address:
        yield address


@pytest.fixture(scope="module")
def machines(bundles: list[Path]) -> list[Machine]:
    read = [read_bundle(bundle) for bundle in bundles]
    return [Machine(parse_plan(r.plan, BUILTINS), r.data, BUILTINS) for r in read]


def theirs(server: str, rule: str, given: Any) -> tuple[bool, Any]:
    """Return whether OPA failed, and its answer, None where it is undefined."""
    url = f"{server}/v1/data/statements/{rule}?strict-builtin-errors=true"
    request = urllib.request.Request(url, json.dumps({"input": given}).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = parse_json(answer.read())
    except urllib.error.HTTPError as error:
        assert error.code == 500
        error.close()
        return True, None
    return False, from_python(body["result"]) if "result" in body else None


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_answers_as_opa_does(server: str, machines: list[Machine], rule: str) -> None:
    for given in INPUTS:
        failed, wanted = theirs(server, rule, given)
        for machine in machines:
            if failed:
                with pytest.raises(EvaluationFailure):
                    machine.evaluate(f"statements/{rule}", given)
            else:
                ours = machine.evaluate(f"statements/{rule}", given)
                assert (None if ours is None else from_python(to_python(ours))) == wanted, given


def test_every_kind_of_statement_is_among_them(bundles: list[Path]) -> None:
    assert len(RULES) * len(INPUTS) >= 150
    found = set(re.findall(r'"type":\s*"([A-Za-z]+Stmt)"', json.dumps(read_bundle(bundles[0]).plan, default=str)))
    assert found == set(STATEMENTS) - NEVER
