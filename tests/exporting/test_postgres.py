"""The exported statements run on a real server, and give a role the rows that its cells would be given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.core.exporting.postgres import postgres as exported
from aureus_jupyter.ports import Limits
from aureus_jupyter.service.decisions import Decider
from aureus_jupyter.service.exporting import grants
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Pii
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.principal import Principal

pytestmark = pytest.mark.postgres

CLIENT = Dataset(
    name="client",
    pack="p",
    source="crm.client",
    columns=(
        Column(name="id", type="BIGINT", key=True),
        Column(name="name", type="VARCHAR", pii=Pii.DIRECT),
        Column(name="born", type="DATE", pii=Pii.DIRECT),
        Column(name="income", type="DECIMAL(18,2)", pii=Pii.QUASI),
        Column(name="country", type="VARCHAR"),
        Column(name="pep", type="BOOLEAN", tags=("secret",)),
    ),
)
BRANCH = Dataset(
    name="branch",
    pack="p",
    source="crm.branch",
    columns=(
        Column(name="id", type="INTEGER"),
        Column(name="country", type="VARCHAR"),
        Column(name="note", type="VARCHAR"),
    ),
)
LOAN = Dataset(
    name="loan",
    pack="p",
    source="crm.loan",
    columns=(
        Column(name="loan_id", type="BIGINT", key=True),
        Column(name="client_id", type="BIGINT"),
        Column(name="amount", type="DECIMAL(18,2)"),
    ),
)
VIP = Dataset(name="vip", pack="p", source="crm.vip", columns=(Column(name="secret", type="VARCHAR"),))
CATALOG = Catalog(datasets=(CLIENT, BRANCH, LOAN, VIP))
POLICIES = """
version: 1
policies:
  - {id: open, description: d, effect: permit, match: {datasets_not: [vip]}}
  - {id: secret, description: d, effect: hide, reason: r, hide: {columns: {tags: [secret]}}}
  - id: names
    description: d
    match: {has_pii: [direct]}
    when: {roles_none: [desk_officer]}
    effect: mask
    reason: r
    mask: {columns: {pii: [direct]}, text: hash, date: year}
  - {id: income, description: d, effect: mask, reason: r, mask: {columns: {pii: [quasi]}, number: round, step: '1000'}}
  - {id: rows, description: d, match: {has_column: country}, when: {roles_none: [desk_reader]}, effect: filter, reason: r,
     filter: {column: country, attribute: jurisdiction}}
  - id: loans
    description: d
    match: {datasets: [loan]}
    when: {roles_none: [desk_reader]}
    effect: filter
    reason: r
    filter: {column: client_id, within: {dataset: client, column: id, where: [{column: country, attribute: jurisdiction}]}}
"""
SETUP = """
DROP SCHEMA IF EXISTS crm CASCADE;
CREATE SCHEMA crm;
CREATE TABLE crm.client (id bigint, name varchar, born date, income numeric(18,2), country varchar, pep boolean);
INSERT INTO crm.client SELECT i, 'n' || i, DATE '1980-05-17' + i, i * 123.45, (ARRAY['CZ','SK','DE'])[1 + i % 3], i % 2 = 0
  FROM generate_series(1, 60) AS g(i);
