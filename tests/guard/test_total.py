"""Whatever a cell holds, the analysis answers with facts or with a refusal that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.mutations import mutated
from ledger import BOTH

from aureus_jupyter.core.analyze import analyze
from aureus_jupyter.errors import Refused, UserError

STATEMENTS = (Path(__file__).parents[1] / "corpus" / "postgres.sql").read_text("utf-8").splitlines()


@pytest.mark.parametrize("dialect", ["postgres", "spark"])
def test_changed_statements_are_read_or_refused(dialect: str) -> None:
    read = 0
    for sql in mutated(STATEMENTS, seed=3, count=1500):
        try:
            read += bool(analyze(sql, None, BOTH, dialect).outputs)
        except (Refused, UserError) as error:
            assert error.code != "unreadable", sql
            assert error.hint
    assert read > 20
