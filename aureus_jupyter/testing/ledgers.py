"""What every `ports.Ledger` must do, as tests an adapter's own suite inherits.

    class TestMine(LedgerConformance):
        factory = "my_package.ledgers:MyLedger"

Needs no test framework beyond one that runs methods called `test_*`. The factory is called with a path of which only the folder
exists, in this process and in others: run as a program, this module takes one job of a line of JSON and prints what it came to.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import Ledger
from aureus_jupyter.testing.engines import raised
from aureus_jupyter.values.budgets import Charge, Standing, Wish
from aureus_jupyter.values.ids import utc_text
from aureus_jupyter.values.obligations import Budget, Measure

__all__ = ["AT", "LedgerConformance", "budget", "charge", "fixed", "flexible"]

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_HOUR = timedelta(hours=1)


def budget(limit: str = "10", measure: Measure = Measure.QUERIES, policy: str = "p", **more: object) -> Budget:
    """Return a budget of one hour."""
    made = Budget(policy=policy, measure=measure, limit=limit, seconds=3600, reason="r")
    return replace(made, **more)  # type: ignore[arg-type]


def fixed(amount: str = "1", of: Budget | None = None) -> Wish:
    """Return a wish for exactly that much."""
    return Wish(budget=of or budget(), least=Decimal(amount), most=Decimal(amount))


def flexible(most: str | None = None, of: Budget | None = None) -> Wish:
    """Return a wish for one row or more."""
    return Wish(
        budget=of or budget(measure=Measure.RESULT_ROWS),
        least=Decimal(1),
        most=None if most is None else Decimal(most),
    )


def charge(amount: str, measure: Measure = Measure.QUERIES, policy: str = "p") -> Charge:
    """Return what a run really took of a pot."""
    return Charge(policy=policy, measure=measure, amount=Decimal(amount))


def _fits(found: Sequence[Standing]) -> list[bool]:
    return [one.fits for one in found]


class LedgerConformance:
    """The suite. `factory` names what makes a ledger; `processes` is how many spend at once, `each` how often."""

    factory = ""
    processes = 6
    each = 12

    def open(self, path: Path) -> Ledger:
        """Return a new ledger at the path, as another start of a kernel would make it."""
        return _made(self.factory, path)

    def break_place(self, path: Path) -> None:
        """Make a place at which no ledger can be kept. Override for a ledger that is not on a disk."""
        path.mkdir()

    @contextmanager
    def _new(self) -> Iterator[tuple[Path, Ledger]]:
        with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
            path = Path(folder).resolve() / "ledger"
            yield path, self.open(path)

    def _spent(self, ledger: Ledger, of: Budget, at: datetime = AT, who: str = "ana") -> Any:
        (one,) = ledger.look(who, [fixed("0", of)], at)
        return one.spent

    def test_it_is_a_ledger(self) -> None:
        """It has the port's methods, and a new one holds nothing."""
        with self._new() as (_, ledger):
            assert isinstance(ledger, Ledger)
            assert self._spent(ledger, budget()) == 0
            (one,) = ledger.look("ana", [fixed("10")], AT)
            assert (one.budget, one.asked, one.fits, one.free_at) == (budget(), Decimal(10), True, "")

    def test_looking_charges_nothing(self) -> None:
        """However often, and whatever is asked."""
        with self._new() as (path, ledger):
            for _ in range(3):
                assert _fits(ledger.look("ana", [fixed("10"), flexible()], AT)) == [True, True]
            assert self._spent(self.open(path), budget()) == 0

    def test_what_is_charged_is_kept(self) -> None:
        """Also for another ledger at the same place; the limit itself can be spent, and nothing beyond it."""
        with self._new() as (path, ledger):
            assert _fits(ledger.reserve("r1", "ana", [fixed("4")], AT)) == [True]
            other = self.open(path)
            assert self._spent(other, budget()) == 4
            assert _fits(other.reserve("r2", "ana", [fixed("6")], AT)) == [True]
            (one,) = ledger.reserve("r3", "ana", [fixed()], AT)
            assert [one.spent, one.asked, one.fits] == [10, 1, False]
            assert self._spent(ledger, budget()) == 10

    def test_a_window_slides(self) -> None:
        """A charge counts for exactly its window, to the microsecond, and for a budget with another window as long as that is."""
        with self._new() as (_, ledger):
            ledger.reserve("r1", "ana", [fixed("4")], AT)
            ledger.reserve("r2", "ana", [fixed("5")], AT + _HOUR / 2)
            assert self._spent(ledger, budget(), AT + _HOUR - _TICK) == 9
            assert self._spent(ledger, budget(), AT + _HOUR) == 5
            assert self._spent(ledger, budget(), AT + _HOUR * 1.5) == 0
            assert self._spent(ledger, budget(seconds=86_400), AT + _HOUR * 1.5) == 9

    def test_it_says_when_enough_is_free(self) -> None:
        """The earliest moment at which the wish fits; nothing when none will come."""
        with self._new() as (_, ledger):
            for number in range(5):
                ledger.reserve(f"r{number}", "ana", [fixed("2")], AT + timedelta(minutes=number))
            now = AT + timedelta(minutes=10)
            for amount, minutes in (("1", 0), ("2", 0), ("3", 1), ("10", 4)):
                (one,) = ledger.look("ana", [fixed(amount)], now)
                free = AT + _HOUR + timedelta(minutes=minutes)
                assert (one.fits, one.free_at) == (False, utc_text(free))
                assert _fits(ledger.look("ana", [fixed(amount)], free)) == [True]
                assert _fits(ledger.look("ana", [fixed(amount)], free - _TICK)) == [False]
            (one,) = ledger.look("ana", [fixed("11")], now)
            assert (one.fits, one.free_at) == (False, "")

    def test_a_clock_that_steps_back_refills_nothing(self) -> None:
        """What was spent later than now counts, and what is spent now counts as long as if the clock had not stepped."""
        with self._new() as (_, ledger):
            ledger.reserve("r1", "ana", [fixed("4")], AT)
            back = AT - 10 * _HOUR
            assert self._spent(ledger, budget(), back) == 4
            ledger.reserve("r2", "ana", [fixed("5")], back)
            assert self._spent(ledger, budget(), back) == 9
            assert self._spent(ledger, budget(), AT + _HOUR - _TICK) == 9
            assert self._spent(ledger, budget(), AT + _HOUR) == 0

    def test_pots_are_apart(self) -> None:
        """By policy and by measure; and by who spends, unless the budget is shared, which needs no charge to be made anew."""
        with self._new() as (_, ledger):
            ledger.reserve("r1", "ana", [fixed("4")], AT)
            ledger.reserve("r2", "eva", [fixed("5", budget(shared=True))], AT)
            for other in (budget(policy="q"), budget(measure=Measure.TOKENS)):
                assert self._spent(ledger, other) == 0
            assert [self._spent(ledger, budget(), who=who) for who in ("ana", "eva", "dan")] == [4, 5, 0]
            assert self._spent(ledger, budget(shared=True), who="dan") == 9

    def test_all_or_nothing(self) -> None:
        """Where one wish does not fit, none is charged."""
        with self._new() as (_, ledger):
            small = budget("1", policy="q")
            for wishes in (
                [fixed("2"), fixed("2", small)],
                [fixed("2", small), fixed("2")],
                [flexible(), fixed("2", small)],
            ):
                assert False in _fits(ledger.reserve("r1", "ana", wishes, AT))
                assert [self._spent(ledger, w.budget) for w in wishes] == [0, 0]

    def test_a_pot_is_charged_once(self) -> None:
        """Two budgets of one policy and measure are two limits on one pot: the tighter holds, the larger amount is charged."""
        hour, day = budget("3"), budget("10", seconds=86_400)
        with self._new() as (_, ledger):
            assert _fits(ledger.reserve("r1", "ana", [fixed("1", hour), fixed("2", day)], AT)) == [True, True]
            assert self._spent(ledger, hour) == self._spent(ledger, day) == 2
            assert _fits(ledger.reserve("r2", "ana", [fixed("2", hour), fixed("2", day)], AT)) == [False, True]

    def test_where_less_is_of_use_what_is_left_is_granted(self) -> None:
        """At most what was asked; of several budgets the tightest counts for all; of an empty one nothing is granted."""
        rows, tight = budget("10.5", Measure.RESULT_ROWS), budget("4", Measure.RESULT_ROWS, "q")
        with self._new() as (_, ledger):
            (one,) = ledger.reserve("r1", "ana", [flexible("3", rows)], AT)
            assert [one.asked, self._spent(ledger, rows)] == [3, 3]
            found = ledger.reserve("r2", "ana", [flexible("100", rows), flexible("100", tight)], AT)
            assert [one.asked for one in found] == [4, 4]
            assert (self._spent(ledger, rows), self._spent(ledger, tight)) == (7, 4)
            (one,) = ledger.reserve("r3", "ana", [flexible(None, rows)], AT)
            assert [one.asked, self._spent(ledger, rows)] == [3, 10], "half a row cannot be given"
            (one,) = ledger.reserve("r4", "ana", [flexible(None, rows)], AT)
            assert [one.asked, one.fits] == [1, False]

    def test_settling_gives_back_once(self) -> None:
        """At the time of the reservation; what is not named stays as it was, and what was never reserved is passed over."""
        wishes = [fixed("4"), fixed("5", budget(policy="q"))]
        with self._new() as (path, ledger):
            ledger.reserve("r1", "ana", wishes, AT)
            self.open(path).settle("r1", [charge("1"), charge("7", policy="none")])
            assert [self._spent(ledger, w.budget) for w in wishes] == [1, 5]
            ledger.settle("r1", [charge("0")])
            assert self._spent(ledger, budget()) == 1, "once"
            ledger.settle("r9", [charge("3")])
            assert self._spent(ledger, budget()) == 1
            assert self._spent(ledger, budget(), AT + _HOUR) == 0
            ledger.settle("r1", [charge("8", policy="q")])
            assert self._spent(ledger, budget(policy="q")) == 8, "what was really taken, even where it is more"

    def test_a_run_is_charged_once_in_a_pot(self) -> None:
        """A second reservation is refused and changes nothing; in another pot it is none."""
        with self._new() as (_, ledger):
            ledger.reserve("r1", "ana", [fixed("4")], AT)
            error = raised(
                Unavailable, lambda: ledger.reserve("r1", "ana", [fixed("2", budget(policy="q")), fixed("1")], AT)
            )
            assert error.code == "ledger_conflict"
            assert (self._spent(ledger, budget()), self._spent(ledger, budget(policy="q"))) == (4, 0)
            assert _fits(ledger.reserve("r1", "ana", [fixed("2", budget(policy="q"))], AT)) == [True]

    def test_amounts_are_exact(self) -> None:
        """To nine decimals, beside large ones, whatever the context of decimals in the thread."""
        money = budget("10000000000000000.3", Measure.COST)
        with self._new() as (_, ledger):
            for number, amount in enumerate(("10000000000000000", "0.1", "0.1", "0.099999999")):
                assert _fits(ledger.reserve(f"r{number}", "ana", [fixed(amount, money)], AT)) == [True]
            assert self._spent(ledger, money) == Decimal("10000000000000000.299999999")
            assert _fits(ledger.reserve("r8", "ana", [fixed("0.000000002", money)], AT)) == [False]
            assert _fits(ledger.reserve("r9", "ana", [fixed("0.000000001", money)], AT)) == [True]

    def test_of_processes_that_spend_at_once_none_exceeds(self) -> None:
        """Exactly the limit is spent, and each of them is told the truth."""
        with self._new() as (path, ledger):
            limit = self.processes * self.each // 2
            said = [
                _start("spend", self.factory, path, str(limit), str(n), str(self.each)) for n in range(self.processes)
            ]
            came = [json.loads(child.communicate()[0]) for child in said]
            assert sum(map(sum, came)) == limit
            assert self._spent(ledger, budget(str(limit), seconds=10**9), who="all") == limit

    def test_what_a_killed_process_reserved_stays_charged(self) -> None:
        """Nobody settles it, so nobody gives it back; and others go on."""
        with self._new() as (path, ledger):
            child = _start("die", self.factory, path)
            child.communicate()
            assert child.returncode == -signal.SIGKILL
            assert self._spent(ledger, budget()) == 7
            assert _fits(ledger.reserve("r2", "ana", [fixed("3")], AT)) == [True]

    def test_a_place_that_holds_no_ledger_is_told(self) -> None:
        """With a code and a hint; nothing is taken for empty."""
        with self._new() as (path, _):
            other = path.with_name("broken")
            self.break_place(other)
            ledger = self.open(other)
            for work in (
                lambda: ledger.look("ana", [fixed()], AT),
                lambda: ledger.reserve("r1", "ana", [fixed()], AT),
                lambda: ledger.settle("r1", [charge("1")]),
            ):
                error = raised(Unavailable, work)
                assert error.code
                assert error.hint


# -- other processes ---------------------------------------------------------------------------------------------------


def _made(factory: str, path: Path) -> Ledger:
    module, _, name = factory.partition(":")
    ledger: Ledger = getattr(import_module(module), name)(path)
    return ledger


def _start(*job: object) -> subprocess.Popen[str]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-m", "aureus_jupyter.testing.ledgers", *map(str, job)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def _spend(factory: str, path: str, limit: str, mark: str, each: str) -> list[bool]:
    ledger, wish = _made(factory, Path(path)), fixed("1", budget(limit, seconds=10**9))
    came = (ledger.reserve(f"r{mark}-{n}", "all", [wish], datetime.now(UTC)) for n in range(int(each)))
    return [found[0].fits for found in came]


def _die(factory: str, path: str) -> list[bool]:
    found = _made(factory, Path(path)).reserve("r1", "ana", [fixed("7")], AT)
    os.kill(os.getpid(), signal.SIGKILL)
    return _fits(found)


if __name__ == "__main__":
    action, *rest = sys.argv[1:]
    sys.stdout.write(json.dumps(_spend(*rest) if action == "spend" else _die(*rest)))
