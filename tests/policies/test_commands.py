"""`aureus policy`: what each command says and its exit code, over a small pack of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from aureus_jupyter.cli import main

Run = Any

PACK = """
name: shop
title: Shop
version: 1.0.0
status: active
description: A shop.
connection: {kind: seeds, rows: 3}
"""
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: shop.NAME
name: NAME
version: 1.0.0
status: active
domain: shop
tags: [TAGS]
description: {purpose: "Rows."}
team: {name: desk, members: [{username: desk, role: owner}]}
roles: [{role: analyst, access: read, firstLevelApprovers: "petr, ida"}]
customProperties: [{property: classification, value: confidential}, {property: jurisdiction, value: EU}]
schema:
  - name: NAME
    physicalName: NAME
    physicalType: table
    logicalType: object
    properties:
      - {name: id, logicalType: integer, physicalType: BIGINT, required: true, classification: internal}
      - {name: who, logicalType: string, physicalType: VARCHAR, classification: internal,
         customProperties: [{property: pii, value: direct}]}
      - {name: note, logicalType: string, physicalType: VARCHAR, classification: internal, tags: [sar]}
      - {name: country, logicalType: string, physicalType: VARCHAR, classification: internal}
"""
POLICIES = """
version: 1
policies:
  - {id: s.open, description: Analysts read., when: {roles_any: [analyst], purpose_in: [review]}, effect: permit, reason: r, hint: h.}
  - {id: s.mask, description: Names are fixed text., when: {roles_none: [pii_reader]}, effect: mask, reason: a person,
     hint: h., mask: {columns: {pii: [direct]}, text: redact}}
  - {id: s.own, description: Own countries., match: {has_column: country}, when: {aggregated: false, has_attribute: jurisdiction},
     effect: filter, reason: own, hint: h., filter: {column: country, attribute: jurisdiction}}
  - {id: s.note, description: Notes are hidden., match: {datasets: [orders]}, effect: hide, reason: n, hint: h.,
     hide: {columns: {tags: [sar]}}}
  - {id: s.two, description: Refunds need two., match: {datasets: [refunds]}, when: {aggregated: false}, effect: approve,
     approvers: dataset, quorum: 2, code: two_needed, reason: refunds, hint: ask}
  - {id: s.abroad, description: Not abroad., match: {datasets: [orders]}, when: {attributes_in: {jurisdiction: [US]}}, effect: deny,
     code: abroad, reason: not abroad, hint: stay}
"""
TESTS = """
- {name: analysts read, principal: {roles: [analyst]}, purpose: review, dataset: {columns: {a: [INTEGER, none]}}, expect: {verdict: allow}}
"""
HUMAN = [
    "--role",
    "analyst",
    "--attribute",
    "jurisdiction=CZ",
    "--purpose",
    "review",
    "--at",
    "2026-03-02T09:00:00+01:00",
]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pack that holds its own policies; the house's are not there."""
    pack = tmp_path / "shop"
    for folder in ("contracts", "policies", "seeds"):
        (pack / folder).mkdir(parents=True)
    (pack / "pack.yaml").write_text(PACK)
    for name in ("orders", "refunds"):
        (pack / "contracts" / f"{name}.odcs.yaml").write_text(CONTRACT.replace("NAME", name).replace("TAGS", "till"))
    make = "CREATE TABLE {} AS SELECT 1::BIGINT AS id, 'x' AS who, 'y' AS note, 'CZ' AS country;"
    (pack / "seeds" / "1.sql").write_text("\n".join(make.format(name) for name in ("orders", "refunds")))
    (pack / "policies" / "shop.policy.yaml").write_text(POLICIES)
    (pack / "policies" / "shop.policy_test.yaml").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUREUS_PACK", "./shop")
    # The house's policies come with the checkout and cannot be named away; these tests are about the pack's own.
    monkeypatch.setattr("aureus_jupyter.app.build.data_dirs", lambda *a: [])
    return tmp_path


@pytest.fixture
def run(shop: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `aureus policy` and return its exit code and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["policy", *words])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, told.out + told.err

    return run


def test_tests_and_what_they_cover(run: Run, shop: Path) -> None:
    code, told = run("test")
    assert code == 0
    assert "1 passed, 0 failed; 1 of 6 policies fire in a test (17 %)" in told
    assert "no test makes s.mask fire" in told
    assert "in every test its condition holds: when.roles_any, when.purpose_in" in told
    assert run("test", "--min-coverage", "10")[0] == 0
    code, told = run("test", "--min-coverage", "50")
    assert (code, "less than the 50 % asked for" in told) == (1, True)
    code, told = run("test", str(shop / "shop" / "policies"), "--json")
    assert (code, json.loads(told)["coverage"]) == (0, 16.7)
    with pytest.raises(SystemExit):
        run("test", "--min-coverage", "101")


