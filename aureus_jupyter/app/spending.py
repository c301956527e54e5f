"""What `%aureus budgets` shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from aureus_jupyter.core.budgets import left_words, limit_words, use_of
from aureus_jupyter.display.bundle import page
from aureus_jupyter.ports import Ledger
from aureus_jupyter.values.budgets import Standing, Wish
from aureus_jupyter.values.obligations import Budget

__all__ = ["budgets_page"]

_MORE = "A policy may keep others for some statements: --dry-run tells what a cell would take."


def budgets_page(
    budgets: Sequence[Budget], ledger: Callable[[], Ledger], principal: str, now: datetime
) -> dict[str, Any]:
    """Return each budget and what is left of it; of those that count hidden rows in tenths. Charges nothing.

    Opens no ledger where there is no budget. Raises what the ledger raises.
    """
    if not budgets:
        return page("Budgets", [], (), "No policy keeps a budget over what you may see.")
    nothing = Decimal(0)
    wishes = [Wish(budget=b, least=nothing, most=nothing) for b in budgets]
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for one in ledger().look(principal, wishes, now):
        found.setdefault((one.budget.policy, limit_words(one.budget)), _row(one))
    return page("Budgets", [found[key] for key in sorted(found)], ("policy", "allows", "left"), _MORE)


def _row(one: Standing) -> tuple[str, ...]:
    use = use_of(one, Decimal(0))
    return one.budget.policy, limit_words(one.budget), left_words(use)
