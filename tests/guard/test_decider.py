"""From a statement to a decision on a real engine: what is hidden, what a mask does to a key, and time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.errors import AureusError, Refused, UserError
from aureus_jupyter.service.decisions import Decided, Decider
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Pii
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import VerdictKind

CLIENT = Dataset(
    name="client",
    pack="p",
    source="client",
    columns=(
        Column(name="id", type="INTEGER", key=True),
        Column(name="region", type="VARCHAR"),
        Column(name="income", type="DECIMAL(18,2)", pii=Pii.QUASI),
        Column(name="secret_score", type="DOUBLE", tags=("secret",)),
    ),
)
LOAN = Dataset(
    name="loan",
    pack="p",
    source="loan",
    columns=(
        Column(name="loan_id", type="INTEGER", key=True),
        Column(name="client_id", type="INTEGER", references="client.id"),
        Column(name="amount", type="DECIMAL(18,2)"),
    ),
)
CATALOG = Catalog(datasets=(CLIENT, LOAN))
ANA = Principal(name="ana", roles=("analyst",))
PERMIT = "{id: open, description: d, effect: permit}"
HIDE = "{id: hide, description: d, effect: hide, reason: r, hide: {columns: {tags: [secret]}}, when: {roles_none: [scorer]}}"


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    made = DuckDBEngine.open(":memory:")
    yield made
    made.close()


@pytest.fixture
def decide(engine: DuckDBEngine, tmp_path: Path) -> Callable[..., Decided]:
    """Decide a statement under policies given as text."""

    def made(sql: str, *policies: str, who: Principal = ANA, at: str = "", environment: str = "") -> Decided:
        text = "version: 1\npolicies:\n" + "".join(f"  - {policy}\n" for policy in (PERMIT, *policies))
        (tmp_path / "a.policy.yaml").write_text(text, "utf-8")
        decider = Decider(CATALOG, load_policies([tmp_path]), environment, lambda: at)
        return decider.decide(Draft(sql=sql, origin=Origin.SQL), engine, who, "review")

    return made


def refusal(call: Callable[[], Any]) -> AureusError:
    with pytest.raises(AureusError) as caught:
        call()
    return caught.value


def test_a_hidden_column_is_like_one_that_is_not_there(decide: Callable[..., Decided]) -> None:
    hidden = refusal(lambda: decide("SELECT c.secret_score FROM client c", HIDE))
    absent = refusal(lambda: decide("SELECT c.secret_scorf FROM client c", HIDE))
    assert isinstance(hidden, UserError)
    assert (hidden.code, hidden.hint) == (absent.code, absent.hint)
    assert hidden.message.replace("secret_score", "X") == absent.message.replace("secret_scorf", "X")
    assert "secret" not in hidden.hint


def test_a_star_leaves_out_what_is_hidden(decide: Callable[..., Decided]) -> None:
    found = decide("SELECT * FROM client", HIDE)
    assert found.plan is not None
    assert found.facts.tables[0].columns == found.plan.shadows[0].columns == ("id", "region", "income")
    assert [output.name for output in found.facts.outputs] == ["id", "region", "income"]
    assert [h.column for h in found.verdict.hidden] == ["secret_score"]
    scorer = decide("SELECT * FROM client", HIDE, who=replace(ANA, roles=("scorer",)))
    assert scorer.plan is not None and "secret_score" in scorer.plan.shadows[0].columns


def test_what_hides_by_the_statement_stays_hidden_or_refuses(engine: DuckDBEngine) -> None:
    class Fickle:
        """Hides only where a statement is no summary: nothing that policies in files can say."""

        version, timed = "v", False

        def __init__(self, rules: Any) -> None:
            self.rules = rules

        def rule(self, request: Any) -> Any:
            found = self.rules.rule(request)
            return [r for r in found if r.hide is None or request.facts.aggregated is self.when]

    def made(tmp: Any, when: bool) -> Decided:
        fickle = Fickle(tmp)
        fickle.when = when
        return Decider(CATALOG, fickle).decide(Draft(sql="SELECT * FROM client", origin=Origin.SQL), engine, ANA, "x")

    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.policy.yaml").write_text(f"version: 1\npolicies:\n  - {PERMIT}\n  - {HIDE}\n", "utf-8")
        rules = load_policies([Path(folder)])
        seen = made(rules, True)
        assert seen.plan is not None and "secret_score" not in seen.plan.shadows[0].columns
        late = made(rules, False)
        assert late.verdict.kind is VerdictKind.DENY
        assert late.verdict.reasons[0].code == "policy_ruling"


def test_nothing_is_read_while_nobody_can_say_what_is_hidden(decide: Callable[..., Decided]) -> None:
    timed = HIDE.replace("roles_none: [scorer]", "hours: '08:00-09:00'")
    error = refusal(lambda: decide("SELECT id FROM client", timed))
    assert isinstance(error, Refused) and error.code == "policy_error"
    at = decide("SELECT * FROM client", timed, at="2026-11-28T08:30:11.000000Z")
    assert at.facts.tables[0].columns == ("id", "region", "income")
    later = decide("SELECT * FROM client", timed, at="2026-11-28T10:30:11.000000Z")
    assert "secret_score" in later.facts.tables[0].columns


def test_a_masked_key_ties_no_more(decide: Callable[..., Decided]) -> None:
    sql = "SELECT c.region, count(*) FROM loan l JOIN client c ON l.client_id = c.id WHERE l.amount > 1000 GROUP BY c.region"
    rows = "{id: rows, description: d, effect: deny, when: {aggregated: false}, code: rows, reason: r, hint: h}"
    assert decide(sql, rows).verdict.kind is VerdictKind.ALLOW
    mask = "{id: mask, description: d, effect: mask, reason: r, mask: {columns: {names: [id]}, number: METHOD, step: '100'}}"
    rounded = decide(sql, rows, mask.replace("METHOD", "round"))
    assert (rounded.verdict.kind, rounded.facts.aggregated) == (VerdictKind.DENY, False)
    other = mask.replace("METHOD", "round").replace("[id]", "[amount]")
    assert decide(sql, rows, other).facts.aggregated


def test_the_environment_and_the_minute_are_asked(decide: Callable[..., Decided]) -> None:
    deny = "{id: no, description: d, effect: deny, when: {environments: [production]}, code: no, reason: r, hint: h}"
    assert decide("SELECT id FROM client", deny, environment="test").verdict.kind is VerdictKind.ALLOW
    assert decide("SELECT id FROM client", deny, environment="production").verdict.kind is VerdictKind.DENY


def test_a_decision_is_remembered_for_its_minute(engine: DuckDBEngine, tmp_path: Path) -> None:
    deny = "{id: no, description: d, effect: deny, when: {hours: '08:00-08:01'}, code: no, reason: r, hint: h}"
    (tmp_path / "a.policy.yaml").write_text(f"version: 1\npolicies:\n  - {PERMIT}\n  - {deny}\n", "utf-8")
    times = iter(f"2026-11-28T{t}.000000Z" for t in ("08:00:00", "08:00:59", "08:01:00"))
    now = [""]
    decider = Decider(CATALOG, load_policies([tmp_path]), "", lambda: now[0])
    kinds = []
    for at in times:
        now[0] = at
        kinds.append(decider.decide(Draft(sql="SELECT 1", origin=Origin.SQL), engine, ANA, "x").verdict.kind)
        kinds.append(
            decider.decide(Draft(sql="SELECT id FROM client", origin=Origin.SQL), engine, ANA, "x").verdict.kind
        )
    assert kinds[1::2] == [VerdictKind.DENY, VerdictKind.DENY, VerdictKind.ALLOW]


def test_all_that_a_filter_compares_with_is_prepared(decide: Callable[..., Decided]) -> None:
    within = (
        "filter: {column: client_id, within: {dataset: client, column: id, where: [{column: region, values: [CZ]}]}}"
    )
    rule = f"{{id: f, description: d, match: {{datasets: [loan]}}, effect: filter, reason: r, {within}}}"
    found = decide("SELECT count(*) FROM loan", rule)
    assert [d.name for d in found.datasets] == ["loan", "client"]
    assert found.plan is not None and found.plan.shadows[0].others == ("client",)
    assert [d.name for d in decide("SELECT count(*) FROM loan").datasets] == ["loan"]


def test_nobody_learns_the_columns_of_a_dataset_that_is_denied(decide: Callable[..., Decided]) -> None:
    deny = "{id: no, description: d, match: {datasets: [client]}, effect: deny, code: no_clients, reason: r, hint: h}"
    there, absent = (decide(f"SELECT c.{name} FROM client c", deny).verdict for name in ("income", "nosuch"))
    assert (there.reasons, there.kind) == (absent.reasons, absent.kind)
    assert there.reasons[0].code == "no_clients"


def test_where_columns_stand(decide: Callable[..., Decided]) -> None:
    (use,) = decide("SELECT region, sum(income) FROM client WHERE id > 3 GROUP BY region ORDER BY 1").facts.tables
    assert dict(use.places) == {
        "id": ("predicate",),
        "region": ("output", "group", "order"),
        "income": ("output", "order"),
    }
    (use,) = decide("SELECT * FROM client WHERE id > 3").facts.tables
    assert dict(use.places)["id"] == ("output", "predicate")
    assert dict(use.places)["income"] == ("output",)


def test_the_budgets_there_are_before_there_is_a_statement(engine: DuckDBEngine, tmp_path: Path) -> None:
    """Those over what one may see, each once, for a question and for SQL; none that only a statement's columns or joins bring."""
    spend = "effect: budget, reason: 'of {dataset}', budget: {measure: queries, limit: 1, per: hour}"
    policies = (
        PERMIT,
        "{id: shut, description: d, effect: deny, code: c, reason: r, hint: h, match: {datasets: [client]}, when: {roles_none: [boss]}}",
        f"{{id: client, description: d, {spend}, match: {{datasets: [client]}}}}",
        f"{{id: loan, description: d, {spend}, match: {{datasets: [loan]}}}}",
        f"{{id: asked, description: d, {spend}, match: {{datasets: [loan]}}, when: {{origin: question}}}}",
        f"{{id: joined, description: d, {spend}, when: {{joins_at_least: 1}}}}",
    )
    (tmp_path / "a.policy.yaml").write_text(
        "version: 1\npolicies:\n" + "".join(f"  - {p}\n" for p in policies), "utf-8"
    )
    decider = Decider(CATALOG, load_policies([tmp_path]))
    assert [b.policy for b in decider.budgets(ANA, "review")] == ["loan", "asked"]
    boss = decider.budgets(Principal(name="eva", roles=("boss",)), "review")
    assert {b.policy for b in boss} == {"loan", "asked", "client"}
