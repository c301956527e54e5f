"""Guesses about personal data, each with its evidence: what a name looks like, and what share of values pass a check.

Guesses are for review, not proof. Evidence is counts and shares; no value ever leaves this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aureus_jupyter.adapters.catalogs.pii_checks import BIRTH_NUMBER, CHECKS, Check, birth_number_share
from aureus_jupyter.adapters.catalogs.pii_names import by_name
from aureus_jupyter.values.catalog import Pii

__all__ = ["Guess", "guess", "is_value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """How a column may identify persons, and why we think so."""

    level: Pii
    what: str
    evidence: str


# What fewer values than this pass by chance: five that all pass, or twenty of which most do.
_FEW, _ENOUGH = 5, 20


def guess(name: str, values: Sequence[str], kind: str = "text", fields: Sequence[str] = ()) -> Guess | None:
    """Return what a column probably holds, or None. `values` are distinct samples as text, `kind` the family of its type, `fields`
    the names inside a type that has some.

    A name alone is enough for a guess; checked values are stronger. A check counts when it passes for the share of values
    the check asks for, of at least 20; or for every one of at least five; or at once where no text passes by chance.
    """
    named = _by_name(name, kind, fields)
    found = _by_values(values)
    if found is None:
        return named
    if named is not None:
        level = Pii.SENSITIVE if named.level is Pii.SENSITIVE else found.level
        return Guess(level=level, what=found.what, evidence=f"{found.evidence}; {named.evidence}")
    return found


def is_value(text: str) -> bool:
    """Whether a text is itself an e-mail address, a card number and the like: as a column's name it is a lost header."""
    return any(check.passes(text.strip()) for check in CHECKS if check.alone)


def _by_name(name: str, kind: str, fields: Sequence[str]) -> Guess | None:
    """Judge the name and those inside. Of several the one most in need of protection counts."""
    found = [(rule, "its name reads like") for rule in (by_name(name, kind),) if rule is not None]
    inside = (by_name(field, "text") for field in fields)
    found += [(rule, "the name of a field in it reads like") for rule in inside if rule is not None]
    if not found:
        return None
    rule, reads = max(found, key=lambda one: [*Pii].index(one[0].level))
    return Guess(level=rule.level, what=rule.what, evidence=f"{reads} {rule.what}")


def _by_values(values: Sequence[str]) -> Guess | None:
    best: tuple[int, Check] | None = None
    for check in CHECKS if values else ():
        passed = sum(map(check.passes, values))
        if _counts(check, passed, len(values)) and (best is None or passed > best[0]):
            best = (passed, check)
    if best is not None:
        return _said(best[0], len(values), best[1])
    added = birth_number_share(values) if len(values) >= _ENOUGH else None
    if added is None:
        return None
    evidence = f"all {len(values):,} distinct values read as yymmdd, {added:.0%} of them with 50 added to the month as for women"
    return Guess(level=Pii.DIRECT, what=BIRTH_NUMBER, evidence=evidence)


def _counts(check: Check, passed: int, count: int) -> bool:
    if passed == count and count >= _FEW:
        return True
    return passed >= check.least * count and passed > 0 and (count >= _ENOUGH or check.certain)


def _said(passed: int, count: int, check: Check) -> Guess:
    # Rounded down: what is said to be all must be all.
    evidence = f"{100 * passed // count}% of {count:,} distinct values {check.verb} {check.what}"
    return Guess(level=Pii.DIRECT, what=check.what, evidence=evidence)
