"""Ledgers with one thing broken each. In a module of their own, because other processes make them too."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.ledgers import sqlite
from aureus_jupyter.adapters.ledgers.sqlite import SqliteLedger
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.budgets import Charge, Standing, Wish
from aureus_jupyter.values.ids import utc_text
from aureus_jupyter.values.obligations import Measure

Found = Sequence[Standing]


class Bent(SqliteLedger):
    """A ledger whose wishes, time and answers an edit bends."""

    def wishes(self, wishes: Sequence[Wish]) -> Sequence[Wish]:
        return wishes

    def who(self, principal: str) -> str:
        return principal

    def time(self, now: datetime) -> datetime:
        return now

    def answers(self, found: Found, now: datetime) -> Found:
        return found

    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return self.answers(super().look(self.who(principal), self.wishes(wishes), self.time(now)), now)

    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        found = super().reserve(run_id, self.who(principal), self.wishes(wishes), self.time(now))
        return self.answers(found, now)

    def sql(self, text: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as con:
            return con.execute(text, values).fetchall()


class NoLedger(SqliteLedger):
    settle = None  # type: ignore[assignment]  # the very thing that is broken


class ChargesByLooking(SqliteLedger):
    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return self.reserve(os.urandom(4).hex(), principal, wishes, now)


class Forgets(Bent):
    """Keeps what was spent in memory."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.with_name(f"{path.name}-{id(self)}-{os.getpid()}"))


class OneTooMany(Bent):
    def wishes(self, wishes: Sequence[Wish]) -> Sequence[Wish]:
        return [replace(w, budget=replace(w.budget, limit=str(Decimal(w.budget.limit) + 1))) for w in wishes]

    def answers(self, found: Found, now: datetime) -> Found:
        return [replace(s, budget=replace(s.budget, limit=str(Decimal(s.budget.limit) - 1))) for s in found]


class ByTheHour(Bent):
    """Counts from the full hour on."""

    def time(self, now: datetime) -> datetime:
        return now.replace(minute=0, second=0, microsecond=0)


class Sticks(Bent):
    """Counts a charge at the very end of its window."""

    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return super().look(principal, wishes, now - timedelta(microseconds=1))


class SaysNow(Bent):
    def answers(self, found: Found, now: datetime) -> Found:
        return [replace(s, free_at=utc_text(now) if s.free_at else "") for s in found]


class Promises(Bent):
    """Says when the window ends even if that does not help."""

    def answers(self, found: Found, now: datetime) -> Found:
        return [s if s.fits else replace(s, free_at=s.free_at or utc_text(now)) for s in found]


class BelievesTheClock(SqliteLedger):
    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return self._plain(lambda: super(BelievesTheClock, self).look(principal, wishes, now))

    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return self._plain(lambda: super(BelievesTheClock, self).reserve(run_id, principal, wishes, now))

    def _plain(self, work: Callable[[], Found]) -> Found:
        kept = sqlite._ledger_time
        sqlite._ledger_time = lambda con, now: (now - sqlite._BEGINNING) // timedelta(microseconds=1)
        try:
            return work()
        finally:
            sqlite._ledger_time = kept


class ForgetsTheFuture(Bent):
    """Takes what is later than now for wrong."""

    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        later = (now - sqlite._BEGINNING) // timedelta(microseconds=1)
        if self.path.exists():
            self.sql("DELETE FROM charge WHERE at > ?", later)
        return super().look(principal, wishes, now)


class OnePurse(Bent):
    def who(self, principal: str) -> str:
        return "all"


class NobodyShares(Bent):
    def wishes(self, wishes: Sequence[Wish]) -> Sequence[Wish]:
        return [replace(w, budget=replace(w.budget, shared=False)) for w in wishes]


class OneMeasure(Bent):
    def wishes(self, wishes: Sequence[Wish]) -> Sequence[Wish]:
        return [replace(w, budget=replace(w.budget, measure=Measure.QUERIES)) for w in wishes]


class Halves(Bent):
    """Charges the wishes that fit."""

    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return [one for w in wishes for one in super(Halves, self).reserve(run_id, principal, [w], now)]


class ChargesEachBudget(Bent):
    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return [
            one
            for n, w in enumerate(wishes)
            for one in super(ChargesEachBudget, self).reserve(f"{run_id}-{n}", principal, [w], now)
        ]


class GrantsAll(Bent):
    def wishes(self, wishes: Sequence[Wish]) -> Sequence[Wish]:
        return [replace(w, least=w.most) if w.most is not None else w for w in wishes]


class EachItsOwn(Bent):
    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return [one for w in wishes for one in super(EachItsOwn, self).reserve(run_id, principal, [w], now)]


class SettlesAgain(Bent):
    def settle(self, run_id: str, charges: Sequence[Charge]) -> None:
        self.sql("UPDATE charge SET settled = 0 WHERE run = ?", run_id)
        super().settle(run_id, charges)


class NeverMore(Bent):
    """Believes that nothing takes more than was reserved."""

    def settle(self, run_id: str, charges: Sequence[Charge]) -> None:
        for one in charges:
            row = self.sql("SELECT whole FROM charge WHERE run = ? AND policy = ?", run_id, one.policy)
            most = Decimal(row[0][0]) if row else one.amount
            super().settle(run_id, [replace(one, amount=min(one.amount, most))])


class ClosesAll(Bent):
    """Gives back what is not named."""

    def settle(self, run_id: str, charges: Sequence[Charge]) -> None:
        super().settle(run_id, charges)
        self.sql("UPDATE charge SET whole = 0, nano = 0 WHERE run = ? AND NOT settled", run_id)


class AddsUp(Bent):
    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return super().reserve(run_id + os.urandom(4).hex(), principal, wishes, now)


class Floats(Bent):
    def wishes(self, wishes: Sequence[Wish]) -> Sequence[Wish]:
        def rounded(amount: Decimal | None) -> Decimal | None:
            return None if amount is None else Decimal(str(float(round(amount, 8))))

        return [replace(w, least=rounded(w.least) or Decimal(0), most=rounded(w.most)) for w in wishes]


class Unlocked(Bent):
    """Looks first and charges then."""

    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        found = self.look(principal, wishes, now)
        time.sleep(0.01)
        if all(one.fits for one in found):
            endless = [replace(w, budget=replace(w.budget, limit="1000000")) for w in wishes]
            super().reserve(run_id, principal, endless, now)
        return found


class GivesBackTheDead(Bent):
    """Takes a process that is gone for one that spent nothing."""

    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        return super().reserve(f"{run_id}-{os.getpid()}", principal, wishes, now)

    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        if self.path.exists():
            self.sql("DELETE FROM charge WHERE NOT settled AND run NOT LIKE ?", f"%-{os.getpid()}")
        return super().look(principal, wishes, now)


class TakesBrokenForEmpty(Bent):
    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        try:
            return super().look(principal, wishes, now)
        except Unavailable:
            return [Standing(budget=w.budget, spent=Decimal(0), asked=w.least, fits=True) for w in wishes]


class RawErrors(Bent):
    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Found:
        with closing(sqlite3.connect(self.path)) as con:
            con.execute("SELECT count(*) FROM charge")
        return super().look(principal, wishes, now)
