"""Drafting from a DuckDB file: keys, joins and odd columns; and that a draft is whole, or not there at all."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from reviewed import opened

from aureus_jupyter.adapters.catalogs.onboard_profile import family, free_name, table_name
from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.validate import validate_pack
from aureus_jupyter.app.onboarding import onboard_location
from aureus_jupyter.cli import main
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.catalog import Classification, Dataset, Pii

BANK = """
CREATE SCHEMA risk;
CREATE TABLE customer AS SELECT i AS id, 'N' || i AS "name", uuid() AS token FROM range(100) t(i);
CREATE TABLE loan AS SELECT i AS loan_id, i % 100 AS customer_id, (i % 50) * 1000 + 7 AS district_id, i * 1.5 AS amount
  FROM range(500) t(i);
CREATE TABLE loan_note AS SELECT i AS loan_id, 'text ' || (i % 7) AS note FROM range(300) t(i);
CREATE TABLE district AS SELECT i * 1000 + 7 AS district_id, 'D' || (i % 9) AS title FROM range(60) t(i);
CREATE TABLE orphan AS SELECT i AS orphan_id, (i * 3) % 200 AS customer_id FROM range(200) t(i);
CREATE TABLE risk.rating AS SELECT i AS rating_id, i AS loan_id FROM range(40) t(i);
CREATE TABLE rating AS SELECT i AS rating_id FROM range(5) t(i);
CREATE TABLE twice AS SELECT i % 5 AS id, i AS place FROM range(10) t(i);
CREATE TABLE holes AS SELECT nullif(i, 3) AS id, 1 AS same, NULL::VARCHAR AS void FROM range(10) t(i);
CREATE TABLE no_rows (id INTEGER, "when" DATE);
CREATE TABLE one_row AS SELECT 1 AS id;
CREATE TABLE odd AS SELECT {'a': 1} AS st, [1, 2] AS li, MAP {'k': 1} AS mp, 'x'::ENUM('x', 'y') AS en, '\\x01'::BLOB AS bl,
  INTERVAL 1 DAY AS iv, TIME '10:00' AS tm, 1::HUGEINT AS hg, 'v' AS "sp ace", 'v' AS "quo""te", 'v' AS "new
line", 'v' AS "ž|`<b>" FROM range(3);
CREATE VIEW broken AS SELECT CAST(note AS INTEGER) AS n FROM loan_note;
CREATE VIEW big_loan AS SELECT * FROM loan WHERE amount > 100;
CREATE TABLE dated AS SELECT strftime(DATE '1993-01-01' + i::INTEGER, '%y%m%d')::INTEGER AS "day" FROM range(300) t(i);
"""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file."""
    path = tmp_path_factory.mktemp("bank") / "bank.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(BANK)
    return path


@pytest.fixture(scope="module")
def pack(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its pack."""
    out = tmp_path_factory.mktemp("drafts") / "bank"
    onboard_location(str(bank), out, "The bank's data & more")
    return opened(out)


@pytest.fixture(scope="module")
def found(pack: Path) -> dict[str, Dataset]:
    """Its datasets by name."""
    return {d.name: d for d in PackSource(pack).load().datasets}


def test_the_draft_is_a_valid_pack(pack: Path) -> None:
    assert validate_pack(pack) == []
    about = PackSource(pack).about()
    assert about["name"] == "the-bank-s-data-more"
    assert about["status"] == "draft"
    assert about["connection"]["kind"] == "duckdb"
    assert (pack / about["connection"]["path"]).resolve().is_file()


def test_keys(found: dict[str, Dataset]) -> None:
    keys = {name: [c.name for c in d.columns if c.key] for name, d in found.items()}
    assert keys == {
        "customer": ["id"],
        "loan": ["loan_id"],
        "loan_note": ["loan_id"],
        "big_loan": ["loan_id"],
        "district": ["district_id"],
        "orphan": ["orphan_id"],
        "rating": ["rating_id"],
        "rating_2": ["rating_id"],
        "twice": [],
        "holes": [],
        "no_rows": [],
        "one_row": [],
        "odd": [],
        "dated": ["day"],
    }


def test_joins_need_a_name_and_the_values(found: dict[str, Dataset]) -> None:
    joins = {(name, c.name): c.references for name, d in found.items() for c in d.columns if c.references}
    # Not (orphan, customer_id): half of its values are nobody's.
    assert joins == {
        ("loan", "customer_id"): "customer.id",
        ("big_loan", "customer_id"): "customer.id",
        ("loan", "district_id"): "district.district_id",
        ("big_loan", "district_id"): "district.district_id",
        ("loan_note", "loan_id"): "loan.loan_id",
        ("big_loan", "loan_id"): "loan.loan_id",
        ("rating_2", "loan_id"): "loan.loan_id",
    }


def test_a_name_without_the_values_is_worth_a_look(pack: Path) -> None:
    review = (pack / "REVIEW.md").read_text("utf-8").partition("## orphan")[2]
    assert "named like customer.id, but only 50.0% of its distinct values are there: no join drafted" in review


def test_schemas_and_views(found: dict[str, Dataset]) -> None:
    assert {found["rating"].source, found["rating_2"].source} == {"rating", "risk.rating"}
    assert found["big_loan"].source == "big_loan"


def test_a_view_that_cannot_be_read_is_left_out(found: dict[str, Dataset], pack: Path) -> None:
    assert "broken" not in found
    assert "- `broken`: it cannot be read (" in (pack / "REVIEW.md").read_text("utf-8")


def test_columns_no_contract_can_hold_are_left_out_and_counted(found: dict[str, Dataset], pack: Path) -> None:
    names = [c.name for c in found["odd"].columns]
    assert "sp ace" in names
    assert "ž|`<b>" in names
    assert 'quo"te' not in names
    assert "new\nline" not in names
    review = (pack / "REVIEW.md").read_text("utf-8")
    assert 'no contract holds their name or type: quo"te, new line.' in review
    assert "ž\\|'&lt;b>" in review, "and a name cannot break the table"


