"""Budgets as pure arithmetic: what a run wants out of each, what is granted, and what may be told of it.

Amounts are decimals, never floats. What is computed is rounded up, so that a budget is never exceeded by rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from aureus_jupyter.errors import Refused
from aureus_jupyter.values.budgets import BudgetUse, Charge, Standing, Wish
from aureus_jupyter.values.obligations import Budget, Measure

__all__ = [
    "budget_words",
    "charges_of",
    "granted",
    "left_words",
    "limit_words",
    "refusal",
    "token_wishes",
    "use_of",
    "uses",
    "wishes",
]

_NANO = Decimal("0.000000001")
_EXACT = Context(prec=60)
"""Never the context of the thread, which is the notebook's to set."""
_MILLION = Decimal(1_000_000)
_OF_ROWS = frozenset({Measure.SCANNED_ROWS, Measure.COST})
"""Measures that count raw rows, those among them that policy hides."""
_NAMES = {
    Measure.QUERIES: "queries",
    Measure.SCANNED_ROWS: "scanned rows",
    Measure.RESULT_ROWS: "rows given out",
    Measure.TOKENS: "tokens of a model",
}
_SPANS = {60: "a minute", 3600: "an hour", 86_400: "a day", 604_800: "a week", 2_592_000: "30 days"}


def wishes(budgets: Iterable[Budget], scanned: int | None, rows: int | None, tokens: int = 0) -> tuple[Wish, ...]:
    """Return what a statement wants out of its budgets.

    `scanned` are the rows the engine expects to scan, `rows` the cap of the result (None: no cap), `tokens` what a model
    took for it that no reservation covers. Of result rows less than all is of use: the result is cut to what is granted.
    Raises Refused `scan_unknown` when a budget counts scanned rows and nobody knows them.
    """
    found = []
    for budget in _distinct(budgets):
        if budget.measure is Measure.RESULT_ROWS:
            most = None if rows is None else Decimal(rows)
            found.append(Wish(budget=budget, least=Decimal(1), most=most))
            continue
        amount = _fixed(budget, scanned, tokens)
        if amount:
            found.append(Wish(budget=budget, least=amount, most=amount))
    return tuple(found)


def _fixed(budget: Budget, scanned: int | None, tokens: int) -> Decimal:
    if budget.measure is Measure.QUERIES:
        return Decimal(1)
    if budget.measure is Measure.TOKENS:
        return Decimal(tokens)
    if scanned is None:
        raise Refused(
            "scan_unknown",
            f"the policy {budget.policy} counts the rows that are scanned, and the engine cannot tell how many this would scan",
            hint="Write it without recursion, or ask your platform team to collect the table's statistics (ANALYZE).",
        )
    if budget.measure is Measure.SCANNED_ROWS:
        return Decimal(scanned)
    cost = _EXACT.divide(_EXACT.multiply(Decimal(scanned), Decimal(budget.price)), _MILLION)
    return cost.quantize(_NANO, ROUND_CEILING, _EXACT)


def token_wishes(budgets: Iterable[Budget], least: int, most: int) -> tuple[Wish, ...]:
    """Return what a question wants before a model is asked: so many tokens, none of which it need take."""
    kept = (budget for budget in _distinct(budgets) if budget.measure is Measure.TOKENS)
    return tuple(Wish(budget=budget, least=Decimal(least), most=Decimal(most)) for budget in kept)


def _distinct(budgets: Iterable[Budget]) -> tuple[Budget, ...]:
    """Keep one of those that differ in their words alone: a policy speaks of each dataset it applies to."""
    kept: dict[Budget, Budget] = {}
    for budget in budgets:
        kept.setdefault(replace(budget, reason=""), budget)
    return tuple(kept[key] for key in sorted(kept, key=repr))


def granted(asked: Sequence[Wish], spent: Sequence[Decimal]) -> tuple[tuple[Decimal, bool], ...]:
    """Return for each wish what it comes to, and whether that fits, where `spent` is what its budget's window holds.

    A fixed amount is the largest that its pot is asked for: one policy's two budgets of one measure are one pot, and it is
    charged once. Where less is of use, all wishes of a measure come to what the tightest budget has left, in whole units.
    """
    left = [_EXACT.subtract(Decimal(wish.budget.limit), taken) for wish, taken in zip(asked, spent, strict=True)]
    return tuple(
        (amount, amount <= rest)
        for amount, rest in ((_amount(wish, asked, left), rest) for wish, rest in zip(asked, left, strict=True))
    )


