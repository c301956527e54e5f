"""One file, onboarded alone."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from aureus_jupyter.app.onboarding import onboard_location


@pytest.mark.parametrize("name", ["one.csv", "one.parquet"])
def test_a_single_file_is_onboarded_without_what_lies_beside_it(name: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "other.csv").write_text("x,y\n1,2\n")
    kind = " (FORMAT parquet)" if name.endswith("parquet") else ""
    duckdb.connect().execute(f"COPY (SELECT range AS id FROM range(20)) TO '{data / name}'{kind}")
    report = onboard_location(str(data / name), tmp_path / "pack", "one")
    assert [t.name for t in report.tables] == ["one"]
    assert (tmp_path / "pack" / "seeds" / "data.duckdb").is_file()
