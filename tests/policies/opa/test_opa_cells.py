"""Bundles and a server that settings name: asked for every cell, beside the policies of YAML, and missing ones refuse."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rego import build, running

from aureus_jupyter.adapters.config import load
from aureus_jupyter.app import get_app, reset_app
from aureus_jupyter.app.build import policies, rule_files
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.settings import Settings

SOURCE = """
package trino
import rego.v1

default allow := false

allow if input.action.operation in {"ExecuteQuery", "ExecuteFunction"}

allow if input.action.resource.catalog.name == "credit-risk"

allow if {
	input.action.operation == "SelectFromColumns"
	input.action.resource.table.tableName != "collateral"
	input.context.properties.purpose == "credit_risk_review"
}

rowFilters contains {"expression": "segment = 'retail'"} if input.action.resource.table.tableName == "borrower"

batchColumnMasks contains {"index": i, "viewExpression": {"expression": "lower(country)"}} if {
	some i, resource in input.action.filterResources
	resource.column.columnName == "country"
}
"""
ENTRIES = [f"trino/{rule}" for rule in ("allow", "rowFilters", "batchColumnMasks")]
PEOPLE = "SELECT segment, count(*) AS n FROM borrower GROUP BY segment"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("cells"), {"p.rego": SOURCE}, ENTRIES, revision="2026-11-28")


def test_a_cell_is_judged_by_yaml_and_by_opa(front: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = front.asked(PEOPLE, "before <<")
    assert before.error is None
    assert len(front.shell.user_ns["before"]) > 1
    monkeypatch.setenv("AUREUS_OPA_BUNDLES", str(bundle))
    reset_app()
    told = front.asked(PEOPLE, "after <<")
    assert told.error is None, told.error
    assert list(front.shell.user_ns["after"]["segment"]) == ["retail"]
    front.asked("SELECT country, count(*) AS n FROM borrower GROUP BY country", "masked <<")
    countries = list(front.shell.user_ns["masked"]["country"])
    assert "cz" in countries
    assert all(country.islower() for country in countries)
    refused = front.asked("SELECT count(*) AS n FROM collateral", "x <<")
    assert refused.code == "opa_denied"
    house = front.cell("x << --purpose marketing", "SELECT full_name FROM borrower")
    assert house.card["outcome"] == "refused"
    record = json.loads((front.runs[1] / "record.json").read_text("utf-8"))
    assert "trino/rowFilters" in json.dumps(record)
    assert " + opa trino 2026-11-28 sha256:" in json.dumps(record), "which policy decided can be read"


def test_a_bundle_that_is_changed_or_taken_away_counts_at_once(
    front: Any, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = tmp_path / "used.tar.gz"
    used.write_bytes(bundle.read_bytes())
    monkeypatch.setenv("AUREUS_OPA_BUNDLES", str(used))
    assert front.asked(PEOPLE, "x <<").error is None
    used.write_bytes(used.read_bytes()[:-30])
    assert front.asked(PEOPLE, "x <<").code == "policy_malformed"
    used.unlink()
    assert front.asked(PEOPLE, "x <<").code == "policies_missing"


def test_a_server_is_asked_too_and_refuses_when_it_is_gone(
    front: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running("-b", str(bundle)) as address:
        monkeypatch.setenv("AUREUS_OPA_SERVER", address)
        monkeypatch.setenv("AUREUS_OPA_BUNDLES", str(bundle))
        monkeypatch.setenv("AUREUS_OPA_SAME", "bundles server")
        told = front.asked(PEOPLE, "x <<")
        assert told.error is None, told.error
        assert list(front.shell.user_ns["x"]["segment"]) == ["retail"]
    assert front.asked(PEOPLE, "x <<").code in {"opa_server", "policy_error"}


def settings(**values: Any) -> Settings:
    return Settings(principal="ana", **values)


def test_what_settings_name_is_watched(bundle: Path, tmp_path: Path) -> None:
    both = f"{bundle}{os.pathsep}{tmp_path / 'b.tar.gz'}"
    files = rule_files(settings(opa_bundles=both, opa_bundle_key=str(tmp_path / "key.pem")), "credit-risk")
    assert {str(bundle), str(tmp_path / "b.tar.gz"), str(tmp_path / "key.pem")} <= set(files)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"opa_bundles": "/nowhere/b.tar.gz"}, "policies_missing"),
        ({"opa_server": "nonsense"}, "opa_server"),
        ({"opa_same": "policies server"}, "opa_same"),
        ({"opa_same": "policies policies"}, "opa_same"),
        ({"opa_server": "http://127.0.0.1:1", "opa_rules": ("rowFilters",)}, "opa_rules"),
    ],
)
def test_what_is_configured_and_cannot_be_used_is_unavailable(values: dict[str, Any], code: str) -> None:
    with pytest.raises(Unavailable) as found:
        policies(settings(**values), "credit-risk")
    assert found.value.code == code


def test_nobody_else_names_a_policy_where_an_administrator_does(
    front: Any, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "system"
    system.mkdir()
    put: Callable[[str], Any] = (system / "aureus.toml").write_text
    monkeypatch.setattr(load.load_settings, "__defaults__", (None, None, None, [system], lambda path: False))
    monkeypatch.setenv("AUREUS_OPA_RULES", "aureus")
    monkeypatch.setenv("AUREUS_OPA_SERVER", "http://127.0.0.1:1")
    put(f'opa_bundles = "{bundle}"')
    told = front.asked(PEOPLE, "x <<")
    assert told.error is None, told.error
    assert get_app().settings.opa_server == ""
    assert list(front.shell.user_ns["x"]["segment"]) == ["retail"]
