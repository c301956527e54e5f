"""What one run takes out of budgets: reserved before anything is touched, settled when the run is over.

A reservation that is never settled stays charged in full. What settles it cannot fail a run: it only gives back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from aureus_jupyter.core.budgets import refusal, token_wishes, use_of, uses, wishes
from aureus_jupyter.core.copilot.verified import verified_draft
from aureus_jupyter.ports import Copilot, CopilotContext, Ledger
from aureus_jupyter.values.budgets import BudgetUse, Charge, Standing, Wish
from aureus_jupyter.values.draft import Draft
from aureus_jupyter.values.obligations import Budget, Measure
from aureus_jupyter.values.run import Run
from aureus_jupyter.values.verdict import Verdict, VerdictKind

__all__ = ["LEAST_TOKENS", "MOST_TOKENS", "Account", "Metered"]

LEAST_TOKENS, MOST_TOKENS = 500, 20_000
"""What a question for a model reserves: no useful one takes less, and with its repairs it may not take more."""

Pot = tuple[str, Measure]


class Account:
    """One run's dealings with the ledger, which is opened only when a budget applies."""

    def __init__(self, ledger: Callable[[], Ledger], principal: str, now: Callable[[], datetime]) -> None:
        self._open, self._principal, self._now = ledger, principal, now
        self._reserved: list[Pot] = []
        self._standings: list[Standing] = []
        self._filtered = False
        self.tokens = 0
        self.touched = False

    def look(self, verdict: Verdict, rows: int | None, scanned: Callable[[], int | None]) -> tuple[BudgetUse, ...]:
        """Return what a statement would take. Charges nothing. Raises Refused `budget_spent`, `scan_unknown`, Unavailable."""
        wanted = self._wanted(verdict, rows, scanned)
        found = self._open().look(self._principal, wanted, self._now()) if wanted else ()
        return self._checked(found, _is_filtered(verdict))

    def reserve(
        self, run_id: str, verdict: Verdict, rows: int | None, scanned: Callable[[], int | None]
    ) -> tuple[BudgetUse, ...]:
        """Charge a statement before the engine is touched, and return what it takes. Raises what `look` raises."""
        wanted = self._wanted(verdict, rows, scanned)
        self._filtered = _is_filtered(verdict)
        return self._checked(self.charge(run_id, wanted), self._filtered) if wanted else ()

    def rows(self, cap: int | None) -> int | None:
        """Return how many rows the result may have: the smaller of the cap and what was reserved."""
        caps = [int(one.asked) for one in self._standings if one.budget.measure is Measure.RESULT_ROWS]
        return min([*caps, *([] if cap is None else [cap])], default=None)

    def charge(self, run_id: str, wanted: Sequence[Wish]) -> Sequence[Standing]:
        """Reserve all wishes or none. What an interrupt hides from us is known by what was asked."""
        # From here on it counts as reserved: only settling what is not there does no harm.
        pots = [(wish.budget.policy, wish.budget.measure) for wish in wanted]
        self._reserved += pots
        found = self._open().reserve(run_id, self._principal, wanted, self._now())
        if all(one.fits for one in found):
            self._standings += found
        return found

    def settle(self, run: Run) -> tuple[BudgetUse, ...]:
        """Write what the run really took and return it. Never raises: what cannot be written stays charged in full."""
        if not self._reserved:
            return run.budgets
        taken = {pot: self._taken(pot, run) for pot in self._reserved}
        charges = [Charge(policy=p, measure=m, amount=a) for (p, m), a in taken.items() if a is not None]
        try:
            self._open().settle(run.id, charges)
        except Exception:
            return run.budgets
        kept = [use for use in run.budgets if not self._is_ours(use.budget)]
        found = [self._use(one, taken[one.budget.policy, one.budget.measure]) for one in self._standings]
        return (*kept, *found)

    def _use(self, one: Standing, taken: Decimal | None) -> BudgetUse:
        return use_of(one, one.asked if taken is None else taken, self._filtered)

    def _is_ours(self, budget: Budget) -> bool:
        return any(one.budget == budget for one in self._standings)

    def _taken(self, pot: Pot, run: Run) -> Decimal | None:
        """Return what was taken of a pot; None, where an interrupt hides what was reserved, leaves that."""
        if pot[1] is Measure.TOKENS:
            return Decimal(self.tokens)
        if not self.touched:
            return Decimal(0)
        if pot[1] is Measure.RESULT_ROWS:
            return Decimal(run.result.rows if run.result is not None else 0)
        asked = [one.asked for one in self._standings if (one.budget.policy, one.budget.measure) == pot]
        return asked[0] if asked else None

    def _wanted(self, verdict: Verdict, rows: int | None, scanned: Callable[[], int | None]) -> Sequence[Wish]:
        budgets = [b for b in verdict.budgets if (b.policy, b.measure) not in self._reserved]
        counted = any(b.measure in {Measure.SCANNED_ROWS, Measure.COST} for b in budgets)
        return wishes(budgets, scanned() if counted else None, rows, self.tokens)

    def _checked(self, found: Sequence[Standing], filtered: bool) -> tuple[BudgetUse, ...]:
        if not all(one.fits for one in found):
            raise refusal(found, filtered)
        return uses(found, filtered)


