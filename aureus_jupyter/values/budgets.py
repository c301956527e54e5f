"""Spending under budgets: what a run wants out of each, how each stands, what the run took."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .obligations import Budget, Measure

__all__ = ["BudgetUse", "Charge", "Standing", "Wish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An amount out of one pot: all that one policy counts of one measure. In the measure's own unit."""

    policy: str
    measure: Measure
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run needs out of one budget: at least `least`, and at most `most` where less is of use too (None: no bound).

    Where `most` is `least` the amount is fixed. Amounts have at most nine decimals.
    """

    budget: Budget
    least: Decimal
    most: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a budget stands for a wish: `spent` in its window without the wish, `asked` of it now, and whether that `fits`.

    Where it does not, `free_at` is when it will (RFC 3339 UTC) if nothing else is spent; empty: never, it is more than the
    whole budget.
    """

    budget: Budget
    spent: Decimal
    asked: Decimal
    fits: bool
    free_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUse:
    """What a run takes out of a budget, as far as it may be told: None is an amount that would tell of hidden rows.

    `left` is what remains after it, `tenths` how many whole tenths of the limit that is.
    """

    budget: Budget
    asked: Decimal | None
    left: Decimal | None
    tenths: int
