"""Break-glass: the cell runs now, says why, and its evidence asks for somebody to look at it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.app import get_app, reset_app
from aureus_jupyter.app.build import trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.cli import main
from aureus_jupyter.errors import UserError

COUNT = "SELECT count(*) AS n FROM loan"
POLICY = """version: 1
policies:
  - id: glass
    description: An outage may need to see everything at once.
    effect: review
    reason: Broken glass is looked at the next day.
    match: {datasets: [loan]}
    review: {reviewers: [petr.svoboda, dana.hola], hours: 24}
"""


@pytest.fixture
def glass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, front: Any) -> Iterator[Any]:
    folder = tmp_path / "glass"
    folder.mkdir()
    (folder / "glass.policy.yaml").write_text(POLICY, "utf-8")
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(folder))
    reset_app()
    yield front


def predicate(pack: Path) -> dict[str, Any]:
    envelope = json.loads((pack / "statement.dsse.json").read_text())
    found: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    return found


@pytest.mark.parametrize("line", ["x <<", "--why '  ' x <<"])
def test_without_a_reason_it_does_not_run(line: str, glass: Any) -> None:
    told = glass.asked(COUNT, line)
    assert told.code == "why_needed"
    assert told.card["outcome"] == "refused"
    assert "--why" in told.card["next"]
    assert "x" not in glass.shell.user_ns
    assert predicate(glass.runs[0])["reviews"] == [], "nothing was read, so there is nothing to review"


def test_with_a_reason_the_evidence_asks_for_a_review(glass: Any, capsys: pytest.CaptureFixture[str]) -> None:
    told = glass.asked(COUNT, "--why 'The nightly run of 3 March failed' x <<")
    assert told.error is None
    assert glass.shell.user_ns["x"]["n"][0] == 3000
    (pack,) = glass.runs
    about = predicate(pack)
    (review,) = about["reviews"]
    started = next(event["at"] for event in about["events"] if event["kind"] == "started")
    later = datetime.fromisoformat(review["by"]) - datetime.fromisoformat(started)
    assert (review["policy"], review["reviewers"], later.total_seconds()) == (
        "glass",
        ["petr.svoboda", "dana.hola"],
        86_400,
    )
    assert about["why"] == "The nightly run of 3 March failed"
    assert json.loads((pack / "record.json").read_text())["inputs"]["why"] == about["why"]
    for form in ("text/html", "text/markdown", "text/plain"):
        said = told.bundles[0][form].replace("\\", "")
        assert "petr.svoboda or dana.hola is asked to review this run of loan until" in said, form
        assert "The reason given: The nightly run of 3 March failed" in said, form
    assert "## Reviews" in (pack / "evidence.md").read_text()
    (found,) = verify_paths([pack], trust_path(get_app().settings))
    assert found.ok
    capsys.readouterr()
    assert main(["verify", str(pack)]) == 0
    said = capsys.readouterr().out
    assert f"asks petr.svoboda or dana.hola for a review of loan until {review['by']} (policy glass)" in said
    assert "1 verified, 0 broken" in said


def test_a_dry_run_tells_of_the_review(glass: Any) -> None:
    told = glass.asked(COUNT, "--dry-run")
    assert "This would be refused now" in told.card["what"]
    assert "would be asked to review" in told.card["notices"][0]
    told = glass.asked(COUNT, "--dry-run --why 'An outage'")
    assert "Estimate" in told.card["what"]


def test_a_pipeline_gives_its_reason_in_the_environment(glass: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUREUS_WHY", "The monthly report")
    reset_app()
    assert glass.asked(COUNT).error is None
    assert predicate(glass.runs[-1])["why"] == "The monthly report"
    assert glass.asked(COUNT, "--why 'Another reason'").error is None
    assert predicate(glass.runs[-1])["why"] == "Another reason"


def test_a_reason_in_a_file_is_nobodys(front: Any) -> None:
    (front.folder / "aureus.toml").write_text('why = "always"\n')
    reset_app()
    told = front.asked(COUNT)
    assert told.code == "config_malformed"
    assert "--why" in str(told.error)
    with pytest.raises(UserError):
        get_app().configure(why="always")
