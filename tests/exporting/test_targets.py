"""Exports to engines that are not here: their shape, what they say they cannot express, and what their expressions compute."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot

from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.app.exporting import TARGETS, export
from aureus_jupyter.cli import main
from aureus_jupyter.core.exporting.columns import DATABRICKS, SNOWFLAKE, TRINO, shown
from aureus_jupyter.core.exporting.trino import trino
from aureus_jupyter.core.exporting.warehouses import databricks, snowflake
from aureus_jupyter.core.masks import masked, masked_as
from aureus_jupyter.core.spelling import Spelling
from aureus_jupyter.errors import Refused, UserError
from aureus_jupyter.service.decisions import Decider
from aureus_jupyter.service.exporting import grants
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Pii
from aureus_jupyter.values.grant import Exported, Unexpressed
from aureus_jupyter.values.obligations import Mask, MaskMethod
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.settings import Settings

CLIENT = Dataset(
    name="client",
    pack="p",
    source="crm.client",
    columns=(
        Column(name="id", type="BIGINT"),
        Column(name="name", type="VARCHAR", pii=Pii.DIRECT),
        Column(name="born", type="DATE", pii=Pii.DIRECT),
        Column(name="income", type="DECIMAL(18,2)", pii=Pii.QUASI),
        Column(name="country", type="VARCHAR"),
        Column(name="pep", type="BOOLEAN", tags=("secret",)),
    ),
)
VIP = Dataset(name="vip", pack="p", source="vip", columns=(Column(name="secret", type="VARCHAR"),))
CATALOG = Catalog(datasets=(CLIENT, VIP))
PEOPLE = [Principal(name=role, roles=(role,), attributes=(("jurisdiction", "CZ"),)) for role in ("analyst", "officer")]
RULES = """version: 1
policies:
  - {id: open, description: d, effect: permit, match: {datasets: [client]}}
  - {id: secret, description: d, effect: hide, reason: r, hide: {columns: {tags: [secret]}}, when: {roles_any: [analyst]}}
  - {id: names, description: d, effect: mask, reason: r, mask: {columns: {pii: [direct]}, text: TEXT, date: year}, when: {roles_any: [analyst]}}
  - {id: rows, description: d, match: {datasets: [client]}, effect: filter, reason: r, filter: FILTER, when: {roles_any: [analyst]}}
