"""What a connection opens: files that are busy, damaged, missing or no data, and raw data for onboarding."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from staff import SHOWN, STAFF, ask, parquet, plan, refusal

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine, RawReader
from aureus_jupyter.adapters.engines.duckdb_source import find_source
from aureus_jupyter.errors import AureusError, Unavailable
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.plan import Plan, Shadow


def test_a_disk_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    (tmp_path / "x.duckdb").write_bytes(b"x" * 64)
    monkeypatch.setattr(Path, "iterdir", fail)
    monkeypatch.setattr(Path, "open", fail)
    for path in (tmp_path, tmp_path / "x.duckdb"):
        with pytest.raises(Unavailable, match="Input/output error") as caught:
            find_source(str(path))
        assert caught.value.code == "file_unreadable"


def test_one_file_two_connections(bank: Path) -> None:
    one = DuckDBEngine.open(str(bank))
    other = DuckDBEngine.open(f"duckdb:///{bank}")
    few = replace(SHOWN, where='"id" < 10')
    assert ask(one, "SELECT count(*) AS n FROM staff", few).preview(1) == [["10"]]
    assert ask(other, "SELECT count(*) AS n FROM staff").preview(1) == [["1000"]]
    # Each keeps its own shadows.
    again = plan("SELECT count(*) AS n FROM staff", few)
    one.prepare(again, (STAFF,))
    assert one.run(again, {}, Limits()).preview(1) == [["10"]]
    one.close()
    assert ask(other, "SELECT count(*) AS n FROM staff").rows == 1
    error = refusal(lambda: DuckDBEngine.open(str(bank), threads=1))
    assert (error.code, "limits" in error.message) == ("file_in_use", True)
    other.close()
    with duckdb.connect(str(bank)) as con:
        con.execute("SELECT 1")


def test_a_file_that_another_library_holds(bank: Path) -> None:
    with duckdb.connect(str(bank)):
        error = refusal(lambda: DuckDBEngine.open(str(bank)))
    assert (error.code, "another library" in error.message) == ("file_in_use", True)
    DuckDBEngine.open(str(bank)).close()


def test_a_file_that_another_process_writes(bank: Path) -> None:
    code = f"import duckdb, sys; con = duckdb.connect({str(bank)!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        error = refusal(lambda: DuckDBEngine.open(str(bank)))
        other.communicate()
    assert (error.code, "another process" in error.message) == ("file_in_use", True)


def test_files_that_are_no_data(bank: Path, tmp_path: Path) -> None:
    whole = bank.read_bytes()
    (tmp_path / "short.duckdb").write_bytes(whole[:5000])
    (tmp_path / "empty.duckdb").write_bytes(b"")
    (tmp_path / "text.db").write_text("SQLite format 3\x00 and more of it")
    (tmp_path / "damaged.duckdb").write_bytes(whole[:8192] + b"\xff" * 4096 + whole[12288:])
    (tmp_path / "none").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.parquet").write_text("PAR1 nothing PAR1")
    found = {
        name: refusal(lambda name=name: DuckDBEngine.open(str(tmp_path / name))).code
        for name in ("short.duckdb", "empty.duckdb", "text.db", "damaged.duckdb", "none", "bad", "missing.duckdb")
    }
    assert found == {
        "short.duckdb": "file_unreadable",
        "empty.duckdb": "file_not_duckdb",
        "text.db": "file_not_duckdb",
        "damaged.duckdb": "file_unreadable",
        "none": "folder_empty",
        "bad": "file_unreadable",
        "missing.duckdb": "file_missing",
    }


def test_an_empty_database_holds_nothing() -> None:
    engine = DuckDBEngine.open()
    assert (engine.tables(), engine.description) == ((), "DuckDB in memory")
    nothing = Plan(sql="SELECT 6 * 7 AS n", bound="SELECT 6 * 7 AS n", dialect="duckdb", shadows=())
    engine.prepare(nothing, ())
    assert engine.run(nothing, {}, Limits()).preview(1) == [["42"]]
    assert engine.estimate(nothing, {}).startswith("Estimate: reads no dataset")
    engine.close()


def test_descriptions_hold_no_path(bank: Path, tmp_path: Path) -> None:
    parquet("SELECT 1 AS x", tmp_path / "a.parquet")
    for location, said in ((bank, "DuckDB file bank.duckdb"), (tmp_path, f"folder {tmp_path.name} (1 data file)")):
        engine = DuckDBEngine.open(str(location))
        assert engine.description == said
        engine.close()


@pytest.mark.parametrize(
    ("location", "path"), [("duckdb:///bank.duckdb", "bank.duckdb"), ("./bank.duckdb", "bank.duckdb")]
)
def test_locations(bank: Path, monkeypatch: pytest.MonkeyPatch, location: str, path: str) -> None:
    monkeypatch.chdir(bank.parent)
    assert find_source(location).path == str((bank.parent / path).resolve())
    assert find_source("duckdb:///").kind == find_source("duckdb://").kind == find_source(" :memory: ").kind == "memory"


def test_raw_reader_reads_raw_data_and_says_no_value(bank: Path) -> None:
    reader, engine = RawReader.open(str(bank)), DuckDBEngine.open(str(bank))
    staff = reader.relation("STAFF")
    assert reader.fetch(f"SELECT wage FROM {staff} WHERE id = $i", {"i": 2}) == [(Decimal("20.00"),)]
    assert reader.fetch(f"SELECT count(*) FROM {reader.relation('hq.site')}") == [(1,)]
    assert {t.source for t in reader.tables()} == {"staff", "rich", "hq.site"}
    assert refusal(lambda: reader.fetch(f"SELECT nick::INTEGER FROM {staff}")).code == "data_error"
    assert refusal(lambda: reader.relation("nowhere")).code == "unknown_table"
    with pytest.raises(AureusError):
        reader.fetch(f"DELETE FROM {staff}")
    reader.close()
    reader.close()
    assert ask(engine, "SELECT id FROM staff").rows == 1000
    engine.close()


def test_csv_is_loaded_so_that_casts_over_it_work(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,amount\n1,5\n2,x\n3,7\n")
    engine = DuckDBEngine.open(str(tmp_path))
    shadow = Shadow(dataset="a", source="a.csv", projection=('"id"', '"amount"'))
    asked = plan("SELECT sum(TRY_CAST(amount AS INTEGER)) AS s FROM a", shadow)
    engine.prepare(asked, ())
    (tmp_path / "a.csv").unlink()
    assert engine.run(asked, {}, Limits()).preview(1) == [["12"]]
    engine.close()


@pytest.mark.shared
def test_real_bank_data(shared: Path, tmp_path: Path) -> None:
    """Every Berka file connects, and a question over three of them gives the known answer."""
    folder = tmp_path / "berka"
    shutil.copytree(shared / "data" / "berka", folder)
    engine = DuckDBEngine.open(str(folder))
    sizes = {t.source: t.rows for t in engine.tables()}
    assert (sizes["account.parquet"], sizes["loan.parquet"], sizes["trans_part.parquet"]) == (4500, 682, 49102)
    shadows = tuple(
        Shadow(
            dataset=t.source.removesuffix(".parquet"),
            source=t.source,
            projection=tuple(f'"{c.name}"' for c in t.columns),
        )
        for t in engine.tables()
        if t.source == "loan.parquet"
    )
    asked = plan("SELECT status, count(*) AS n FROM loan GROUP BY status ORDER BY status", *shadows)
    engine.prepare(asked, ())
    assert engine.run(asked, {}, Limits()).preview(9) == [["A", "203"], ["B", "31"], ["C", "403"], ["D", "45"]]
    engine.close()