def test_check(run: Run, shop: Path) -> None:
    code, told = run("check")
    assert (code, told) == (0, "6 policies over 2 datasets of ./shop: no problems, no warnings\n")
    path = shop / "shop" / "policies" / "more.policy.yaml"
    path.write_text(
        "version: 1\npolicies:\n"
        "  - {id: m.never, description: d, when: {roles_any: [a], roles_none: [a]}, effect: permit}\n"
        "  - {id: m.twice, description: d, when: {roles_any: [analyst], purpose_in: [review], origin: sql}, effect: permit}\n"
        "  - {id: m.idle, description: d, match: {tags_any: [nosuch]}, effect: cap, reason: r, cap: {rows: 1}}\n"
    )
    code, told = run("check")
    assert code == 1
    assert "PROBLEM [never_fires] more.policy.yaml: m.never: it can never apply" in told
    assert (
        "warning [no_weight] more.policy.yaml: m.twice: it never matters: whenever it applies, s.open permits already"
        in told
    )
    assert "note [fits_nothing] 1 policy fit no dataset of ./shop: m.idle" in told
    found = json.loads(run("check", "--json")[1])["findings"]
    assert {one["code"] for one in found} == {"never_fires", "no_weight", "fits_nothing"}
    path.write_text(path.read_text().replace("roles_none: [a]", "roles_none: [b]"))
    assert run("check")[0] == 0
    assert run("check", "--strict")[0] == 1


def test_explain_a_statement(run: Run) -> None:
    code, told = run("explain", "--sql", "SELECT who FROM orders", "--as", "eva", *HUMAN)
    assert code == 0
    assert "As eva (analyst, jurisdiction=CZ) for the purpose review, at 2026-03-02T08:00:00Z:" in told
    assert "Allowed." in told
    assert "orders.who shows fixed text: a person (policy s.mask)" in told
    assert "of orders only rows where country is one of CZ: own (policy s.own)" in told
    assert "orders.note is hidden, as if there were no such column: n (policy s.note)" in told
    assert "s.open (permit): Analysts read." in told
    assert "s.abroad (deny): attributes_in [jurisdiction: US] does not hold." in told
    code, told = run("explain", "--sql", "SELECT note FROM orders", "--as", "eva", *HUMAN)
    assert (code, "The guard refuses it:" in told, "names a column that is hidden from eva" in told) == (
        0,
        True,
        True,
    )
    answer = json.loads(run("explain", "--sql", "SELECT who FROM orders", "--as", "eva", *HUMAN, "--json")[1])
    assert answer["answers"][0]["policies"][0]["fired"] == ["s.open", "s.mask", "s.own", "s.note"]


def test_explain_datasets(run: Run) -> None:
    _, told = run("explain", *HUMAN)
    assert "orders, row by row with every column:" in told
    assert "refunds, row by row with every column:\n  Needs a yes from 2 of ida, petr." in told
    code, told = run("explain", "--dataset", "order")
    assert (code, "Did you mean orders?" in told) == (1, True)
    code, told = run("explain", "--dataset", "orders", "--at", "soon")
    assert (code, "bad_time" in told) == (1, True)


def test_who(run: Run) -> None:
    code, told = run("who", "--dataset", "orders")
    assert code == 0
    assert "Who reads orders, by 5 policies about it" in told
    lines = [line.split("  ") for line in told.splitlines()[2:]]
    assert lines[0][0] == "statement"
    assert any("analyst + pii_reader" in line[0] or "analyst + pii_reader" in line for line in lines)
    assert "refused [abroad" in told
    rows = json.loads(run("who", "--dataset", "orders", "--json")[1])["rows"]
    row = next(
        r for r in rows if "analyst" in r["role"] and "row by row" in r["statement"] and "none" in r["jurisdiction"]
    )
    assert row["purpose"] == ["review"]
    assert row["outcome"] == "allowed; without note; who masked (redact)"
    fixed = json.loads(run("who", "--dataset", "orders", "--json", *HUMAN)[1])["rows"]
    assert all(
        "masked (redact); rows where country is one of CZ" in r["outcome"]
        for r in fixed
        if r["statement"] == ["row by row"]
    )


def test_who_is_bounded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aureus_jupyter.app.policy.who.MOST", 8)
    code, told = run("who", "--dataset", "orders")
    assert code == 0
    assert "Not varied, there are too many combinations: purpose, jurisdiction." in told