def _amount(wish: Wish, asked: Sequence[Wish], left: Sequence[Decimal]) -> Decimal:
    if wish.most == wish.least:
        return max(w.least for w in asked if (w.budget.policy, w.budget.measure) == _pot(wish.budget))
    bounds = [rest.to_integral_value(ROUND_FLOOR) for w, rest in zip(asked, left, strict=True) if _like(w, wish)]
    bounds += [w.most for w in asked if _like(w, wish) and w.most is not None]
    return max(wish.least, min(bounds))


def _like(one: Wish, other: Wish) -> bool:
    return one.budget.measure is other.budget.measure and one.most != one.least


def _pot(budget: Budget) -> tuple[str, Measure]:
    return budget.policy, budget.measure


def charges_of(standings: Iterable[Standing]) -> tuple[Charge, ...]:
    """Return what is charged when everything fits: each pot once."""
    pots = {_pot(one.budget): one.asked for one in standings}
    return tuple(Charge(policy=policy, measure=measure, amount=amount) for (policy, measure), amount in pots.items())


# -- what may be told --------------------------------------------------------------------------------------------------


def uses(standings: Iterable[Standing], filtered: bool) -> tuple[BudgetUse, ...]:
    """Return what may be told of a run's spending, where `filtered` says that policy hides rows from it.

    What is left of a budget of scanned rows is told in tenths only: two numbers would tell what a filtered run scanned.
    """
    return tuple(use_of(one, one.asked, filtered) for one in standings)


def use_of(one: Standing, asked: Decimal, filtered: bool = False) -> BudgetUse:
    """Return what may be told of one budget out of which `asked` is taken."""
    limit = Decimal(one.budget.limit)
    left = max(Decimal(0), _EXACT.subtract(_EXACT.subtract(limit, one.spent), asked))
    of_rows = one.budget.measure in _OF_ROWS
    return BudgetUse(
        budget=one.budget,
        asked=None if of_rows and filtered else _plain(asked),
        left=None if of_rows else _plain(left),
        tenths=int(_EXACT.divide(_EXACT.multiply(left, Decimal(10)), limit)) if limit else 0,
    )


def refusal(standings: Iterable[Standing], filtered: bool) -> Refused:
    """Return the refusal for a wish that does not fit: which policy, what was asked, and when enough is free again."""
    short = [one for one in standings if not one.fits]
    first = next((one for one in short if not one.free_at), short[0])
    use = use_of(first, Decimal(0), filtered)
    asked = "this needs more than is left"
    if not (first.budget.measure in _OF_ROWS and filtered):
        asked = f"this asks for {_number(first.asked)}"
    message = f"the policy {first.budget.policy} allows {limit_words(first.budget)}: {asked}, and {_left(use)}"
    if first.free_at:
        hint = f"Enough is free again at {max(one.free_at for one in short)}, if nothing else is spent until then."
    else:
        hint = "It is more than the whole budget, so waiting does not help: ask for less, or ask your platform team."
    return Refused("budget_spent", message, hint=hint)


def limit_words(budget: Budget) -> str:
    """Return what a budget allows, such as `100 queries in an hour`."""
    unit = _NAMES.get(budget.measure) or f"{budget.currency} for scanned rows".strip()
    span = _SPANS.get(budget.seconds, f"{budget.seconds:,} seconds")
    whose = " of everybody's together" if budget.shared else ""
    return f"{_number(Decimal(budget.limit))} {unit} in {span}{whose}"


def budget_words(use: BudgetUse, done: bool) -> str:
    """Return one sentence about what a run took (`done`) or would take, and what is left of the budget after it."""
    verb = "took" if done else "would take"
    asked = f"{verb} {_number(use.asked)} of" if use.asked is not None else ("counted in" if done else "would count in")
    after = "" if done else " after it"
    return (
        f"This {asked} {limit_words(use.budget)}, the budget of the policy {use.budget.policy}; {_left(use)}{after}. "
        f"{use.budget.reason}"
    )


def left_words(use: BudgetUse) -> str:
    """Return what is left of a budget as a table shows it."""
    return _number(use.left) if use.left is not None else f"about {use.tenths} tenths"


def _left(use: BudgetUse) -> str:
    if use.left is not None:
        return f"{_number(use.left)} {'is' if use.left == 1 else 'are'} left"
    return f"{use.tenths} tenths or more are left" if use.tenths > 1 else "less than two tenths are left"


def _plain(amount: Decimal) -> Decimal:
    """Return the amount as a person would write it: no zeros at its end, no exponent."""
    return Decimal(f"{amount.normalize(_EXACT):f}")


def _number(amount: Decimal) -> str:
    return f"{amount.normalize(_EXACT):,f}"
