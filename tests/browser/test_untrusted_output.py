"""Stored outputs that nobody of ours wrote: a notebook from a stranger may hold anything under our MIME type."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MIME = "application/vnd.aureus.run.v1+json"
BAD = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def output(data: Any) -> list[dict[str, Any]]:
    bundle = {MIME: data, "text/plain": "the plain form"}
    return [{"output_type": "display_data", "data": bundle, "metadata": {}}]


def run(**changes: Any) -> dict[str, Any]:
    card = {
        "version": 1,
        "run": BAD,
        "outcome": "allowed",
        "badge": {"icon": BAD, "word": BAD},
        "title": BAD,
        "what": BAD,
    }
    column = {"name": BAD, "type": BAD, "masked": True, "numeric": False}
    rest = {"why": [BAD], "next": BAD, "columns": [column], "rows": [[BAD]], "rowCount": 1, "sql": BAD}
    return {**card, **rest, "lineage": {"words": [BAD]}, "evidence": {"path": BAD, "digest": BAD}, **changes}


def test_a_hostile_output_stays_text(lab: Any, notebook: Any) -> None:
    path = notebook("hostile.ipynb", ["1"], [output(run())])
    with lab.page(path, height=2000) as view:
        card = view.page.locator(".jp-AureusRun")
        assert card.locator("td").inner_text() == BAD
        view.page.wait_for_selector(".jp-AureusRun-evidence a")
        assert card.locator("a").get_attribute("href").startswith(f"{lab.address}/files/%3Cimg")
        assert card.locator("img, script, iframe").count() == 0
        assert view.page.evaluate("window.hacked") is None


def test_evidence_links_only_to_files_of_the_server(lab: Any, notebook: Any) -> None:
    hostile = (
        "javascript:window.hacked=1",
        "https://example.invalid/evidence.md",
        "//example.invalid/x",
        "/etc/passwd.md",
    )
    paths = [*hostile, "x.aureus/runs/1"]
    cells = [output(run(evidence={"path": p, "digest": ""})) for p in paths]
    with lab.page(notebook("links.ipynb", ["1"] * len(paths), cells), height=4000) as view:
        view.page.wait_for_selector(".jp-AureusRun-evidence a")
        links = view.page.locator(".jp-AureusRun-evidence a")
        assert links.all_inner_texts() == ["x.aureus/runs/1"]
        assert links.first.get_attribute("href").startswith(lab.address)
        assert view.outside == []


def test_what_is_not_a_run_is_shown_in_its_plain_form(lab: Any, notebook: Any) -> None:
    others = ["text", 7, [], {}, run(version=2), run(outcome="certified")]
    with lab.page(notebook("other.ipynb", ["1"] * len(others), [output(data) for data in others]), height=3000) as view:
        view.page.wait_for_function(f"document.querySelectorAll('.jp-AureusRun-plain').length === {len(others)}")
        assert set(view.page.locator(".jp-AureusRun-plain").all_inner_texts()) == {"the plain form"}
        assert view.page.query_selector(".jp-AureusRun") is None
        assert view.page.evaluate("window.hacked") is None
        assert view.errors == []
