"""Amounts in dollars: JupyterLab typesets formulas in any HTML output, and a row must not become one."""

from __future__ import annotations

from typing import Any

import pytest

from aureus_jupyter.display.bundle import page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AMOUNTS = "between $5 and $10"


def test_amounts_in_dollars_stay_text(lab: Any, notebook: Any) -> None:
    ours = [{"output_type": "display_data", "data": page("Limits", [(AMOUNTS,)]), "metadata": {}}]
    html = {"text/html": f"<p>{AMOUNTS}</p>", "text/plain": ""}
    plain = [{"output_type": "display_data", "data": html, "metadata": {}}]
    with lab.page(notebook("amounts.ipynb", ["1", "2"], [plain, ours])) as view:
        outputs = view.page.locator(".jp-RenderedHTMLCommon")
        view.page.wait_for_selector(".jp-RenderedHTMLCommon mjx-container", state="attached")
        assert outputs.nth(0).locator("mjx-container").count() == 1, "the danger is there"
        assert outputs.nth(1).locator("mjx-container").count() == 0
        assert AMOUNTS in outputs.nth(1).inner_text()
