"""Each built-in of ours against OPA's: the same answer, undefined where OPA's is, failing where OPA's fails."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rego import build, opa

from aureus_jupyter.adapters.policies.opa.builtins import BUILTINS
from aureus_jupyter.adapters.policies.opa.bundle import read_bundle
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure
from aureus_jupyter.adapters.policies.opa.machine import Context, Machine
from aureus_jupyter.adapters.policies.opa.plan import parse_plan
from aureus_jupyter.adapters.policies.opa.terms import from_python, parse_json, to_python

CALLS = [
    line
    for line in (Path(__file__).parent / "calls.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
INPUT = parse_json('{"text": "a", "number": 2, "list": [1], "half": 1.5}')
HEAD = ["package calls", "", "import future.keywords.in", ""]
NOW = 1_700_000_000_000_000_000
INLINED = {"assign", "eq", "equal"}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Ask OPA all of it at once, and compile all of it for us."""
    folder = tmp_path_factory.mktemp("calls")
    source = "\n".join([*HEAD, *(f"r{index} = x {{ x := {call} }}" for index, call in enumerate(CALLS))])
    bundle = read_bundle(build(folder, {"calls.rego": source}, [f"calls/r{i}" for i in range(len(CALLS))], v0=True))
    given = folder / "input.json"
    given.write_text(json.dumps(INPUT, default=float), "utf-8")
    command = [opa(), "eval", "--v0-compatible", "--show-builtin-errors", "--format", "json", "-i", str(given)]
    done = subprocess.run(
        [*command, "-d", str(folder / "source0"), "data.calls"], capture_output=True, text=True, check=False
    )
    answer = parse_json(done.stdout)
    failed = {e["location"]["row"] - len(HEAD) - 1 for e in answer.get("errors", [])}
    plan = parse_plan(bundle.plan, BUILTINS)
    return {
        "plan": plan,
        "machine": Machine(plan, bundle.data, BUILTINS),
        "values": answer["result"][0]["expressions"][0]["value"],
        "failed": failed,
    }


@pytest.mark.parametrize("index", range(len(CALLS)), ids=CALLS)
def test_a_call_answers_as_opa_does(asked: dict[str, Any], index: int) -> None:
    ours = asked["machine"].evaluate(f"calls/r{index}", INPUT, Context(now_ns=NOW, strict=False))
    theirs = asked["values"].get(f"r{index}")
    wanted = None if f"r{index}" not in asked["values"] else from_python(theirs)
    assert (None if ours is None else from_python(to_python(ours))) == wanted
    if index in asked["failed"]:
        with pytest.raises(BuiltinFailure):
            asked["machine"].evaluate(f"calls/r{index}", INPUT, Context(now_ns=NOW))
    else:
        assert asked["machine"].evaluate(f"calls/r{index}", INPUT, Context(now_ns=NOW)) == ours


def test_there_are_enough_and_every_builtin_is_among_them(asked: dict[str, Any]) -> None:
    assert len(CALLS) >= 300
    assert set(BUILTINS) - asked["plan"].builtins <= INLINED | {"internal.template_string", "internal.print"}
    assert 20 < len(asked["failed"]) < len(CALLS) / 4
