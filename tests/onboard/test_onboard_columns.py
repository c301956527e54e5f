"""What a draft says about odd columns: nested types, ENUM types, blank text, numbers that a gap made fractions."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from reviewed import opened

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.app.onboarding import onboard_location
from aureus_jupyter.values.catalog import Pii

NESTED = """
CREATE TABLE visit AS SELECT i AS visit_id, {'a': i, 'email': 'p' || i || '@bank.example'} AS st, ['p' || i || '@bank.example'] AS li,
  MAP {'k': 'p' || i || '@bank.example'} AS mp, [{'q': i, 'first name': 'x'}] AS ls, {'a': [i], 'b': 1.5} AS plain,
  CASE WHEN i % 2 = 0 THEN 4111111111111111.0::DOUBLE END AS pan_like, (420602000000 + i)::DOUBLE AS mobile
  FROM range(100) t(i);
"""


def test_blank_text_is_told_apart_from_empty_values(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "n.duckdb")) as con:
        con.execute(
            "CREATE TABLE t AS SELECT i AS id, CASE WHEN i < 3 THEN '' WHEN i < 5 THEN '  ' ELSE 'v' || i END AS a, "
            "nullif(i % 2, 0)::VARCHAR AS b, CASE WHEN i = 0 THEN '' ELSE 'w' || i END AS c FROM range(5000) t(i)"
        )
    onboard_location(str(tmp_path / "n.duckdb"), tmp_path / "pack", "pack")
    lines = (tmp_path / "pack" / "REVIEW.md").read_text("utf-8").splitlines()
    notes = {line.split(" | ")[0]: line for line in lines if line.startswith("| ")}
    said = "% of rows hold blank text, which is no empty value"
    assert f" 0.1{said}" in notes["| a"]
    assert f" 0.1{said}" in notes["| c"], "never rounded to nothing"
    assert said not in notes["| b"]
    assert said not in notes["| id"]


def test_the_values_of_an_enum_are_shown_in_no_review_and_in_no_contract_when_they_may_be_personal(
    tmp_path: Path,
) -> None:
    with duckdb.connect(str(tmp_path / "n.duckdb")) as con:
        con.execute(
            "CREATE TYPE people AS ENUM ('Novák, Jan', 'O''Hara (x)'); CREATE TYPE grade AS ENUM ('AAA', 'B''b')"
        )
        con.execute(
            "CREATE TABLE t AS SELECT i AS id, 'Novák, Jan'::people AS client_name, {'first_name': 'Novák, Jan'::people} AS st, "
            "'AAA'::grade AS rated, ['AAA'::grade] AS before FROM range(30) t(i)"
        )
        con.execute("CREATE TABLE lone AS SELECT 'Novák, Jan'::people AS last_name")
    onboard_location(str(tmp_path / "n.duckdb"), tmp_path / "pack", "pack")
    (table,) = PackSource(opened(tmp_path / "pack")).load().datasets
    assert [c.name for c in table.columns] == ["id", "rated", "before"]
    text = (tmp_path / "pack" / "REVIEW.md").read_text("utf-8")
    assert "client_name (its type lists what may be personal data), st (its" in text
    assert "list values that may be personal data" in text
    assert "as they are part of the type: rated, before. Check" in text
    assert "AAA" not in text
    texts = "".join(p.read_text("utf-8") for p in (tmp_path / "pack").rglob("*") if p.suffix in {".md", ".yaml"})
    assert "Nov" not in texts
    assert "Hara" not in texts


def test_personal_data_inside_nested_types_is_found(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "n.duckdb")) as con:
        con.execute(NESTED)
    onboard_location(str(tmp_path / "n.duckdb"), tmp_path / "pack", "pack")
    (visit,) = PackSource(opened(tmp_path / "pack")).load().datasets
    direct = {c.name for c in visit.columns if c.pii is Pii.DIRECT}
    assert direct == {"st", "li", "mp", "ls", "mobile"}
    texts = "".join(p.read_text("utf-8") for p in (tmp_path / "pack").rglob("*") if p.suffix in {".md", ".yaml"})
    assert "bank.example" not in texts


def test_a_card_number_that_a_missing_value_made_a_fraction_is_found(tmp_path: Path) -> None:
    """As pandas does: whole numbers with gaps become DOUBLE."""
    cards = ["4111111111111111", "5500005555555559", "4012888888881881", "5105105105105100", "4222222222222220"]
    with duckdb.connect(str(tmp_path / "n.duckdb")) as con:
        rows = ", ".join(f"({card}::DOUBLE)" for card in [*cards, "NULL"])
        con.execute(f"CREATE TABLE t AS SELECT x FROM (VALUES {rows}) AS v(x)")
    onboard_location(str(tmp_path / "n.duckdb"), tmp_path / "pack", "pack")
    (table,) = PackSource(opened(tmp_path / "pack")).load().datasets
    assert [c.pii for c in table.columns] == [Pii.DIRECT]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("id,name,name,Name", "Columns of the same name were numbered: Name, name."),
        ('id,"a, b",amount,"a, b"', "Columns of the same name were numbered: a, b."),
        ("id,name,name_1,name_2", ""),
    ],
)
def test_names_that_occur_twice_are_said_to(tmp_path: Path, head: str, said: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "t.csv").write_text(f"{head}\n1,x,2,z\n2,u,3,w\n")
    onboard_location(str(tmp_path / "in"), tmp_path / "pack", "pack")
    text = (tmp_path / "pack" / "REVIEW.md").read_text("utf-8")
    assert ("were numbered" in text) == bool(said)
    assert said in text
