"""The SQLite ledger meets the port, and each check of the port's suite can fail."""

from __future__ import annotations

import pytest

from aureus_jupyter.testing.ledgers import LedgerConformance
from aureus_jupyter.testing.suites import checks


class TestSqlite(LedgerConformance):
    factory = "aureus_jupyter.adapters.ledgers.sqlite:SqliteLedger"
    processes = 20


BROKEN = {
    "NoLedger": "it_is_a_ledger",
    "ChargesByLooking": "looking_charges_nothing",
    "Forgets": "what_is_charged_is_kept what_a_killed_process_reserved_stays_charged",
    "OneTooMany": "what_is_charged_is_kept",
    "ByTheHour": "a_window_slides",
    "Sticks": "a_window_slides",
    "SaysNow": "it_says_when_enough_is_free",
    "Promises": "it_says_when_enough_is_free",
    "BelievesTheClock": "a_clock_that_steps_back_refills_nothing",
    "ForgetsTheFuture": "a_clock_that_steps_back_refills_nothing",
    "OnePurse": "pots_are_apart",
    "NobodyShares": "pots_are_apart",
    "OneMeasure": "pots_are_apart",
    "Halves": "all_or_nothing",
    "ChargesEachBudget": "a_pot_is_charged_once",
    "GrantsAll": "where_less_is_of_use_what_is_left_is_granted",
    "EachItsOwn": "where_less_is_of_use_what_is_left_is_granted",
    "SettlesAgain": "settling_gives_back_once",
    "NeverMore": "settling_gives_back_once",
    "ClosesAll": "settling_gives_back_once",
    "AddsUp": "a_run_is_charged_once_in_a_pot",
    "Floats": "amounts_are_exact",
    "Unlocked": "of_processes_that_spend_at_once_none_exceeds",
    "GivesBackTheDead": "what_a_killed_process_reserved_stays_charged",
    "TakesBrokenForEmpty": "a_place_that_holds_no_ledger_is_told",
    "RawErrors": "a_place_that_holds_no_ledger_is_told",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_ledger_fails_at_its_check(name: str) -> None:
    class Broken(LedgerConformance):
        factory = f"conformance.broken_ledgers:{name}"

    for check in BROKEN[name].split():
        with pytest.raises(Exception) as caught:
            getattr(Broken(), f"test_{check}")()
        assert not isinstance(caught.value, (ImportError, TypeError, AttributeError)), "the broken adapter must run"


def test_every_check_has_a_ledger_that_fails_it() -> None:
    assert sorted({f"test_{c}" for text in BROKEN.values() for c in text.split()}) == checks(LedgerConformance)