def _is_filtered(verdict: Verdict) -> bool:
    """Whether the number of raw rows is not the asker's to know."""
    return bool(verdict.filters or verdict.summaries) or verdict.kind is not VerdictKind.ALLOW


class Metered:
    """A copilot whose tokens come out of an account: reserved before a model is asked, whatever the draft then comes to.

    Which budgets a statement has is known when it is there. So a question is charged to every budget of tokens over a dataset
    its prompt may speak of; one that only the statement shows is charged when the statement is.
    """

    def __init__(
        self, copilot: Copilot, account: Account, run_id: str, budgets: Callable[[], Sequence[Budget]]
    ) -> None:
        self._copilot, self._account, self._run_id, self._budgets = copilot, account, run_id, budgets
        self._before = self._spent()
        self._granted: int | None = None
        self._wishes: tuple[Wish, ...] | None = None

    @property
    def name(self) -> str:
        """The copilot's own name."""
        return self._copilot.name

    @property
    def tokens_spent(self) -> int:
        """The copilot's own count."""
        return self._copilot.tokens_spent

    def draft(self, question: str, context: CopilotContext) -> Draft:
        """Return the copilot's draft. Raises what it raises, and Refused `budget_spent` before a model is asked."""
        if self._wishes is None:
            self._wishes = token_wishes(self._budgets(), LEAST_TOKENS, MOST_TOKENS)
        if not context.feedback and verified_draft(question, context.catalog) is not None:
            # It needs no model, and so it may not ask one.
            return self._copilot.draft(question, replace(context, tokens=0 if self._wishes else None))
        self._reserve(self._wishes)
        left = None if self._granted is None else max(0, self._granted - (self._taken() or 0))
        try:
            return self._copilot.draft(question, replace(context, tokens=left))
        finally:
            taken = self._taken()
            if taken is None:
                # A copilot that does not count is taken to have spent all it could.
                taken = MOST_TOKENS if self._granted is None else self._granted
            self._account.tokens = taken

    def _reserve(self, wanted: Sequence[Wish]) -> None:
        if not wanted or self._granted is not None:
            return
        found = self._account.charge(self._run_id, wanted)
        if not all(one.fits for one in found):
            raise refusal(found, filtered=False)
        self._granted = min(int(one.asked) for one in found)

    def _taken(self) -> int | None:
        now = self._spent()
        return None if now is None or self._before is None else now - self._before

    def _spent(self) -> int | None:
        found = getattr(self._copilot, "tokens_spent", None)
        return found if isinstance(found, int) else None
