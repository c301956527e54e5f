"""Folders of CSV files: every encoding, every odd file, and a pack that agrees with what the engine sees."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from reviewed import opened

from aureus_jupyter.adapters.catalogs.onboard_files import load_files
from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.validate import validate_pack
from aureus_jupyter.adapters.engines.duckdb import RawReader
from aureus_jupyter.app.onboarding import onboard_location
from aureus_jupyter.cli import main
from aureus_jupyter.errors import UserError
from aureus_jupyter.values.catalog import Catalog

Files = dict[str, bytes]


def drafted(tmp_path: Path, files: Files) -> tuple[Path, Catalog]:
    source = tmp_path / "in"
    source.mkdir(exist_ok=True)
    for name, data in files.items():
        (source / name).write_bytes(data)
    out = tmp_path / "pack"
    onboard_location(str(source), out, "pack")
    opened(out)
    assert validate_pack(out) == []
    return out, PackSource(out).load()


def rows(pack: Path, table: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(pack / "seeds" / "data.duckdb"), read_only=True) as con:
        return con.execute(f'SELECT * FROM "{table}" ORDER BY ALL').fetchall()


CZECH = "jméno;částka\nŽofie Dvořáková;1\nJiří Němec;2\nLucie Šťastná;3\nBůžková;4\n"
FRENCH = "prénom;montant\nHélène Lefèvre;1\nFrançois Crête;2\nLaÿ à côté;3\n"


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        (CZECH, "utf-8", ""),
        (CZECH, "utf-8-sig", ""),
        (CZECH, "utf-16", "UTF-16"),
        (CZECH, "cp1250", "Windows-1250"),
        (FRENCH, "cp1252", "Windows-1252"),
        (FRENCH, "latin-1", "Windows-1252"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(tmp_path: Path, text: str, encoding: str, said: str, packed: bool) -> None:
    data = text.encode(encoding)
    name = "lidé.csv.gz" if packed else "lidé.csv"
    pack, catalog = drafted(tmp_path, {name: gzip.compress(data) if packed else data})
    (dataset,) = catalog.datasets
    lines = (
        [line.split(";") for line in text.split()[0:]] if " " not in text else [r.split(";") for r in text.splitlines()]
    )
    assert [c.name for c in dataset.columns] == lines[0]
    assert rows(pack, dataset.name) == sorted((a, int(b)) for a, b in lines[1:])
    review = (pack / "REVIEW.md").read_text("utf-8")
    assert (said in review) if said else ("Read as" not in review and "read as" not in review)


def test_bytes_no_code_page_has_fall_back_to_one_that_reads_all(tmp_path: Path) -> None:
    pack, _ = drafted(tmp_path, {"a.csv": b"name,n\n" + bytes([0x81, 0xE0]) + b",1\n"})
    assert "ISO 8859-1" in (pack / "REVIEW.md").read_text("utf-8")


def test_odd_but_readable_files(tmp_path: Path) -> None:
    pack, catalog = drafted(
        tmp_path,
        {
            "semicolon.csv": b"a;b\n1,5;x\n2,5;y\n",
            "tab.tsv": b"a\tb\n1\tx\n2\ty\n",
            "quoted newline.csv": b'a,b\n"x\ny",1\n"p,q",2\n',
            "header only.csv": b"x,y\n",
            "leading zeros.csv": b"code,n\n00123,1\n90210,2\n",
            "twice.csv": b"a,A,a\n1,2,3\n",
            "quote in name.csv": b'"a""b","c d"\n1,2\n',
            "newline in name.csv": b'"a\nb",c\n1,2\n',
            "select.csv": b"from,where\n1,2\n",
            "2024.01.csv": b"n,m\n1,2\n",
            "a'b;c.csv": b"n,m\n1,2\n",
            "UPPER.CSV": b"n,m\n1,2\n",
            "upper.csv": b"n,m\n3,4\n",
            "žluťoučký.csv".encode().decode(): b"n,m\n1,2\n",
            "wide.csv": (",".join(f"c{i}" for i in range(300)) + "\n" + ",".join("1" * 300) + "\n").encode(),
            "late.csv": b"a,b\n" + b"1,2\n" * 30_000 + b"x,3\n",
            "days.csv": b"d;n\n31.01.2024;1\n01.02.2024;2\n",
        },
    )
    found = {d.name: d for d in catalog.datasets}
    assert set(found) == {
        "semicolon", "tab", "quoted_newline", "header_only", "leading_zeros", "twice", "quote_in_name", "newline_in_name",
        "select", "t_2024_01", "a_b_c", "UPPER", "upper_2", "lu_ou_k", "wide", "late", "days",
    }  # fmt: skip
    types = {name: [(c.name, c.type) for c in d.columns] for name, d in found.items()}
    assert types["leading_zeros"][0] == ("code", "VARCHAR")
    assert types["late"][0] == ("a", "VARCHAR")
    assert types["days"][0] == ("d", "DATE")
    assert types["quote_in_name"] == [("a_b", "BIGINT"), ("c d", "BIGINT")]
    assert types["newline_in_name"][0][0] == "a_b"
    assert len(types["wide"]) == 300
    assert len({c.name.lower() for c in found["twice"].columns}) == 3
    assert rows(pack, "quoted_newline") == [("p,q", 2), ("x\ny", 1)]
    assert len(rows(pack, "late")) == 30_001
    review = (pack / "REVIEW.md").read_text("utf-8")
    assert "%d.%m.%Y" in review
    assert "has no rows" in review


def test_contract_types_are_what_the_engine_sees(tmp_path: Path) -> None:
    pack, catalog = drafted(tmp_path, {"t.csv": b"i,d,b,s,w,t\n1,1.5,true,x,2024-01-02,2024-01-02 10:00:00\n"})
    reader = RawReader.open(str(pack / "seeds" / "data.duckdb"))
    try:
        (raw,) = reader.tables()
    finally:
        reader.close()
    (dataset,) = catalog.datasets
    assert dataset.source == raw.source
    assert [(c.name, c.type) for c in dataset.columns] == [(c.name, c.type) for c in raw.columns]
    about = yaml.safe_load((pack / "pack.yaml").read_text("utf-8"))
    assert about["connection"] == {"kind": "duckdb", "path": "seeds/data.duckdb"}
    assert about["status"] == "draft"
    assert "*.duckdb" in (pack / "seeds" / ".gitignore").read_text("utf-8")


BAD: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "it is empty"),
    "blank.csv": (b"\n\n  \n", "it is empty"),
    "binary.csv": (b"a,b\n\x00\x01\x02,3\n", "NUL bytes"),
    "no mark.csv": ("a,b\n1,2\n".encode("utf-16-le"), "NUL bytes"),
    "cut.csv": ("a,b\nž,2\n".encode("utf-16")[:-1], "utf-16 throughout"),
    "torn.csv.gz": (gzip.compress(b"a,b\n" + b"1,2\n" * 999)[:-20], "cannot be read"),
    "not gzip.csv.gz": (b"a,b\n1,2\n", "cannot be read"),
    "broken.parquet": (b"PAR1 and nothing more", "DuckDB cannot read it"),
    "ragged.csv": (b"a,b\n1,2\n3\n4,5,6\n", "different numbers of fields"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_file_that_cannot_be_read_is_left_out_and_named(tmp_path: Path, name: str) -> None:
    data, why = BAD[name]
    pack, catalog = drafted(tmp_path, {name: data, "good.csv": b"a,b\n1,2\n"})
    assert [d.name for d in catalog.datasets] == ["good"]
    review = (pack / "REVIEW.md").read_text("utf-8")
    (line,) = [line for line in review.splitlines() if name in line]
    assert why in line


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_folder_of_only_such_files_is_an_error_that_says_so(tmp_path: Path, name: str) -> None:
    data, _ = BAD[name]
    source = tmp_path / "in"
    source.mkdir()
    (source / name).write_bytes(data)
    (source / "b.csv").write_bytes(b"")
    with pytest.raises(UserError) as caught:
        onboard_location(str(source), tmp_path / "pack", "pack")
    assert caught.value.code == "nothing_to_onboard"
    assert name in caught.value.message
    assert list(tmp_path.iterdir()) == [source], "nothing is left behind"


def test_a_file_without_a_header_gives_away_no_value_as_a_name(tmp_path: Path) -> None:
    pack, catalog = drafted(
        tmp_path,
        {
            "mail.csv": b"jan@bank.example,Jan\neva@bank.example,Eva\n",
            "iban.csv": b"GB82WEST12345698765432,x\nDE89370400440532013000,y\n",
            "day.csv": b"1999-01-01 x,2001-02-03\n2000-01-01 y,2001-02-04\n",
        },
    )
    for dataset in catalog.datasets:
        assert all(c.name.startswith("column") for c in dataset.columns), dataset.name
    assert len(rows(pack, "mail")) == 2
    texts = "".join(p.read_text("utf-8") for p in pack.rglob("*") if p.suffix in {".yaml", ".md"})
    assert "jan@" not in texts
    assert "GB82" not in texts
    assert "reads like data" in texts


def test_lines_before_the_header_are_said(tmp_path: Path) -> None:
    pack, catalog = drafted(tmp_path, {"r.csv": b"Report of the bank\n\nid,amount,kind\n1,2.5,x\n2,3.5,y\n3,1.5,z\n"})
    assert [c.name for c in catalog.datasets[0].columns] == ["id", "amount", "kind"]
    assert "do not fit the columns and were left out" in (pack / "REVIEW.md").read_text("utf-8")


def test_no_value_of_the_data_is_in_any_text(tmp_path: Path) -> None:
    """Each cell is a word of its own; none may appear, whatever kind of column it is in."""
    canary = [f"kanarek{n}x" for n in range(40)]
    number = [str(7_310_000_000 + 97 * n) for n in range(40)]
    lines = ["first_name,note,amount,account_id,status"]
    lines += [f"{canary[n]},{canary[-n - 1]}z,{number[n]}.25,{number[n]},only{canary[0]}" for n in range(40)]
    pack, _ = drafted(tmp_path, {"t.csv": "\n".join(lines).encode(), "bad.csv": ("a,b\n" + canary[0]).encode() + b"\0"})
    for path in pack.rglob("*"):
        if path.is_file() and path.suffix != ".duckdb":
            text = path.read_text("utf-8")
            assert "kanarek" not in text, path.name
            assert not any(n in text for n in number), path.name


def test_the_same_files_give_the_same_texts(tmp_path: Path) -> None:
    files: Files = {f"t{n}.csv": f"id,ref_{n},v\n1,2,x\n2,1,y\n".encode() for n in range(5)} | {"bad.csv": b""}
    texts = []
    for turn in ("one", "two"):
        (tmp_path / turn).mkdir()
        pack, _ = drafted(tmp_path / turn, files)
        texts.append({p.name: p.read_bytes() for p in pack.rglob("*") if p.is_file() and p.suffix != ".duckdb"})
    assert texts[0] == texts[1]


def test_csv_and_parquet_together(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    duckdb.connect().execute(
        f"COPY (SELECT i AS loan_id, i % 3 AS customer_id, {{'name': 'x', 'n': i}} AS more, [i] AS list FROM range(9) t(i)) "
        f"TO '{source}/loan.parquet'"
    )
    _, catalog = drafted(tmp_path, {"customer.csv": b"customer_id,segment\n0,a\n1,b\n2,c\n"})
    loan = next(d for d in catalog.datasets if d.name == "loan")
    assert {c.name: c.references for c in loan.columns}["customer_id"] == "customer.customer_id"
    assert [c.name for c in loan.columns if c.key] == ["loan_id"]


def test_nothing_is_loaded_before_the_target_is_known_to_be_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "mine.txt").write_text("keep")

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("aureus_jupyter.adapters.catalogs.onboard_files.load_files", never)
    for force in (False, True):
        with pytest.raises(UserError) as caught:
            onboard_location(str(source), tmp_path / "pack", "pack", force)
        assert caught.value.code == "pack_exists"
    assert (tmp_path / "pack" / "mine.txt").read_text() == "keep"


def test_names_that_only_differ_in_what_a_name_cannot_hold(tmp_path: Path) -> None:
    _, catalog = drafted(
        tmp_path,
        dict.fromkeys(("x y.csv", "x-y.csv", "x_y.csv", "x_y_2.csv", "é.csv", ".hidden.csv", "%.csv"), b"a,b\n1,2\n"),
    )
    assert (
        sorted(d.name for d in catalog.datasets) == ["t", "t_2", "x_y", "x_y_2", "x_y_2_2", "x_y_3"]
        or len(catalog.datasets) == 6
    )
    assert len({d.source for d in catalog.datasets}) == 6


def _unwritable(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "pack"


@pytest.mark.parametrize("place", [_unwritable])
def test_a_place_that_cannot_be_written(
    tmp_path: Path, place: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_bytes(b"a,b\n1,2\n")
    assert main(["onboard", str(source), str(place(tmp_path))]) == 1
    told = capsys.readouterr().err
    assert "[pack_not_written]" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_folders_below_are_said_not_to_be_read(tmp_path: Path, ending: str) -> None:
    source = tmp_path / "in"
    (source / "2023").mkdir(parents=True)
    (source / "notes").mkdir()
    duckdb.connect().execute(f"COPY (SELECT 1 AS a, 2 AS b) TO '{source}/it''s \"odd\" %.{ending}' (FORMAT {ending})")
    duckdb.connect().execute(f"COPY (SELECT 1 AS a, 2 AS b) TO '{source}/2023/old.{ending}' (FORMAT {ending})")
    pack, catalog = drafted(tmp_path, {})
    assert [d.name for d in catalog.datasets] == ["it_s_odd"]
    review = (pack / "REVIEW.md").read_text("utf-8")
    assert "Only the files of the folder itself were read; 1 folder below it holds data files too." in review
    assert yaml.safe_load((pack / "pack.yaml").read_text("utf-8"))["connection"]["kind"] == (
        "folder" if ending == "parquet" else "duckdb"
    )


def test_a_folder_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()

    def denied(_: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("aureus_jupyter.adapters.catalogs.onboard_files._files", denied)
    monkeypatch.setattr("pathlib.Path.iterdir", denied)
    assert main(["onboard", str(tmp_path / "in"), str(tmp_path / "pack")]) == 1
    assert "[folder_unreadable]" in capsys.readouterr().err


def test_an_interrupt_while_loading_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(b"a,b\n1,2\n")

    def interrupted(*_: object) -> tuple[str, ...]:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("aureus_jupyter.adapters.catalogs.onboard_files._load", interrupted)
    assert main(["onboard", str(tmp_path / "in"), str(tmp_path / "pack")]) == 130
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_loading_leaves_no_text_copy_behind(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(CZECH.encode("cp1250"))
    loaded = load_files(tmp_path / "in", tmp_path / "data.duckdb")
    assert {p.name for p in tmp_path.iterdir()} == {"in", "data.duckdb"}
    assert loaded.origins == {"a": "a.csv"}


ODD: dict[str, tuple[bytes, str]] = {
    "ragged": (b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n", "its lines have different numbers of fields"),
    "a huge field": (b'id,text\n1,"' + b"x" * 3_000_000 + b'"\n2,short\n', "one of its lines is longer than 2 MB"),
    "empty": (b"", "it is empty"),
    "no text": (b"a,b\n1,\x00\n", "it holds NUL bytes: it is no text file, or UTF-16 without a byte order mark"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_left_out_and_it_is_said_why(tmp_path: Path, name: str) -> None:
    data, why = ODD[name]
    pack, catalog = drafted(tmp_path, {"odd.csv": data, "good.csv": b"a,b\n1,2\n"})
    assert [d.name for d in catalog.datasets] == ["good"]
    assert f"- `odd.csv`: {why}\n" in (pack / "REVIEW.md").read_text("utf-8")


def review_of(tmp_path: Path, text: str) -> str:
    pack, _ = drafted(tmp_path, {"t.csv": text.encode()})
    return (pack / "REVIEW.md").read_text("utf-8")


def test_names_that_say_nothing_are_said_to(tmp_path: Path) -> None:
    said = "The names of its columns say nothing"
    assert said in review_of(tmp_path, "column0,column1\n1,2\n2,3\n")
    (tmp_path / "two").mkdir()
    assert said not in review_of(tmp_path / "two", "column0,amount\n1,2\n2,3\n")


def test_a_key_of_few_rows_and_keys_not_drafted_are_said(tmp_path: Path) -> None:
    assert "With 2 rows a column is easily never twice" in review_of(tmp_path, "id,x\n1,2\n2,2\n")
    (tmp_path / "two").mkdir()
    lines = "".join(f"{n % 3},{n},{n % 5}\n" for n in range(40))
    text = review_of(tmp_path / "two", f"a,Cert,b\n{lines}")
    assert "Key: none drafted; never empty and never twice: `Cert`." in text
    assert "easily never twice" not in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([str(n) for n in range(99)] + ["n/a"], "reads as numbers but for a few values"),
        ([f"{n},5" for n in range(99)], "reads as numbers with a comma in them"),
        ([f"{1 + n % 28}-May-{n % 30:02d}" for n in range(99)], "reads as dates; the engine sees text"),
        ([f"x{n}" for n in range(99)], ""),
    ],
)
def test_text_that_reads_as_something_else_is_said_to(tmp_path: Path, values: list[str], said: str) -> None:
    text = review_of(tmp_path, "id;v\n" + "".join(f"{n};{value}\n" for n, value in enumerate(values)))
    assert ("reads as" in text) == bool(said)
    assert said in text


def test_two_columns_of_one_name_that_is_no_ids_are_no_join(tmp_path: Path) -> None:
    _, catalog = drafted(tmp_path, {"one.csv": b"a,b\n1,2\n2,3\n", "two.csv": b"a,c\n1,2\n"})
    assert not [c for d in catalog.datasets for c in d.columns if c.references]


@pytest.mark.slow
def test_two_thousand_columns(tmp_path: Path) -> None:
    head = ",".join(f"c{n}" for n in range(2000))
    rows = "\n".join(",".join(str(n * m) for n in range(2000)) for m in range(3))
    _, catalog = drafted(tmp_path, {"wide.csv": f"{head}\n{rows}\n".encode()})
    assert len(catalog.datasets[0].columns) == 2000
