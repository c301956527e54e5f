"""Guesses about personal data, each with its evidence: what a name looks like, and what share of values pass a check.

Guesses are for review, not proof. Evidence is counts and shares; no value ever leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aureus_jupyter.values.catalog import Pii

__all__ = ["Guess", "guess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """How a column may identify persons, and why we think so."""

    level: Pii
    what: str
    evidence: str


_NAMES: tuple[tuple[str, Pii, str], ...] = (
    (
        r"(full|first|last|given|family|sur|maiden)_?name$|^name$|^(customer|client|holder|borrower)_?name$",
        Pii.DIRECT,
        "a person's name",
    ),
    (
        r"birth_?(number|no|nr)|rodne|national_?id|^ssn$|social_security|passport|personal_?(id|number)|tax_?id",
        Pii.DIRECT,
        "a national identity number",
    ),
    (r"birth_?(date|day)|date_?of_?birth|^dob$|^born", Pii.DIRECT, "a date of birth"),
    (r"e?mail(_?address)?$", Pii.DIRECT, "an e-mail address"),
    (r"phone|mobile|^tel$|telephone", Pii.DIRECT, "a telephone number"),
    (
        r"iban|^account_(to|from|number|no)$|^account$|card_?(number|no|pan)$|^pan$",
        Pii.DIRECT,
        "an account or card number",
    ),
    (r"street|address|addr_?line", Pii.DIRECT, "an address"),
    (r"ip_?addr", Pii.DIRECT, "a network address"),
    (
        r"race|ethnic|religio|politic|^pep|health|disab|union_member|sexual",
        Pii.SENSITIVE,
        "a special category of personal data",
    ),
    (
        r"^gender$|^sex$|^age$|marital|zip|post_?code|postal|income|salary|wage|nationality|citizenship|occupation",
        Pii.QUASI,
        "a trait that identifies together with others",
    ),
)


def _luhn(text: str) -> bool:
    from stdnum import luhn

    return text.isdigit() and 13 <= len(text) <= 19 and bool(luhn.is_valid(text))


def _iban(text: str) -> bool:
    from stdnum import iban

    return bool(iban.is_valid(text))


def _national(text: str) -> bool:
    """Whether a text passes one of the checks for national numbers that carry a check digit and a date."""
    from stdnum.bg import egn
    from stdnum.cz import rc
    from stdnum.pl import pesel
    from stdnum.se import personnummer

    return any(bool(check.is_valid(text)) for check in (rc, pesel, egn, personnummer))


def _email(text: str) -> bool:
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}", text) is not None


def _phone(text: str) -> bool:
    return re.fullmatch(r"\+\d{7,15}", re.sub(r"[\s()/-]", "", text)) is not None


_CHECKS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (_iban, "the IBAN checksum (ISO 13616)"),
    (_luhn, "the card number checksum (ISO/IEC 7812, Luhn)"),
    (_national, "a national identity number's checksum"),
    (_email, "the form of an e-mail address"),
    (_phone, "the form of an international telephone number"),
)
_ENOUGH, _SHARE = 20, 0.8


def guess(name: str, kind: str, values: Sequence[str]) -> Guess | None:
    """Return what a column probably holds, or None. `values` are distinct samples as text.

    A name alone is enough for a guess; checked values are stronger. A check counts when at least 20 values were looked at
    and 80 % pass.
    """
    found = _by_values(values)
    if found is not None:
        return found
    lowered = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    for pattern, level, what in _NAMES:
        if re.search(pattern, lowered):
            return Guess(level=level, what=what, evidence=f"its name reads like {what}")
    return None


def _by_values(values: Sequence[str]) -> Guess | None:
    if len(values) < _ENOUGH:
        return None
    for check, what in _CHECKS:
        share = sum(map(check, values)) / len(values)
        if share >= _SHARE:
            return Guess(
                level=Pii.DIRECT, what=what, evidence=f"{share:.0%} of {len(values)} distinct values pass {what}"
            )
    return None
