"""Our front end in a real JupyterLab: the demo's stored runs in both themes, the evidence, the colours, the switch-off."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RUN = ".jp-AureusRun"
BADGES = ["✓ Allowed", "✓ Allowed", "◐ Masked", "✕ Refused", "⏸ Waiting for approval"]
TALL = 7000
"""Tall enough for the whole notebook: JupyterLab renders only what is in view."""

# Text whose contrast with what is behind it is below 4.5:1 (WCAG 2.2, 1.4.3), and whatever lacks a name or a header.
FAULTS = """root => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (let at = node; at; at = at.parentElement) {
      const found = channels(getComputedStyle(at).backgroundColor);
      if ((found[3] ?? 1) === 1) return found;
    }
    return [255, 255, 255];
  };
  const faults = [];
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility()) continue;
    const [a, b] = [light(channels(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${text.data}`);
  }
  for (const node of root.querySelectorAll('img')) if (!node.alt) faults.push('image without alt');
  for (const node of root.querySelectorAll('th')) if (!node.scope) faults.push('th without scope');
  for (const node of root.querySelectorAll('a, button, [role=region], section')) {
    if (!(node.getAttribute('aria-label') || node.textContent).trim()) faults.push(`${node.tagName} without a name`);
  }
  for (const node of root.querySelectorAll('*')) {
    const style = getComputedStyle(node);
    const scrolls = node.scrollWidth > node.clientWidth + 1 && /auto|scroll/.test(style.overflowX);
    if (scrolls && node.tabIndex < 0) faults.push('scrolls, but not from the keyboard');
  }
  return faults;
}"""


def badges(page: Any) -> list[str]:
    page.wait_for_function(f"document.querySelectorAll('{RUN}-badge').length === {len(BADGES)}")
    found: list[str] = page.locator(f"{RUN}-badge").all_inner_texts()
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_stored_runs_are_shown_by_us_and_can_be_read_by_everyone(lab: Any, demo: str, theme: str) -> None:
    with lab.page(demo, theme, TALL) as view:
        assert badges(view.page) == BADGES
        runs = view.page.query_selector_all(RUN)
        assert [fault for run in runs for fault in run.evaluate(FAULTS)] == []
        masked = view.page.locator(f"{RUN}-masked")
        assert masked.locator("th", has_text="iban").text_content() == "iban (masked)"
        assert masked.locator("th", has_text="outstanding").evaluate("n => getComputedStyle(n).textAlign") == "right"
        assert masked.locator("th", has_text="country").evaluate("n => getComputedStyle(n).textAlign") == "left"
        assert "purpose" in (view.page.locator(f"{RUN}-refused").text_content() or "")
        assert (view.errors, view.outside) == ([], [])


def test_jupyterlab_lists_our_plugins_as_active(lab: Any, demo: str) -> None:
    with lab.page(demo) as view:
        for plugin in ("highlighting", "evidence", "run"):
            assert view.page.evaluate("name => window.jupyterapp.isPluginActivated(name)", f"@aureus/lab:{plugin}"), (
                plugin
            )


def test_the_evidence_opens_from_its_link_by_keyboard(lab: Any, demo: str) -> None:
    with lab.page(demo, height=TALL) as view:
        link = view.page.locator(f"{RUN}-refused {RUN}-evidence a")
        # The text itself: what a cell off the screen shows is nothing until JupyterLab paints it.
        assert (link.text_content() or "").startswith("demo.aureus/runs/")
        link.scroll_into_view_if_needed()
        link.focus()
        view.page.keyboard.press("Enter")
        view.page.wait_for_selector(".jp-MarkdownViewer >> text=Refused")
        assert view.errors == []


def test_the_evidence_opens_from_the_command(lab: Any, demo: str) -> None:
    enabled = "window.jupyterapp.commands.isEnabled('aureus:open-evidence')"
    choose = "place => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = place; }"
    cells = "[...window.jupyterapp.shell.currentWidget.content.widgets].findIndex(c => c.node.querySelector('.jp-AureusRun'))"
    with lab.page(demo, height=TALL) as view:
        badges(view.page)
        view.page.evaluate(choose, 0)
        assert view.page.evaluate(enabled) is False
        view.page.evaluate(choose, view.page.evaluate(cells))
        assert view.page.evaluate(enabled) is True
        view.command("aureus:open-evidence")
        view.page.wait_for_selector(".jp-MarkdownViewer >> text=Allowed")


def test_the_rows_are_copied_as_csv(lab: Any, demo: str) -> None:
    with lab.page(demo, height=TALL) as view:
        view.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        run = view.page.locator(f"{RUN}-allowed").first
        run.get_by_role("button", name="Copy as CSV").click()
        status = run.get_by_role("status")
        view.page.wait_for_function("node => node.textContent", arg=status.element_handle())
        lines = view.page.evaluate("navigator.clipboard.readText()").splitlines()
        assert lines[0] == "product,currency,loans,exposure,expected_loss"
        assert status.inner_text() == f"{len(lines) - 1} rows copied."


def test_without_our_extension_the_same_can_be_read(lab: Any, demo: str) -> None:
    """The HTML alone, in a notebook that is not trusted: what GitHub, a mail or another front end has to go by."""
    with lab.without_our_extension(), lab.page(demo, "dark", TALL) as view:
        view.page.wait_for_selector("text=Waiting for approval")
        assert view.page.query_selector(RUN) is None
        outputs = view.page.locator(".jp-RenderedHTML", has_text="Evidence:")
        texts = outputs.all_inner_texts()
        assert [any(word in text for text in texts) for word in BADGES] == [True] * len(BADGES)
        handles = outputs.element_handles()
        faults = [fault for handle in handles for fault in handle.evaluate(FAULTS)]
        assert [fault for fault in faults if not fault.startswith("scrolls")] == []
        head = outputs.locator("th", has_text="country").first
        assert head.evaluate("n => getComputedStyle(n).textAlign") == "left"
        assert view.errors == []


def test_a_governed_cell_is_coloured_as_sql_and_a_question_is_not(lab: Any, demo: str) -> None:
    coloured = """([cell, word]) => [...cell.querySelectorAll('.cm-line span')].some(s => s.textContent === word)"""
    with lab.page(demo, height=TALL) as view:
        sql = view.page.locator(".jp-CodeCell", has_text="%%aureus exposure").element_handle()
        view.page.wait_for_function(coloured, arg=[sql, "GROUP"])
        question = view.page.locator(".jp-CodeCell", has_text="expected loss for loans with PD").element_handle()
        assert not view.page.evaluate(coloured, [question, "for"])
        assert not view.page.evaluate(coloured, [question, "with"])


def test_colours_follow_the_first_line_as_it_is_typed(lab: Any, notebook: Any) -> None:
    path = notebook("typed.ipynb", ["select_from = [x for x in y]"])
    coloured = "word => [...document.querySelectorAll('.jp-CodeCell .cm-line span')].some(s => s.textContent === word)"
    with lab.page(path) as view:
        view.page.wait_for_function(coloured, arg="for")
        view.page.locator(".jp-CodeCell .cm-content").click()
        view.page.keyboard.press("Control+A")
        view.page.keyboard.type("%%aureus\nselect one from two")
        view.page.wait_for_function(coloured, arg="select")
        view.page.keyboard.press("Control+Home")
        view.page.keyboard.type("# ")
        view.page.wait_for_function(f"!({coloured})('select')")
        assert view.errors == []