CREATE TABLE crm.branch (id integer, country varchar, note varchar);
INSERT INTO crm.branch VALUES (1, 'CZ', 'a'), (2, 'DE', 'b'), (3, NULL, 'c');
CREATE TABLE crm.loan (loan_id bigint, client_id bigint, amount numeric(18,2));
INSERT INTO crm.loan SELECT i, 1 + i % 60, i * 10.5 FROM generate_series(1, 200) AS g(i);
CREATE TABLE crm.vip (secret varchar);
INSERT INTO crm.vip VALUES ('ZQ');
"""
ROLES = ("desk_analyst", "desk_officer", "desk_reader")
LEGITIMATE = [
    "SELECT * FROM client ORDER BY id",
    "SELECT name, count(*) FROM client GROUP BY name ORDER BY name",
    "SELECT country, sum(income), min(born) FROM client GROUP BY country ORDER BY country",
    "SELECT c.id, l.amount FROM client c JOIN loan l ON l.client_id = c.id ORDER BY c.id, l.amount",
    "SELECT sum(amount) FROM loan",
    "SELECT * FROM branch ORDER BY id",
    "SELECT b.note FROM branch b WHERE b.country IN (SELECT country FROM client) ORDER BY 1",
    "WITH rich AS (SELECT * FROM client WHERE income > 3000) SELECT count(*), max(income) FROM rich",
    "SELECT id, rank() OVER (ORDER BY income DESC, id) FROM client ORDER BY id",
]
KEY = b"the key of both"


def people() -> list[Principal]:
    return [
        Principal(name=role, roles=(role,), attributes=(("jurisdiction", "CZ"), ("jurisdiction", "SK")))
        for role in ROLES
    ]


@pytest.fixture(scope="module")
def decider(tmp_path_factory: pytest.TempPathFactory) -> Decider:
    folder = tmp_path_factory.mktemp("policies")
    (folder / "a.policy.yaml").write_text(POLICIES, "utf-8")
    return Decider(CATALOG, load_policies([folder]))


@pytest.fixture(scope="module")
def server(postgres: str, decider: Decider) -> Iterator[str]:
    """The tables of an owner who is no superuser, with the exported statements run by that owner."""
    with psycopg.connect(postgres, autocommit=True) as boss:
        boss.execute("DROP SCHEMA IF EXISTS crm CASCADE; DROP SCHEMA IF EXISTS aureus_private CASCADE")
        for role in ("crm_owner", "crm_cells", *ROLES):
            if not boss.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                boss.execute(f"CREATE ROLE {role} LOGIN")
        boss.execute("GRANT CREATE ON DATABASE postgres TO crm_owner")
        boss.execute("GRANT desk_analyst, desk_officer, desk_reader, crm_cells TO crm_owner WITH ADMIN OPTION")
        boss.execute("ALTER ROLE crm_owner CREATEROLE")
    with psycopg.connect(postgres.replace("bank@", "crm_owner@"), autocommit=True) as owner:
        owner.execute(SETUP)
        owner.execute("GRANT USAGE ON SCHEMA crm TO crm_cells; GRANT SELECT ON ALL TABLES IN SCHEMA crm TO crm_cells")
        found, notes = grants(decider, people(), "review")
        assert [(n.dataset, n.policy) for n in notes] == [("vip", "aureus.default-deny")] * len(ROLES)
        for _ in range(2):  # it can be run again
            owner.execute(exported(found, CATALOG, people()).text)
        padded = KEY.ljust(64, b"\x00")
        pads = [bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C)]
        owner.execute("INSERT INTO aureus_private.mask_key VALUES (%s, %s)", pads)
        # What cells read with must not be held up by the rows' policies: it is another account, which the export does not know.
        owner.execute("CREATE POLICY cells ON crm.client FOR SELECT TO crm_cells USING (true)")
        owner.execute("CREATE POLICY cells ON crm.branch FOR SELECT TO crm_cells USING (true)")
        owner.execute("CREATE POLICY cells ON crm.loan FOR SELECT TO crm_cells USING (true)")
    yield postgres


@pytest.fixture(scope="module")
def cells(server: str) -> Iterator[PostgresEngine]:
    engine = PostgresEngine.open(server.replace("bank@", "crm_cells@"), mask_key=KEY)
    yield engine
    engine.close()


def governed(cells: PostgresEngine, decider: Decider, role: str, sql: str) -> list[tuple[Any, ...]]:
    person = next(p for p in people() if p.name == role)
    decided = decider.decide(Draft(sql=sql, origin=Origin.SQL), cells, person, "review")
    assert decided.plan is not None
    cells.prepare(decided.plan, decided.datasets)
    table = cells.run(decided.plan, {}, Limits(seconds=30)).to_arrow()
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("sql", LEGITIMATE)
def test_a_role_gets_the_rows_its_cells_get(
    sql: str, role: str, server: str, cells: PostgresEngine, decider: Decider
) -> None:
    with psycopg.connect(server.replace("bank@", f"{role}@")) as own:
        cursor = own.execute(sql)
        native = [tuple(row) for row in cursor.fetchall()]
    assert native == governed(cells, decider, role, sql)
    assert native


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM crm.client",
        "SELECT pep FROM client",
        "SELECT name FROM crm.client",
        "SELECT * FROM crm.vip",
        "SELECT * FROM vip",
        "SELECT * FROM aureus_private.mask_key",
        "DELETE FROM client",
        "INSERT INTO branch VALUES (9, 'CZ', 'x')",
    ],
)
def test_a_role_gets_nothing_else(sql: str, role: str, server: str) -> None:
    with psycopg.connect(server.replace("bank@", f"{role}@")) as own, pytest.raises(psycopg.Error):
        own.execute(sql)


def test_who_has_two_roles_sees_what_both_let_through(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as boss:
        if not boss.execute("SELECT FROM pg_roles WHERE rolname = 'two_roles'").fetchone():
            boss.execute("CREATE ROLE two_roles LOGIN")
        boss.execute("GRANT desk_analyst, desk_reader TO two_roles")
    with psycopg.connect(server.replace("bank@", "two_roles@")) as own:
        assert own.execute("SELECT country FROM crm.branch").fetchall() == [("CZ",)]