"""  # noqa: E501
PLAIN = "{column: country, attribute: jurisdiction}"


@pytest.fixture
def made(tmp_path: Any) -> Callable[..., tuple[Exported, tuple[Unexpressed, ...]]]:
    def make(
        target: Callable[..., Exported],
        text: str = "redact",
        rule: str = PLAIN,
        more: str = "",
        left_out: tuple[str, ...] = (),
    ) -> tuple[Exported, tuple[Unexpressed, ...]]:
        (tmp_path / "a.policy.yaml").write_text(RULES.replace("TEXT", text).replace("FILTER", rule) + more, "utf-8")
        found, notes = grants(Decider(CATALOG, load_policies([tmp_path])), PEOPLE, "review", left_out)
        return target(found, CATALOG, PEOPLE), notes

    return make


def test_trino_ends_each_table_with_a_rule_for_nobody(made: Any) -> None:
    exported, notes = made(trino)
    rules = json.loads(exported.text)["tables"]
    analyst, officer, *nobody = rules
    assert analyst["group"] == "analyst" and analyst["filter"] == "\"country\" IN ('CZ')"
    assert [c["name"] for c in analyst["columns"]] == ["name", "born", "pep"]
    assert analyst["columns"][2] == {"name": "pep", "allow": False}
    assert officer == {"group": "officer", "schema": "crm", "table": "client", "privileges": ["SELECT"]}
    assert nobody == [{"schema": "crm", "table": "client", "privileges": []}, {"table": "vip", "privileges": []}]
    assert [n.dataset for n in notes] == ["vip", "vip"]
    assert [n.why[:13] for n in exported.unexpressed] == ["not expressed"]


@pytest.mark.parametrize(("target", "dialect"), [(snowflake, "snowflake"), (databricks, "databricks")])
def test_warehouses(target: Any, dialect: str, made: Any) -> None:
    exported, _ = made(target)
    if dialect == "databricks":  # sqlglot does not read Snowflake's policies
        assert len(sqlglot.parse(exported.text, read=dialect)) >= 8
    assert "vip" in exported.text and "FALSE" in exported.text, "nobody reads what is granted to nobody"
    granted = [line for line in exported.text.splitlines() if line.startswith("GRANT")]
    assert len(granted) == 2 and not any("vip" in line for line in granted)
    assert ["pep" in n.why for n in exported.unexpressed] == [True]
    keyed, _ = made(target, text="hash")
    assert any("instead of the mask hash" in n.why for n in keyed.unexpressed)
    within, _ = made(target, rule="{column: id, within: {dataset: vip, column: secret}}")
    assert [n.policy for n in within.unexpressed if n.why.startswith("not granted")] == ["rows"]
    assert sum(line.startswith("GRANT") for line in within.text.splitlines()) == 1
    for text in ("a\\b", "a''b"):
        odd, _ = made(target, rule=f"{{column: country, values: ['{text}']}}")
        assert any(n.why.startswith("not granted") for n in odd.unexpressed)


def test_snowflake_cannot_mask_what_it_filters_by(made: Any) -> None:
    both, _ = made(snowflake, rule="{column: name, values: [x]}")
    assert [n.role for n in both.unexpressed if "cannot be both" in n.why] == ["analyst", "officer"]
    assert "GRANT" not in both.text
    fine, _ = made(databricks, rule="{column: name, values: [x]}")
    assert fine.text.count("GRANT") == 2


def test_trino_says_what_it_cannot_hold(made: Any) -> None:
    keyed, _ = made(trino, text="hash")
    assert any("instead of the mask hash" in n.why for n in keyed.unexpressed)
    within, _ = made(trino, rule="{column: id, within: {dataset: vip, column: secret}}")
    assert [r["group"] for r in json.loads(within.text)["tables"] if "group" in r] == ["officer"]


CAP = "  - {id: cap, description: d, effect: cap, reason: r, cap: {rows: 5}}\n"
OTHERS = {
    "cap": CAP,
    "budget": "  - {id: b, description: d, effect: budget, reason: r, budget: {measure: queries, limit: 5, per: day}}\n",
    "review": "  - {id: v, description: d, effect: review, reason: r, review: {reviewers: [eva], hours: 5}}\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_no_engine_holds_is_not_granted_unless_left_out(name: str, made: Any) -> None:
    exported, notes = made(trino, more=OTHERS[name])
    assert [r for r in json.loads(exported.text)["tables"] if "group" in r] == []
    assert sum("does not hold" in n.why for n in notes) == 2
    exported, notes = made(trino, more=OTHERS[name], left_out=(name,))
    assert len([r for r in json.loads(exported.text)["tables"] if "group" in r]) == 2
    assert sum(n.why.startswith("left out") for n in notes) == 2


def test_summaries_and_approvals_are_not_granted(made: Any) -> None:
    summary = "  - {id: s, description: d, effect: summary, reason: r, summary: {smallest: 5}}\n"
    _, notes = made(trino, more=summary)
    assert sum("summaries of at least 5" in n.why for n in notes) == 2
    approve = "  - {id: a, description: d, effect: approve, approvers: [eva], code: c, reason: r, hint: h}\n"
    exported, notes = made(trino, more=approve)
    assert [n.policy for n in notes if n.dataset == "client"] == ["a", "a"]
    rows = "  - {id: n, description: d, effect: deny, when: {uses_pii: [quasi], aggregated: false}, code: c, reason: r, hint: h}\n"
    exported, notes = made(trino, more=rows)
    assert any(n.why == "not granted: the column income, which is not read row by row" for n in notes)
    officer = next(r for r in json.loads(exported.text)["tables"] if r.get("group") == "officer")
    assert officer["columns"] == [{"name": "income", "allow": False}]
    alone = "  - {id: g, description: d, effect: mask, reason: r, mask: {columns: {names: [id]}}, when: {aggregated: false}}\n"
    _, notes = made(trino, more=alone)
    assert sum(n.why.startswith("stricter") for n in notes) == 2


# -- what the expressions compute ------------------------------------------------------------------------------------------

MASKS = {
    "name": [
        Mask(policy="p", dataset="client", column="name", method=method, reason="r", keep=2, start=1, value="it's")
        for method in (
            MaskMethod.NULL,
            MaskMethod.REDACT,
            MaskMethod.LAST,
            MaskMethod.PARTIAL,
            MaskMethod.EMAIL,
            MaskMethod.CONSTANT,
        )
    ],
    "born": [
        Mask(policy="p", dataset="client", column="born", method=m, reason="r")
        for m in (MaskMethod.YEAR, MaskMethod.MONTH)
    ],
    "income": [
        Mask(
            policy="p", dataset="client", column="income", method=m, reason="r", step="500", edges=("-100", "0", "1000")
        )
        for m in (MaskMethod.ROUND, MaskMethod.BUCKET)
    ],
}


@pytest.mark.parametrize(
    ("spell", "dialect"),
    [(TRINO, "trino"), (SNOWFLAKE, "snowflake"), (DATABRICKS, "databricks")],
    ids=["trino", "snowflake", "databricks"],
)
@pytest.mark.parametrize("mask", [m for masks in MASKS.values() for m in masks], ids=lambda m: f"{m.column}-{m.method}")
def test_a_mask_computes_what_ours_computes(mask: Mask, spell: Spelling, dialect: str) -> None:
    """sqlglot reads the expression as the other engine would and writes it for DuckDB, which runs both."""
    column = next(c for c in CLIENT.columns if c.name == mask.column)
    if mask.method is MaskMethod.CONSTANT and column.type == "VARCHAR":
        assert shown(mask, column, spell, "val", escapes=True).note, "a quote is not passed on"
        mask = replace(mask, value="its")
    theirs = sqlglot.transpile(
        shown(mask, column, spell, "val", escapes=True).expression, read=dialect, write="duckdb"
    )[0]
    ours = masked(column, mask, "duckdb").replace(f'aureus_raw."{column.name}"', "val")
    values = {
        "name": "unnest(['ana@bank.cz', 'x', '', 'Žofie', NULL])",
        "born": "unnest([date '1980-05-17', date '2000-01-01', NULL])",
        "income": "unnest([-1234.56, 0, 999.99, 123456.78, NULL])::decimal(18,2)",
    }[mask.column]
    rows = duckdb.execute(f"SELECT {theirs}, {ours} FROM (SELECT {values} AS val)").fetchall()
    assert all(one == other for one, other in rows)
    assert len(rows) >= 3


def test_a_keyed_mask_has_no_key_elsewhere() -> None:
    with pytest.raises(Refused) as caught:
        masked_as(
            CLIENT.columns[1],
            Mask(policy="p", dataset="client", column="name", method=MaskMethod.HASH, reason="r"),
            TRINO,
        )
    assert caught.value.code == "cannot_mask"


def test_the_command_names_what_it_does_not_know() -> None:
    for arguments in (
        ("oracle", ["analyst"]),
        ("trino", []),
        ("trino", ["analyst"], (), "", ["masks"]),
        ("trino", ["it's"]),
    ):
        with pytest.raises(UserError) as caught:
            export(Settings(), *arguments)  # type: ignore[arg-type]
        assert caught.value.code == "bad_option"


@pytest.mark.parametrize("target", TARGETS)
def test_the_pack_of_the_demonstration_can_be_exported(target: str) -> None:
    found = export(Settings(), target, ["data_scientist"], [("jurisdiction", "CZ")], "credit_risk_review", ["cap"])
    assert "borrower" in found.text and "data_scientist" in found.text
    assert any("pep_flag" in n.why for n in found.unexpressed)


def test_the_command_writes_and_says_what_it_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["policy", "export", "--to", "postgres-rls", "--role", "data_scientist", "--purpose", "credit_risk_review"]
    call += ["--attribute", "jurisdiction=CZ", "--without", "cap"]
    assert main([*call, "--out", str(tmp_path / "rules.sql")]) == 0
    told = capsys.readouterr()
    assert told.out == "" and "pep_flag" in told.err and "borrower for data_scientist" in told.err
    assert "CREATE VIEW" in (tmp_path / "rules.sql").read_text("utf-8")
    assert main([*call, "--strict"]) == 1
    assert capsys.readouterr().out == (tmp_path / "rules.sql").read_text("utf-8")
