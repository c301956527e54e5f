"""Guesses about personal data, each with its evidence: what a name looks like, and what share of values pass a check.

Guesses are for review, not proof. Evidence is counts and shares; no value ever leaves this module.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from aureus_jupyter.adapters.catalogs.pii_checks import BIRTH_NUMBER, CHECKS, Check, birth_number_share
from aureus_jupyter.values.catalog import Pii

__all__ = ["Guess", "guess", "is_value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """How a column may identify persons, and why we think so."""

    level: Pii
    what: str
    evidence: str


# In English, and what banks of Central and Western Europe write. Words stand alone or between underscores.
_NAMES: tuple[tuple[str, Pii, str], ...] = (
    (
        r"(full|first|last|middle|given|family|sur|maiden|fore)_?name$|^name$|^(customer|client|holder|borrower|owner|debtor|"
        r"creditor|person|contact|cardholder)_?name$|^(prijmeni|jmeno|vorname|nachname|prenom|apellido|cognome|nazwisko)",
        Pii.DIRECT,
        "a person's name",
    ),
    (
        r"birth_?(number|no|nr)|rodne|national_?id|(^|_)ssn(_|$)|social_?security|passport|personal_?(id|number|no)|"
        r"tax_?id|(^|_)pesel(_|$)|personnummer|codice_?fiscale|driv(er|ing)s?_?licen[cs]e|identity_?(card|no|number)",
        Pii.DIRECT,
        "a national identity number",
    ),
    (
        r"birth_?(date|day)|date_?of_?birth|(^|_)dob(_|$)|(^|_)born(_|$)|geburtsdatum|datum_?narozeni|date_?naissance",
        Pii.DIRECT,
        "a date of birth",
    ),
    (r"(^|_)e?_?mail(_?addr(ess)?)?$", Pii.DIRECT, "an e-mail address"),
    (
        r"(^|_)(tele|mobile_?|cell_?|home_?|work_?)?phone|(^|_)mobile$|(^|_)tel$|telefon|(^|_)msisdn$",
        Pii.DIRECT,
        "a telephone number",
    ),
    (
        r"(^|_)iban(_|$)|^account_(to|from|number|no)$|^account$|card_?(number|no|pan)$|(^|_)pan$",
        Pii.DIRECT,
        "an account or card number",
    ),
    (r"(^|_)ip_?addr", Pii.DIRECT, "a network address"),
    (
        r"street|(^|_)addr(ess)?(_|$|\d)|addr_?line|(^|_)(adresa|ulice|strasse|anschrift|adresse)(_|$)",
        Pii.DIRECT,
        "an address",
    ),
    (
        r"(^|_)race(_|$)|ethnic|religio|politic|(^|_)(is_)?pep(_|$)|(^|_)health(_|$)|disability|union_member|sexual_|biometric",
        Pii.SENSITIVE,
        "a special category of personal data",
    ),
    (
        r"^gender$|^sex$|(^|_)age$|marital|(^|_)zip(_|$|code)|post_?code|postal|(^|_)income|salary|(^|_)wages?(_|$)|nationality|"
        r"citizenship|occupation|^(psc|plz)$|pohlavi|geschlecht",
        Pii.QUASI,
        "a trait that identifies together with others",
    ),
)
# What fewer values than this pass by chance: five that all pass, or twenty of which most do.
_FEW, _ENOUGH = 5, 20


def guess(name: str, values: Sequence[str]) -> Guess | None:
    """Return what a column probably holds, or None. `values` are distinct samples as text.

    A name alone is enough for a guess; checked values are stronger. A check counts when it passes for the share of values
    the check asks for, of at least 20; or for every one of at least five; or at once where no text passes by chance.
    """
    by_name = _by_name(name)
    found = _by_values(values)
    if found is None:
        return by_name
    if by_name is not None:
        level = Pii.SENSITIVE if by_name.level is Pii.SENSITIVE else found.level
        return Guess(level=level, what=found.what, evidence=f"{found.evidence}; {by_name.evidence}")
    return found


def is_value(text: str) -> bool:
    """Whether a text is itself an e-mail address, a card number and the like: as a column's name it is a lost header."""
    return any(check.passes(text.strip()) for check in CHECKS if check.alone)


def _by_name(name: str) -> Guess | None:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    lowered = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", plain).lower().strip("_")
    for pattern, level, what in _NAMES:
        if re.search(pattern, lowered):
            return Guess(level=level, what=what, evidence=f"its name reads like {what}")
    return None


def _by_values(values: Sequence[str]) -> Guess | None:
    best: tuple[int, Check] | None = None
    for check in CHECKS if values else ():
        passed = sum(map(check.passes, values))
        if _counts(check, passed, len(values)) and (best is None or passed > best[0]):
            best = (passed, check)
    if best is not None:
        return _said(best[0], len(values), best[1].what)
    added = birth_number_share(values) if len(values) >= _ENOUGH else None
    if added is None:
        return None
    evidence = f"all {len(values):,} distinct values read as yymmdd, {added:.0%} of them with 50 added to the month as for women"
    return Guess(level=Pii.DIRECT, what=BIRTH_NUMBER, evidence=evidence)


def _counts(check: Check, passed: int, count: int) -> bool:
    if passed == count and count >= _FEW:
        return True
    return passed >= check.least * count and passed > 0 and (count >= _ENOUGH or check.certain)


def _said(passed: int, count: int, what: str) -> Guess:
    # Rounded down: what is said to be all must be all.
    evidence = f"{100 * passed // count}% of {count:,} distinct values pass {what}"
    return Guess(level=Pii.DIRECT, what=what, evidence=evidence)
