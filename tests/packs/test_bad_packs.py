"""Packs that are wrong in one way each: validation names the file, the line and the field, and loading never crashes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.validate import validate_pack
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.catalog import Classification, Pii

SMALL = Path(__file__).parent / "small"
A = "policies/access.policy.yaml"
L, B, Q, M, P = (
    "contracts/loan.odcs.yaml",
    "contracts/borrower.odcs.yaml",
    "questions.yaml",
    "semantic/metrics.yaml",
    "pack.yaml",
)
LOAN, BORROWER, QUESTIONS, METRICS, PACK = ((SMALL / name).read_text() for name in (L, B, Q, M, P))


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "small"))


def test_the_good_pack_is_good(pack: Path) -> None:
    assert validate_pack(pack) == []
    catalog = PackSource(pack).load()
    loan = catalog.dataset("LOAN")
    assert loan is not None
    assert (loan.retention_days, loan.freshness_hours, loan.source) == (2, 48, "loan")
    kinds = [(c.name, c.type, c.classification) for c in loan.columns]
    assert kinds == [
        ("id", "BIGINT", Classification.PUBLIC),
        ("owner", "BIGINT", Classification.RESTRICTED),
        ("paid on", "DATE", Classification.RESTRICTED),
        ("tags", "STRUCT(a VARCHAR, b INTEGER)[]", Classification.RESTRICTED),
    ], "a classification that is missing or unknown is restricted"
    assert loan.contract_digest == digest_bytes((pack / L).read_bytes())
    borrower = catalog.dataset("borrower")
    assert borrower is not None
    assert borrower.classification is Classification.RESTRICTED
    assert [c.pii for c in borrower.columns] == [Pii.NONE, Pii.DIRECT]
    assert [q.pack for q in catalog.questions] == ["small", "small"]


@dataclass(frozen=True)
class Bad:
    """One edit of one file, what the problem must say, and whether loading stops too."""

    file: str
    old: str
    new: str
    line: int
    field: str
    expected: str
    loads: bool = False


BAD = {
    "yaml": Bad(P, "name: small", "name: [small", 2, "the file", "plain YAML"),
    "key twice": Bad(P, "title: Small", "name: Small", 2, "the file", "plain YAML"),
    "anchor": Bad(P, "title: Small", "title: &t Small", 2, "the file", "plain YAML"),
    "code": Bad(P, "title: Small", "title: !!python/name:os.system x", 2, "the file", "plain YAML"),
    "not a mapping": Bad(P, PACK, "- 1\n", 1, "the file", "a table"),
    "empty": Bad(P, PACK, "", 0, "the file", "a table"),
    "no member": Bad(P, "version: 1.0.0\n", "", 1, "the file", "the members name"),
    "unknown member": Bad(P, "title:", "titel: x\ntitle:", 1, "the file", "only the members"),
    "status": Bad(P, "status: draft", "status: yes", 4, "status", "draft, active, deprecated"),
    "version": Bad(P, "1.0.0", "1.0", 3, "version", "a text"),
    "name": Bad(P, "name: small", "name: ../small", 1, "name", "of the form"),
    "rows": Bad(P, "rows: 10", "rows: -1", 5, "connection.rows", "at least"),
    "rows as text": Bad(P, "rows: 10", "rows: ten", 5, "connection.rows", "a whole number"),
    "connection": Bad(P, "kind: seeds, rows: 10", "kind: sedes", 5, "connection", "one of seeds"),
    "contract is a list": Bad(L, LOAN, "- 1\n", 1, "the file", "a table"),
    "contract is empty": Bad(L, LOAN, "", 0, "the file", "a table"),
    "contract of another standard": Bad(L, "v3.1.0", "v9.0.0", 1, "apiVersion", "v3.1.0"),
    "old contract": Bad(L, "v3.1.0", "v2.2.2", 1, "apiVersion", "v3.1.0"),
    "no id": Bad(L, "id: small.loan\n", "", 1, "the file", "the members", loads=True),
    "unknown member of the contract": Bad(
        L, "id: small.loan", "id: x\nclassifcation: x", 1, "the file", "only", loads=True
    ),
    "two tables": Bad(
        L, "  - name: loan\n", "  - {name: x, physicalType: table}\n  - name: loan\n", 13, "schema", "one table"
    ),
    "no table": Bad(L, LOAN[LOAN.index("schema:") :], "schema: []\n", 12, "schema", "one table"),
    "no column": Bad(
        L, LOAN[LOAN.index("    properties:") :], "    properties: []\n", 15, "schema.0.properties", "columns"
    ),
    "dataset's name": Bad(L, "name: loan\n", 'name: "lo an"\n', 13, "schema.0.name", "ASCII letters"),
    "source elsewhere": Bad(
        L,
        "    physicalType: table",
        "    physicalName: ../../etc/x.csv\n    physicalType: table",
        14,
        "schema.0.physicalName",
        "inside",
    ),
    "column's name": Bad(L, "name: id,", "name: 'i\"d',", 16, "schema.0.properties.0.name", "without quotes"),
    "column's name with a line": Bad(L, "name: id,", 'name: "i\\nd",', 16, "schema.0.properties.0.name", "printable"),
    "column twice": Bad(L, "name: owner,", "name: ID,", 16, "schema.0.properties", "different names"),
    "type unknown": Bad(B, "physicalType: VARCHAR", "physicalType: VARCHR", 15, "physicalType", "DuckDB", loads=True),
    "type missing": Bad(B, "        physicalType: VARCHAR\n", "", 13, "physicalType", "DuckDB type"),
    "type with SQL": Bad(
        B, "physicalType: VARCHAR", "physicalType: VARCHAR); DROP TABLE x", 15, "physicalType", "DuckDB type"
    ),
    "nested type with SQL": Bad(
        B,
        "physicalType: VARCHAR",
        "physicalType: STRUCT(a INT); DROP TABLE x (a INT)",
        15,
        "physicalType",
        "DuckDB type",
    ),
    "nested type unknown": Bad(
        B, "physicalType: VARCHAR", "physicalType: STRUCT(a INTT)", 15, "physicalType", "DuckDB", loads=True
    ),
    "logical type": Bad(B, "logicalType: string", "logicalType: text", 14, "logicalType", "one of string", loads=True),
    "unknown member of a column": Bad(
        B,
        "logicalType: string",
        "clasification: public\n        logicalType: string",
        13,
        "properties.1",
        "schema knows",
        loads=True,
    ),
    "no logical type": Bad(B, "        logicalType: string\n", "", 13, "properties.1", "a logicalType", loads=True),
    "flag as text": Bad(L, "required: true", "required: no", 16, "required", "true or false"),
    "key as text": Bad(L, "primaryKey: true", "primaryKey: yes", 16, "primaryKey", "true or false"),
    "pii": Bad(B, "value: direct", "value: directly", 18, "customProperties", "none, quasi, direct, sensitive"),
    "pii as a list": Bad(
        B, "value: direct", "value: [direct]", 18, "customProperties", "none, quasi, direct, sensitive"
    ),
    "pii empty": Bad(B, "value: direct", "value:", 18, "customProperties", "none, quasi, direct, sensitive"),
    "pii misspelt": Bad(B, "value: direct", "value: dirct", 18, "customProperties.0.value", "(nearest: direct)"),
    "pii's name in capitals": Bad(B, "property: pii", "property: PII", 17, "customProperties.0.property", "pii"),
    "pii's name misspelt": Bad(
        B, "property: pii", "property: pii_level", 17, "customProperties.0.property", "such as pii", loads=True
    ),
    "classification of a column": Bad(
        L, "classification: public", "classification: publc", 16, "0.classification", "(nearest: public)", loads=True
    ),
    "classification of a dataset": Bad(
        L, "value: internal", "value: Internal", 7, "customProperties.0.value", "(nearest: internal)", loads=True
    ),
    "jurisdiction": Bad(
        L,
        "customProperties:\n",
        "customProperties:\n  - {property: jurisdiction, value: Eu}\n",
        7,
        "customProperties.0.value",
        "(nearest: EU)",
        loads=True,
    ),
    "jurisdiction's name": Bad(
        L,
        "customProperties:\n",
        "customProperties:\n  - {property: juristiction, value: EU}\n",
        7,
        "customProperties.0.property",
        "such as jurisdiction",
        loads=True,
    ),
    "status of the contract": Bad(L, "status: active", "status: activ", 5, "status", "(nearest: active)", loads=True),
    "pii twice": Bad(
        B,
        "            value: direct\n",
        "            value: direct\n          - {property: pii, value: none}\n",
        19,
        "property",
        "of its own",
    ),
    "retention": Bad(L, "value: 10, unit: y", "value: ten, unit: y", 9, "slaProperties.0", "whole number"),
    "retention's unit": Bad(L, "value: 10, unit: y", "value: 10, unit: fortnight", 9, "slaProperties.0", "unit of d"),
    "freshness": Bad(
        L, "value: 2, unit: d}\nschema", "value: -2, unit: d}\nschema", 11, "slaProperties.2", "whole number"
    ),
    "reference to no dataset": Bad(
        L, "borrower.id", "borower.id", 17, "relationships of owner", "dataset.column", loads=True
    ),
    "reference to no column": Bad(
        L, "borrower.id", "borrower.nr", 17, "relationships of owner", "dataset.column", loads=True
    ),
    "reference to nothing": Bad(L, "borrower.id", "borrower", 17, "relationships", "", loads=True),
    "dataset twice": Bad(L, "name: loan", "name: BORROWER", 13, "schema.0.name", "a name of its own"),
    "questions empty": Bad(Q, QUESTIONS, "", 0, "the file", "a table"),
    "no phrasing": Bad(Q, '\n      - "owners by {kind}"', " []", 9, "questions.1.phrasings", "not empty"),
    "phrasing with no slot": Bad(Q, "loans of {who}", "loans of {whom}", 4, "loans-of.phrasings", "only slots"),
    "slot twice": Bad(Q, "loans of {who}", "loans of {who} or {who}", 4, "loans-of.phrasings", "each slot once"),
    "open brace": Bad(Q, "loans of {who}", "loans of {who", 4, "loans-of.phrasings", "braces"),
    "only a slot": Bad(Q, "loans of {who}", "{who}", 4, "loans-of.phrasings", "words around"),
    "a mark at the end": Bad(Q, "how many loans", "how many loans?", 5, "loans-of.phrasings", "no mark"),
    "a phrasing of another": Bad(Q, "owners by {kind}", "How many  loans", 10, "owners.phrasings", "of its own"),
    "a question twice": Bad(Q, "id: owners", "id: loans-of", 8, "loans-of.id", "an id of its own"),
    "id": Bad(Q, "id: owners", "id: Owners!", 8, "questions.1.id", "of the form"),
    "slot's name": Bad(Q, "slots: {kind:", "slots: {Kind-1:", 11, "questions.1.slots", "of the form"),
    "slot's kind": Bad(Q, "kind: number", "kind: numbr", 6, "questions.0.slots.who.kind", "one of number"),
    "slot unbound": Bad(Q, "owner = :who", "owner = 1", 7, "loans-of.sql", "each slot"),
    "another name bound": Bad(
        Q, "owner = :who", "owner = :who + :more", 7, "loans-of.sql", "only the question's slots"
    ),
    "default of another kind": Bad(
        Q, 'default: "1"', "default: many", 6, "loans-of.slots", "a default that is a number"
    ),
    "default missing": Bad(Q, ', default: "1"', "", 6, "loans-of.slots", "a default"),
    "default as a number": Bad(Q, 'default: "1"', "default: 1", 6, "questions.0.slots.who.default", "a text"),
    "choice without choices": Bad(Q, ", choices: [mail, id]", "", 11, "owners.slots", "choices"),
    "choices alike": Bad(Q, "[mail, id]", "[mail, MAIL]", 11, "owners.slots", "differ"),
    "choices for a number": Bad(
        Q, "kind: number", "kind: number, choices: [a]", 6, "loans-of.slots", "only for a choice"
    ),
    "question on no dataset": Bad(Q, "FROM borrower", "FROM borower", 12, "owners.sql", "one SELECT", loads=True),
    "question on no column": Bad(Q, "WHERE owner", "WHERE ownr", 7, "loans-of.sql", "one SELECT", loads=True),
    "question with bad SQL": Bad(Q, "SELECT count(*)", "SELEC count(*)", 7, "loans-of.sql", "one SELECT", loads=True),
    "question that writes": Bad(
        Q, "SELECT :kind AS kind, count(*) AS owners FROM", "DELETE FROM", 12, "owners.sql", "", loads=False
    ),
    "question that sets": Bad(
        Q,
        "SELECT count(*) AS loans FROM loan WHERE owner = :who",
        "SET threads = :who",
        7,
        "loans-of.sql",
        "one SELECT",
        loads=True,
    ),
    "question of two statements": Bad(
        Q, "owner = :who", "owner = :who; SELECT 1", 7, "loans-of.sql", "one SELECT", loads=True
    ),
    "question over a file": Bad(Q, "FROM borrower", "FROM '/etc/passwd'", 12, "owners.sql", "one SELECT", loads=True),
    "metric on no dataset": Bad(M, "dataset: loan", "dataset: loans", 4, "loans.dataset", "a dataset of the pack"),
    "metric on no column": Bad(M, "count(*)", "sum(amount)", 3, "loans.sql", "an expression", loads=True),
    "metric that escapes": Bad(
        M, "count(*)", "count(*) FROM loan; DROP TABLE loan --", 3, "loans.sql", "an expression", loads=True
    ),
    "metric twice": Bad(M, METRICS, METRICS + METRICS.split("\n", 1)[1], 5, "loans.name", "a name of its own"),
    "policy of no dataset": Bad(A, "[Loan]", "[loans]", 6, "small.access.match", "datasets of the pack", loads=True),
    "policy of another pack": Bad(A, "[small]", "[smal]", 6, "small.access.match", "the pack small", loads=True),
    "policy's member": Bad(A, "roles_any", "role_any", 7, "policies.0.when", "only the members", loads=True),
    "policy that is no YAML": Bad(A, "[Loan]", "[Loan", 6, "the file", "plain YAML", loads=True),
    "policy of a dataset spelled nearly": Bad(
        A, "[Loan]", "[Laon]", 6, "small.access.match", "(nearest: loan)", loads=True
    ),
    "policy twice": Bad(
        A,
        "  - id: small.access\n",
        "  - {id: small.access, description: x, effect: permit}\n  - id: small.access\n",
        5,
        "small.access.id",
        "an id of its own",
        loads=True,
    ),
    "metric's name": Bad(M, "name: loans", "name: Loans!", 2, "metrics.0.name", "of the form"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_thing_wrong(name: str, pack: Path) -> None:
    bad = BAD[name]
    path = pack / bad.file
    text = path.read_text()
    assert bad.old in text
    path.write_text(text.replace(bad.old, bad.new, 1))
    problems = validate_pack(pack)
    shown = "\n".join(map(str, problems))
    fits = [p for p in problems if bad.field in p.field and bad.expected in p.expected and p.file == bad.file]
    assert fits, shown
    assert bad.line in {p.line for p in fits}, shown
    if bad.loads:
        PackSource(pack).load()
        return
    with pytest.raises(Unavailable) as caught:
        PackSource(pack).load()
    assert caught.value.code in {"pack_malformed", "contract_malformed"}
    assert "aureus pack validate" in caught.value.hint
