"""Onboard the Berka bank and the AMLSim transfers, then run twenty analyst questions over them under papermill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from reviewed import opened
from tools import tool

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.validate import validate_pack
from aureus_jupyter.cli import main
from aureus_jupyter.values.catalog import Pii

KEYS = {
    "account": "account_id",
    "card": "card_id",
    "client": "client_id",
    "disp": "disp_id",
    "district": "district_id",
    "loan": "loan_id",
    "order": "order_id",
    "trans_part": "trans_id",
}
JOINS = {
    ("account", "district_id"): "district.district_id",
    ("card", "disp_id"): "disp.disp_id",
    ("client", "district_id"): "district.district_id",
    ("disp", "client_id"): "client.client_id",
    ("disp", "account_id"): "account.account_id",
    ("loan", "account_id"): "account.account_id",
    ("order", "account_id"): "account.account_id",
    ("trans_part", "account_id"): "account.account_id",
}
PERSONAL = {
    ("client", "birth_number"): Pii.DIRECT,
    ("client", "birth_date"): Pii.DIRECT,
    ("client", "gender"): Pii.QUASI,
    ("order", "account_to"): Pii.DIRECT,
    ("trans_part", "account"): Pii.DIRECT,
}


TYPES = {
    "account": "account_id INTEGER, district_id INTEGER, frequency VARCHAR, date DATE",
    "card": "card_id INTEGER, disp_id INTEGER, type VARCHAR, issued DATE",
    "client": "client_id INTEGER, birth_number VARCHAR, gender VARCHAR, birth_date DATE, district_id INTEGER",
    "disp": "disp_id INTEGER, client_id INTEGER, account_id INTEGER, type VARCHAR",
    "district": "district_id INTEGER, A2 VARCHAR, A3 VARCHAR, A4 VARCHAR, A5 VARCHAR, A6 VARCHAR, A7 VARCHAR, A8 INTEGER, "
    "A9 INTEGER, A10 DOUBLE, A11 INTEGER, A12 DOUBLE, A13 DOUBLE, A14 INTEGER, A15 INTEGER, A16 INTEGER",
    "loan": "loan_id INTEGER, account_id INTEGER, date DATE, amount INTEGER, duration INTEGER, payments DOUBLE, status VARCHAR",
    "order": "order_id INTEGER, account_id INTEGER, bank_to VARCHAR, account_to INTEGER, amount DOUBLE, k_symbol VARCHAR",
    "trans_part": "trans_id INTEGER, account_id INTEGER, date DATE, type VARCHAR, operation VARCHAR, amount DOUBLE, "
    "balance DOUBLE, k_symbol VARCHAR, bank VARCHAR, account INTEGER",
    "t_20K_fanin200cycle200_nodes": "nodeid BIGINT, isFraud BIGINT, init_balance DOUBLE, fraudStep BIGINT",
    "t_20K_fanin200cycle200_transactions": "sourceNodeId BIGINT, targetNodeId BIGINT, value DOUBLE, time BIGINT",
}
EMPTY = {
    *(("district", name) for name in ("A12", "A15")),
    *(("trans_part", name) for name in ("operation", "k_symbol", "bank", "account")),
}
ROWS = {
    "account": 4_500,
    "card": 892,
    "client": 5_369,
    "disp": 5_369,
    "district": 77,
    "loan": 682,
    "order": 6_471,
    "trans_part": 49_102,
    "t_20K_fanin200cycle200_nodes": 20_000,
    "t_20K_fanin200cycle200_transactions": 120_558,
}


@pytest.fixture(scope="module")
def packs(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both packs, drafted, and every contract opened as after a review."""
    folder = tmp_path_factory.mktemp("packs")
    for name in ("berka", "amlsim"):
        assert main(["onboard", str(shared / "data" / name), str(folder / name)]) == 0
        assert PackSource(folder / name).load().datasets == (), "a draft opens nothing"
        assert validate_pack(opened(folder / name)) == []
    return folder


@pytest.mark.shared
def test_onboarding_finds_keys_joins_and_personal_data(packs: Path) -> None:
    catalog = PackSource(packs / "berka").load()
    assert {d.name: next((c.name for c in d.columns if c.key), "") for d in catalog.datasets} == KEYS
    assert {(d.name, c.name): c.references for d in catalog.datasets for c in d.columns if c.references} == JOINS
    assert {(d.name, c.name): c.pii for d in catalog.datasets for c in d.columns if c.pii is not Pii.NONE} == PERSONAL
    assert {d.name for d in catalog.datasets if d.classification == "confidential"} == {"client", "order", "trans_part"}
    assert "birth_number" in (packs / "berka" / "REVIEW.md").read_text()
    transfers = PackSource(packs / "amlsim").load().datasets
    assert sorted(len(d.columns) for d in transfers) == [4, 4]
    pointing = [c.references.rpartition(".")[2] for d in transfers for c in d.columns if c.references]
    assert pointing == ["nodeid", "nodeid"]


