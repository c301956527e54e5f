"""Write notebooks/demo.ipynb. The notebook is committed without outputs; its cells are kept here, where they are easy to read."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]

CELLS: list[tuple[str, str, list[str]]] = [
    (
        "md",
        "# Aureus in five minutes\n\nEach cell below goes through a policy guard before it reads anything. You are ana.novak, a "
        "data scientist in Czechia, reviewing credit risk (see `aureus.toml` beside this notebook). The data is the "
        "synthetic credit-risk pack: 250,000 loans, made on first use.",
        [],
    ),
    ("code", "%load_ext aureus_jupyter\n%aureus whoami", []),
    (
        "md",
        "## Allowed\n\nA summary over the portfolio. Policy changes nothing, and the SQL runs exactly as written.",
        [],
    ),
    (
        "code",
        "%%aureus exposure <<\nSELECT product, currency, count(*) AS loans, sum(ead) AS exposure, sum(pd * lgd * ead) AS expected_loss\n"
        "FROM loan\nGROUP BY product, currency\nORDER BY product, currency",
        [],
    ),
    ("md", "The result is a real pandas DataFrame, and governance rides with it.", []),
    (
        "code",
        'from aureus_jupyter import provenance\n\nprovenance(exposure)["outcome"], exposure.groupby("currency")["expected_loss"].sum()',
        [],
    ),
    (
        "md",
        "## In plain English\n\nThe pack's owners have checked this question; it needs no model. The number is a bound parameter.",
        [],
    ),
    ("code", "%%aureus\nexpected loss for loans with PD above 10 %", []),
    (
        "md",
        "## Masked and filtered\n\nRows about persons: names and account numbers are masked, and only your jurisdiction shows.",
        [],
    ),
    (
        "code",
        "%%aureus late << --params days=90\nSELECT b.full_name, b.iban, b.birth_date, b.country, l.product, l.outstanding, l.days_past_due\n"
        "FROM loan AS l JOIN borrower AS b USING (borrower_id)\nWHERE l.days_past_due > :days\nORDER BY l.outstanding DESC\nLIMIT 100",
        [],
    ),
    ("md", "## Refused\n\nCredit data is not for marketing. The refusal says why, and what to do.", []),
    (
        "code",
        "%%aureus --purpose marketing\nSELECT full_name, email FROM borrower WHERE income > 100000",
        ["raises-exception"],
    ),
    (
        "md",
        "## Waiting for a yes\n\nRestricted rows need one of the approvers the contract names. Nothing is read until then.",
        [],
    ),
    (
        "code",
        "%%aureus\nSELECT borrower_id, limit_amount, utilised FROM exposure_limit WHERE watchlist ORDER BY utilised DESC LIMIT 20",
        ["raises-exception"],
    ),
    (
        "md",
        "## Proof\n\nEvery cell above left a signed pack beside this notebook. `aureus verify` checks it on any machine, offline.",
        [],
    ),
    ("code", "%aureus evidence", []),
]


def notebook() -> nbformat.NotebookNode:
    """Return the notebook, the same every time."""
    cells = []
    for place, (kind, source, tags) in enumerate(CELLS):
        make = new_markdown_cell if kind == "md" else new_code_cell
        cell = make(source, id=f"demo-{place:02d}")
        if tags:
            cell.metadata["tags"] = tags
        cells.append(cell)
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return new_notebook(cells=cells, metadata=metadata)


if __name__ == "__main__":
    nbformat.write(notebook(), ROOT / "notebooks" / "demo.ipynb")