def test_who_over_every_dimension(run: Run, shop: Path) -> None:
    (shop / "shop" / "policies" / "more.policy.yaml").write_text(
        "version: 1\npolicies:\n"
        "  - {id: m.q, description: d, when: {origin: question, groups_none: [lab]}, effect: deny, code: q, reason: r, hint: h}\n"
        "  - {id: m.u, description: d, when: {users_any: [root]}, effect: cap, reason: r, cap: {rows: 3}}\n"
        "  - {id: m.e, description: d, when: {environments: [production, staging]}, effect: review, reason: r,"
        " review: {reviewers: [z], hours: 1}}\n"
        "  - {id: m.s, description: d, when: {cross_border: true}, effect: summary, reason: r, summary: {smallest: 4}}\n"
        "  - {id: m.b, description: d, when: {lacks_attribute: badge}, effect: budget, reason: r,"
        " budget: {measure: queries, limit: 9, per: day}}\n"
        "  - {id: m.c, description: d, when: {uses_columns: [who], aggregated: true}, effect: deny, code: c, reason: r, hint: h}\n"
    )
    rows = json.loads(run("who", "--dataset", "orders", "--role", "analyst", "--purpose", "review", "--json")[1])[
        "rows"
    ]

    def outcome(**values: str) -> str:
        (one,) = {r["outcome"] for r in rows if all(v in r[name] for name, v in values.items())}
        return one

    here = {
        "statement": "row by row",
        "origin": "sql",
        "user": "(another)",
        "environment": "none",
        "jurisdiction": "EU",
    }
    who = {"group": "none", "badge": "none"}
    base = "allowed; without note; who masked (redact); rows where country is one of EU"
    assert outcome(**here, **who) == f"{base}; budget of 9 queries"
    assert outcome(**here, group="none", badge="(theirs)") == base
    assert outcome(**{**here, "user": "root"}, group="none", badge="(theirs)") == f"{base}; at most 3 rows"
    assert (
        outcome(**{**here, "environment": "production/staging"}, group="none", badge="(theirs)")
        == f"{base}; reviewed by z"
    )
    assert outcome(**{**here, "origin": "question"}, **who) == "refused"
    assert outcome(**{**here, "origin": "question"}, group="lab", badge="(theirs)") == base
    assert "groups of 4 at least" in outcome(**{**here, "jurisdiction": "(another)"}, **who)
    assert outcome(**{**here, "jurisdiction": "US"}, **who) == "refused"
    assert (
        outcome(**{**here, "statement": "summary"}, group="lab", badge="(theirs)")
        == "allowed; without note; refused with who"
    )


def test_as(run: Run) -> None:
    code, told = run("as", "eva", *HUMAN, "--", "SELECT", "who FROM orders")
    assert code == 0
    assert 'CREATE TEMP VIEW "orders" AS SELECT' in told
    assert '"note"' not in told.split("CREATE TEMP VIEW")[1]
    code, told = run("as", "eva", *HUMAN, "--", "SELECT id FROM refunds")
    assert (code, "Needs a yes from 2 of ida, petr." in told) == (1, True)
    code, told = run("as", "bob", "--purpose", "review", "--", "SELECT id FROM orders")
    assert (code, "not_permitted" in told, "CREATE TEMP VIEW" in told) == (1, True, False)
    code, told = run("as", "eva", *HUMAN, "--", "SELEC id FROM orders")
    assert (code, "syntax_error" in told) == (1, True)
    assert run("as", " ", "--", "SELECT 1")[0] == 1
    code, told = run("as", "eva", *HUMAN, "--json", "--", "SELECT count(*) AS n FROM orders")
    assert json.loads(told)["verdict"]["kind"] == "allow"


def test_as_bound_over_the_data(run: Run) -> None:
    code, told = run("as", "eva", *HUMAN, "--bind", "--", "SELECT who FROM orders")
    assert (code, "bound over the data's own" in told) == (0, True)
    code, told = run("as", "eva", *HUMAN, "--bind", "--", "SELECT who + 1 AS x FROM orders")
    assert (code, "It would not run all the same" in told) == (1, True)


def test_opa_is_asked_too_where_it_is_configured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUREUS_OPA_BUNDLES", "gone.tar.gz")
    for words in (["as", "eva", "--", "SELECT 1 AS one"], ["explain"], ["who", "--dataset", "orders"]):
        code, told = run(*words)
        assert (code, "bundle" in told) == (1, True), "what OPA would say is not passed over"


def notebook(path: Path, *cells: str) -> Path:
    made = nbformat.v4.new_notebook()
    made["cells"] = [nbformat.v4.new_markdown_cell("# x"), *(nbformat.v4.new_code_cell(cell) for cell in cells)]
    nbformat.write(made, path)
    return path