@pytest.mark.shared
def test_onboarding_finds_types_rows_and_what_is_never_empty(packs: Path) -> None:
    datasets = [d for name in ("berka", "amlsim") for d in PackSource(packs / name).load().datasets]
    assert {d.name: ", ".join(f"{c.name} {c.type}" for c in d.columns) for d in datasets} == TYPES
    assert {(d.name, c.name) for d in datasets for c in d.columns if c.nullable} == EMPTY
    reviews = "".join((packs / name / "REVIEW.md").read_text("utf-8") for name in ("berka", "amlsim"))
    assert {
        name: f"{rows:,} rows from `" in reviews.partition(f"## {name}\n")[2][:99] for name, rows in ROWS.items()
    } == (dict.fromkeys(ROWS, True))


@pytest.mark.shared
def test_the_birth_number_is_told_by_its_values(packs: Path) -> None:
    review = (packs / "berka" / "REVIEW.md").read_text("utf-8")
    (line,) = [line for line in review.splitlines() if line.startswith("| birth_number ")]
    assert "all 1,000 distinct values read as yymmdd" in line
    assert "with 50 added to the month as for women" in line
    assert not any(word.isdigit() and len(word) == 6 for word in line.replace(",", "").split())


@pytest.mark.shared
def test_a_draft_is_replaced_only_when_forced_and_a_reviewed_pack_never(
    packs: Path, shared: Path, tmp_path: Path
) -> None:
    source, out = str(shared / "data" / "amlsim"), tmp_path / "pack"
    assert main(["onboard", source, str(out)]) == 0
    before = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert main(["onboard", source, str(out)]) == 1
    assert main(["onboard", source, str(out), "--force"]) == 0
    assert {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    reviewed = (out / "pack.yaml").read_text().replace("status: draft", "status: active")
    (out / "pack.yaml").write_text(reviewed)
    assert main(["onboard", source, str(out), "--force"]) == 1


def questions() -> list[tuple[str, str]]:
    module = tool("make_analyst_notebook")
    return [("berka", sql) for _, sql in module.BERKA] + [("amlsim", sql) for _, sql in module.AMLSIM]


@pytest.mark.shared
@pytest.mark.slow
def test_twenty_questions_under_papermill(
    packs: Path, shared: Path, root: Path, tmp_path: Path, quiet_home: Path
) -> None:
    asked = questions()
    assert len(asked) == 20
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{root / 'magics'}",
        "AUREUS_PRINCIPAL": "ana.novak",
        "AUREUS_ROLES": "analyst",
        "AUREUS_PURPOSE": "analysis",
        "PYTHONWARNINGS": "ignore",
    }
    notebook = json.loads((root / "notebooks" / "analyst_questions.ipynb").read_text())
    keep = "import pickle, pathlib\n" + "\n".join(
        f"q{i:02d}.to_pickle(pathlib.Path('q{i:02d}.pickle'))" for i in range(1, 21)
    )
    notebook["cells"].append(
        {"cell_type": "code", "id": "keep", "metadata": {}, "outputs": [], "execution_count": None, "source": keep}
    )
    (tmp_path / "in.ipynb").write_text(json.dumps(notebook))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            "--engine",
            "aureus",
            "--no-progress-bar",
            "in.ipynb",
            "out.ipynb",
            "-p",
            "berka",
            str(packs / "berka"),
            "-p",
            "amlsim",
            str(packs / "amlsim"),
            "-p",
            "limit",
            "500.5",
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    raw = duckdb.connect()
    for path in sorted((shared / "data").glob("berka/*.parquet")) + sorted((shared / "data").glob("amlsim/*.parquet")):
        name = path.stem if not path.stem[0].isdigit() else f"t_{path.stem}"
        raw.execute(f"create view \"{name}\" as from '{path}'")
    for place, (_, sql) in enumerate(asked, start=1):
        expected = raw.execute(sql.replace(":limit", "500.5")).df()
        # Sums of whole numbers are whole numbers here, and floats in DuckDB's own frames.
        found = pd.read_pickle(tmp_path / f"q{place:02d}.pickle")
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)
    assert len(list((tmp_path / "out.aureus" / "runs").iterdir())) == 20
    assert main(["verify", str(tmp_path / "out.aureus")]) == 0
