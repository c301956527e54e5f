"""A policy written for Trino, in Rego v0, answers unchanged; in process and behind a server alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rego import build, running

from aureus_jupyter.adapters.policies.combined import agreeing
from aureus_jupyter.adapters.policies.opa.in_process import load_bundle
from aureus_jupyter.adapters.policies.opa.request import context_of, table_questions, tables_of
from aureus_jupyter.adapters.policies.opa.server import open_server
from aureus_jupyter.adapters.schemas import Schema
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import PolicyEngine
from aureus_jupyter.values.catalog import Classification, Column, Dataset, Pii
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.obligations import MaskMethod, Op
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest, VerdictKind

SOURCE = (Path(__file__).parent / "trino_v0.rego").read_text("utf-8")
DATA = {"readable": {"analyst": ["client", "account"]}, "branches": {"ana": "Brno"}}
RULES = ("allow", "rowFilters", "batchColumnMasks")
CLIENT = Dataset(
    name="client",
    pack="bank",
    source="client.parquet",
    columns=(
        Column(name="id", type="BIGINT", key=True),
        Column(name="name", type="VARCHAR", pii=Pii.DIRECT, tags=("gdpr",)),
        Column(name="phone", type="VARCHAR", classification=Classification.RESTRICTED),
        Column(name="secret", type="DECIMAL(18,2)"),
    ),
    tags=("customer",),
    approvers=("petr",),
)
ANA = Principal(name="ana", roles=("analyst",), attributes=(("region", "CZ"), ("region", "SK")))


def ask(*columns: str, who: Principal = ANA, dataset: Dataset = CLIENT) -> DecisionRequest:
    facts = Facts(tables=(TableUse(dataset=dataset.name, columns=columns),), functions=("count",))
    return DecisionRequest(principal=who, purpose="review", origin="sql", facts=facts, datasets=(dataset,))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entries = [f"trino/{rule}" for rule in (*RULES, "columnMask", "batch")]
    return build(tmp_path_factory.mktemp("trino"), {"trino.rego": SOURCE}, entries, data=DATA, v0=True)


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[str]:
    with running("-b", "--v0-compatible", str(bundle)) as address:
        yield address


@pytest.fixture(params=["in process", "server"])
def engine(request: pytest.FixtureRequest, bundle: Path) -> PolicyEngine:
    if request.param == "in process":
        return load_bundle(bundle, "trino", RULES)
    return open_server(request.getfixturevalue("server"), "trino", RULES)


def test_filters_are_all_applied_and_masks_are_those_of_the_policy(engine: PolicyEngine) -> None:
    verdict = safe_rule(engine, ask("id", "name"))
    assert verdict.kind is VerdictKind.ALLOW, verdict.reasons
    assert {(f.op, f.expression) for f in verdict.filters} == {
        (Op.EXPRESSION, "user_type <> 'customer'"),
        (Op.EXPRESSION, "branch = 'Brno'"),
    }
    assert {(m.column, m.method, m.expression) for m in verdict.masks} == {
        ("name", MaskMethod.EXPRESSION, "'****' || substring(name, -3)"),
        ("phone", MaskMethod.EXPRESSION, "NULL"),
    }
    assert verdict.fired == ("trino/allow", "trino/batchColumnMasks", "trino/rowFilters")


def test_what_the_policy_does_not_allow_is_refused_with_what_was_asked(engine: PolicyEngine) -> None:
    verdict = safe_rule(engine, ask("id", "secret"))
    assert verdict.kind is VerdictKind.DENY
    assert [r.code for r in verdict.reasons] == ["opa_denied"]
    assert "SelectFromColumns bank.default.client" in verdict.reasons[0].message
    elsewhere = safe_rule(engine, ask("id", dataset=replace(CLIENT, pack="other")))
    assert [r.code for r in elsewhere.reasons] == ["opa_denied"]
    assert "AccessCatalog other" in elsewhere.reasons[0].message


def test_a_stranger_reads_nothing_and_an_administrator_all(engine: PolicyEngine) -> None:
    assert safe_rule(engine, ask("id", who=Principal(name="eva"))).kind is VerdictKind.DENY
    verdict = safe_rule(engine, ask("id", "secret", who=Principal(name="admin")))
    assert (verdict.kind, verdict.masks, verdict.filters) == (VerdictKind.ALLOW, (), ())


def test_a_bundle_and_a_server_of_the_same_policy_agree(bundle: Path, server: str) -> None:
    both = agreeing([load_bundle(bundle, "trino", RULES), open_server(server, "trino", RULES)])
    for request in (ask("id", "name"), ask("secret"), ask("id", who=Principal(name="admin"))):
        assert set(both.rule(request)) == set(load_bundle(bundle, "trino", RULES).rule(request))


def test_one_mask_for_each_column_as_trino_without_batches(bundle: Path) -> None:
    verdict = safe_rule(load_bundle(bundle, "trino", ("allow", "columnMask")), ask("id"))
    assert {(m.column, m.expression) for m in verdict.masks} == {("phone", "NULL")}


def test_a_server_cannot_say_that_one_column_has_no_mask(server: str) -> None:
    """It says the same where the policy is not loaded, so that is a refusal."""
    engine = open_server(server, "trino", ("allow", "columnMask"))
    assert [r.code for r in safe_rule(engine, ask("id")).reasons] == ["policy_error"]


def test_columns_that_are_filtered_are_hidden(bundle: Path) -> None:
    verdict = safe_rule(load_bundle(bundle, "trino", ("allow", "batch")), ask("id"))
    assert [h.column for h in verdict.hidden] == ["secret"]


@pytest.mark.parametrize("rules", [(), ("rowFilters",), ("allow", "typo"), ("allow", "columnMask", "batchColumnMasks")])
def test_rules_that_could_not_refuse_are_refused(bundle: Path, rules: Sequence[str]) -> None:
    with pytest.raises(Unavailable) as found:
        load_bundle(bundle, "trino", rules)
    assert found.value.code == "opa_rules"


def test_a_rule_that_the_bundle_does_not_have_is_refused(bundle: Path) -> None:
    with pytest.raises(Unavailable, match="trino/aureus") as found:
        load_bundle(bundle, "trino", (*RULES, "aureus"))
    assert "-e trino/aureus" in found.value.hint


SCHEMA = Schema("aureus_jupyter.adapters.policies.opa", "request.schema.json")


def asked_of(request: DecisionRequest) -> list[dict[str, object]]:
    def value(item: Any) -> Any:
        return item

    context = context_of(request, value)
    (table,) = tables_of(request)
    named = {**context, "properties": {**context["properties"], "dataset": table.dataset.name}}
    return [
        {"context": named, "action": question.action}
        for questions in table_questions(table, value).values()
        for question in questions
    ]


def test_requests_have_the_shape_that_is_written_down() -> None:
    request = replace(ask("name", "id"), environment="production", at="2026-11-28T10:00:00Z")
    for given in asked_of(request):
        assert SCHEMA.violations({"input": json.loads(json.dumps(given))}) == []
    example = json.loads((Path(SCHEMA_FOLDER) / "request.example.json").read_text("utf-8"))
    assert SCHEMA.violations(example) == []
    assert example["input"] == json.loads(json.dumps(asked_of(request)[0]))


SCHEMA_FOLDER = Path(load_bundle.__code__.co_filename).parent


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("client.parquet", ("bank", "default", "client")),
        ("sales.client", ("bank", "sales", "client")),
        ("lake.sales.tbl_client", ("lake", "sales", "tbl_client")),
        ("tbl_client", ("bank", "default", "client")),
        ("a folder/client.csv", ("bank", "default", "client")),
    ],
)
def test_a_table_is_named_by_its_source(source: str, named: tuple[str, str, str]) -> None:
    (table,) = tables_of(ask("id", dataset=replace(CLIENT, source=source)))
    assert tuple(table.name[k] for k in ("catalogName", "schemaName", "tableName")) == named


def test_the_time_is_the_requests_and_a_policy_without_it_is_not_timed(bundle: Path, tmp_path: Path) -> None:
    source = "package trino\nimport rego.v1\ndefault allow := false\nallow if time.clock(time.now_ns())[0] < 12\n"
    timed = load_bundle(build(tmp_path, {"p.rego": source}, ["trino/allow"]), "trino", ["allow"])
    assert (timed.timed, load_bundle(bundle, "trino", RULES).timed) == (True, False)
    kinds = [
        safe_rule(timed, replace(ask("id"), at=at)).kind for at in ("2026-11-28T11:59:00Z", "2026-11-28T12:00:00Z")
    ]
    assert kinds == [VerdictKind.ALLOW, VerdictKind.DENY]
    assert [r.code for r in safe_rule(timed, ask("id")).reasons] == ["policy_error"]


def test_a_number_for_a_text_of_digits_refuses(tmp_path: Path) -> None:
    source = "package trino\nimport rego.v1\nallow if not data.blocked[count(input.context.identity.groups)]\n"
    made = build(tmp_path, {"p.rego": source}, ["trino/allow"], data={"blocked": {"1": True}})
    engine = load_bundle(made, "trino", ["allow"])
    assert [r.code for r in safe_rule(engine, ask("id")).reasons] == ["policy_error"]
    stranger = replace(ask("id"), principal=Principal(name="eva"))
    assert safe_rule(engine, stranger).kind is VerdictKind.ALLOW


def test_a_policy_may_print_explain_itself_and_use_another_package(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rule = 'allow if { print("hi", input); rego.metadata.rule().title == "x"; trace("a"); data.lib.one_more(1) == 2 }'
    sources = {
        "p.rego": f"package trino\nimport rego.v1\n# METADATA\n# title: x\n{rule}\n",
        "lib.rego": "package lib\none_more(x) := x + 1\n",
    }
    engine = load_bundle(build(tmp_path, sources, ["trino/allow"]), "trino", ["allow"])
    assert safe_rule(engine, ask("id")).kind is VerdictKind.ALLOW
    assert capfd.readouterr() == ("", "")