@pytest.fixture
def book(shop: Path) -> Path:
    return notebook(
        shop / "n.ipynb",
        "x = 1",
        "%%aureus frame << --purpose review\nSELECT who FROM orders",
        "%%aureus\nhow many orders are there",
        "%%aureus --params n=3 r=0.5 b=true t=x v=$v z=null\n"
        "SELECT id FROM orders WHERE id > :n AND :r < 1 AND :b AND who > :t AND who > :v AND who > :z",
        "%%aureus --params '{\"n\": 3}'\nSELECT count(*) AS n FROM refunds WHERE id > :n",
        "%%aureus --pack other\nSELECT 1 AS one",
        "%%aureus --purpose $why\nSELECT 1 AS one",
        "%%aureus --purpose 'open\nSELECT 1 AS one",
        "%%aureus\n",
        "%%aureusx\nSELECT 1",
    )


def test_explain_a_notebook(run: Run, book: Path) -> None:
    _, told = run("explain", "--notebook", str(book), "--as", "eva", *HUMAN)
    assert "cell 3: SELECT who FROM orders" in told
    assert "cell 4: skipped, it is a question" in told
    assert "cell 5: SELECT id FROM orders WHERE id > :n AND" in told
    assert "The guard refuses" not in told.split("cell 5")[1].split("cell 6")[0]
    assert "cell 7: skipped, it names a pack" in told
    assert "cell 8: skipped, its purpose is a variable" in told
    assert "cell 9: skipped, a quote on its line" in told
    assert "cell 10: skipped, it could not run" in told
    assert "cell 11" not in told
    (book.parent / "bad.ipynb").write_text("{")
    for name in ("bad.ipynb", "nosuch.ipynb"):
        code, told = run("explain", "--notebook", str(book.parent / name))
        assert (code, "notebook_unreadable" in told) == (1, True)


CHANGED = {
    "text: redact": ("text: redact", 0, "no change"),
    "text: last": ("text: redact", 1, "LOOSENED: orders.who shows fixed text, then shows its last 4 characters"),
    'text: "null"': ("text: redact", 4, "tightened: orders.who shows fixed text, then is empty"),
    "roles_any: [teller]": ("roles_any: [analyst]", 4, "tightened: allowed, then refused"),
    "names: [id]": ("tags: [sar]", 1, "LOOSENED: orders.note is no longer hidden"),
}


@pytest.mark.parametrize("after", CHANGED)
def test_diff(after: str, run: Run, shop: Path, book: Path) -> None:
    before, code, words = CHANGED[after]
    new = shutil.copytree(shop / "shop" / "policies", shop / "new")
    path = new / "shop.policy.yaml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    found, told = run("diff", "shop/policies", "new", "--over", str(book), "--as", "eva", *HUMAN)
    assert words in told
    assert found == code
    data = json.loads(run("diff", "shop/policies", "new", "--over", str(book), "--as", "eva", *HUMAN, "--json")[1])
    assert (data["loosened"] > 0) == (code == 1)


def test_diff_of_folders_that_are_not_the_sessions(run: Run, shop: Path, book: Path) -> None:
    for name, text in (("a", "permit"), ("b", "deny, code: c, reason: r, hint: h")):
        (shop / name).mkdir()
        (shop / name / "x.policy.yaml").write_text(
            f"version: 1\npolicies:\n  - {{id: x, description: d, effect: {text}}}\n"
        )
    code, told = run("diff", "a", "b", "--over", str(book), "--as", "eva", *HUMAN)
    assert (code, "tightened: allowed, then refused" in told) == (4, True)
    assert run("diff", "b", "a", "--over", str(book), "--as", "eva", *HUMAN)[0] == 1


def test_diff_has_codes_of_its_own(run: Run, shop: Path, book: Path) -> None:
    assert run("diff", "nosuch", "shop/policies", "--over", str(book))[0] == 3
    (shop / "bad").mkdir()
    (shop / "bad" / "x.policy.yaml").write_text("version: 2\n")
    code, told = run("diff", "shop/policies", "bad", "--over", str(book))
    assert (code, "policy_malformed" in told) == (3, True)
    (shop / "bad" / "x.policy.yaml").unlink()
    (shop / "bad" / "x.policy.yaml").symlink_to(shop / "bad" / "x.policy.yaml")
    assert run("diff", "bad", "shop/policies", "--over", str(book))[0] == 3, (
        "a link to itself is no finding about policies"
    )
    with pytest.raises(SystemExit) as left:
        run("diff", "shop/policies")
    assert left.value.code == 2
