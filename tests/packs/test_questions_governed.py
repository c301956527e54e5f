"""Every phrasing of every verified question of the pack, asked of the whole application: allowed, signed, answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.app.application import App
from aureus_jupyter.core.copilot.verified import with_defaults
from aureus_jupyter.values.catalog import Question
from aureus_jupyter.values.draft import Cell

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = PackSource(ROOT / "packs" / "credit-risk").load().questions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("asked")


@pytest.fixture
def app(folder: Path, quiet_home: Path) -> Iterator[App]:
    (quiet_home / "data" / "aureus").mkdir(parents=True)
    (folder / "seeds").mkdir(exist_ok=True)
    (quiet_home / "data" / "aureus" / "seeds").symlink_to(folder / "seeds")
    made = App(
        {
            "principal": "ana.novak",
            "roles": ["data_scientist"],
            "attributes": {"jurisdiction": "CZ"},
            "seed_rows": 3000,
        },
        folder,
    )
    yield made
    made.close()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_every_phrasing_is_answered(question: Question, app: App, folder: Path) -> None:
    for phrasing in question.phrasings:
        asked = with_defaults(phrasing, question) + "?"
        cell = Cell(source=asked, kind="question", purpose="credit_risk_review", notebook=str(folder / "n.ipynb"))
        shown = app.run(cell)
        assert shown.error is None, (asked, shown.error)
        assert shown.run.draft is not None
        assert shown.run.draft.by == f"verified:{question.id}"
        assert len(shown.frame("pandas")) > 0, asked


def test_there_are_enough_questions() -> None:
    assert len(QUESTIONS) >= 20
    assert all(len(q.phrasings) >= 2 and q.answer for q in QUESTIONS)