def test_what_to_check_is_said(pack: Path) -> None:
    review = (pack / "REVIEW.md").read_text("utf-8")
    assert "always empty" in review
    assert "one value only" in review
    assert "It has no rows" in review
    assert "reads as dates written yymmdd" in review


def test_guesses_raise_the_classification(found: dict[str, Dataset]) -> None:
    name = found["customer"].column("name")
    assert name is not None
    assert name.pii is Pii.DIRECT
    assert name.classification is Classification.CONFIDENTIAL
    assert found["customer"].classification is Classification.CONFIDENTIAL
    assert found["loan"].classification is Classification.INTERNAL


def _texts(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_failure_at_the_end_leaves_the_old_draft_whole(
    bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "pack"
    onboard_location(str(bank), out, "pack")
    before = _texts(out)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aureus_jupyter.adapters.catalogs.onboard._write", full)
    with pytest.raises(UserError) as caught:
        onboard_location(str(bank), out, "pack", force=True)
    assert caught.value.code == "pack_not_written"
    assert "No space left" in caught.value.message
    assert _texts(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["pack"]


def test_an_interrupt_leaves_nothing(bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aureus_jupyter.adapters.catalogs.onboard.review", stop)
    assert main(["onboard", str(bank), str(tmp_path / "pack")]) == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "status: active\n",
        "status: [\n",
        "- draft\n",
        "status: draft\nstatus: draft\n",
        "status: deprecated\n",
        "\x00",
    ],
)
def test_only_a_draft_is_replaced(bank: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pack"
    out.mkdir()
    (out / "pack.yaml").write_text(text)
    assert main(["onboard", str(bank), str(out), "--force"]) == 1
    assert (out / "pack.yaml").read_text() == text
    told = capsys.readouterr().err
    assert "[pack_exists]" in told
    assert "Traceback" not in told


def test_a_contract_that_was_opened_is_never_replaced(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Although pack.yaml still says draft: a person opens contracts one by one, and forgets the pack."""
    out = tmp_path / "pack"
    assert main(["onboard", str(bank), str(out)]) == 0
    opened(out, "loan")
    before = (out / "contracts" / "loan.odcs.yaml").read_bytes()
    assert main(["onboard", str(bank), str(out), "--force"]) == 1
    told = capsys.readouterr().err
    assert "[pack_exists]" in told
    assert "loan.odcs.yaml" in told
    assert (out / "contracts" / "loan.odcs.yaml").read_bytes() == before


def test_the_next_step_names_file_and_line(bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pack"
    assert main(["onboard", str(bank), str(out)]) == 0
    told = capsys.readouterr().out
    assert "nothing can be read yet" in told
    found = re.search(r"change the line `status: draft` to `status: active` \((.+), line (\d+)\)", told)
    assert found is not None
    assert (out / found[1]).read_text("utf-8").splitlines()[int(found[2]) - 1] == "status: draft"


def test_a_file_in_the_place_of_the_pack(bank: Path, tmp_path: Path) -> None:
    (tmp_path / "pack").write_text("mine")
    assert main(["onboard", str(bank), str(tmp_path / "pack"), "--force"]) == 1
    assert (tmp_path / "pack").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "  ", "...", "Žižkov", "_x", "-", "a" * 300, "x\ny"])
def test_any_name_makes_a_valid_pack(bank: Path, tmp_path: Path, name: str) -> None:
    onboard_location(str(bank), tmp_path / "pack", name)
    assert validate_pack(opened(tmp_path / "pack")) == []


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda p: p.mkdir(), "folder_empty"),
        (lambda p: p.write_text("not a database"), "file_not_duckdb"),
        (lambda p: duckdb.connect(str(p)).close(), "nothing_to_onboard"),
        (lambda p: None, "bad_connection"),
    ],
)
def test_places_without_data(tmp_path: Path, make: object, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(make)
    make(tmp_path / "in")
    assert main(["onboard", str(tmp_path / "in"), str(tmp_path / "pack")]) == 1
    told = capsys.readouterr().err
    assert f"[{code}]" in told
    assert "Traceback" not in told
    assert not (tmp_path / "pack").exists()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("loan", "loan"),
        ("risk.loan", "loan"),
        ("loan.parquet", "loan"),
        ("a.b.CSV.gz", "a_b"),
        ("2024-01.csv", "t_2024_01"),
        ("ž.csv", "t"),
        ("", "t"),
        ("x" * 99, "x" * 63),
    ],
)
def test_names_of_tables(source: str, name: str) -> None:
    assert table_name(source) == name


def test_a_free_name_stays_within_the_length_of_a_name() -> None:
    taken: list[str] = []
    for _ in range(12):
        taken.append(free_name("x" * 63, taken))
    assert len({t.lower() for t in taken}) == 12
    assert all(len(t) <= 63 for t in taken)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("INTERVAL", "other"),
        ("POINT", "other"),
        ("INTEGER[]", "other"),
        ("UBIGINT", "integer"),
        ("DECIMAL(18,2)", "number"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp"),
        ("TIME WITHOUT TIME ZONE", "time"),
        ("character varying(20)", "text"),
        ("STRUCT(DATE DATE)", "other"),
    ],
)
def test_families_of_types(kind: str, wanted: str) -> None:
    assert family(kind) == wanted


def test_names_that_differ_only_in_case_or_schema_and_views(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "n.duckdb")) as con:
        con.execute(
            'CREATE SCHEMA a; CREATE SCHEMA "B b"; CREATE TABLE a.loan (loan_id INT); CREATE TABLE main.loan (loan_id INT)'
        )
        con.execute(
            'CREATE TABLE "B b"."Loan" (loan_id INT); CREATE VIEW v AS SELECT * FROM a.loan; CREATE TABLE a."select" ("from" INT)'
        )
    onboard_location(str(tmp_path / "n.duckdb"), tmp_path / "pack", "pack")
    assert validate_pack(opened(tmp_path / "pack")) == []
    found = {d.name: d.source for d in PackSource(tmp_path / "pack").load().datasets}
    assert len({name.lower() for name in found}) == 5
    assert set(found.values()) == {"a.loan", "loan", "B b.Loan", "v", "a.select"}


def test_a_database_that_is_locked_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    path = tmp_path / "n.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert main(["onboard", str(path), str(tmp_path / "pack")]) == 1
        holder.communicate("")
    assert "[file_in_use]" in capsys.readouterr().err
    assert not list(tmp_path.glob("*pack*"))
