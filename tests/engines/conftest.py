"""What several suites of the engine ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from staff import bank_at


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    return bank_at(tmp_path / "bank.duckdb")
