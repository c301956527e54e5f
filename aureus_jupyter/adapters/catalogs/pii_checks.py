"""Checks a value passes when it is a card number, an IBAN, a national identity number and the like. Pure; no guess here."""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

__all__ = ["BIRTH_NUMBER", "CHECKS", "Check", "birth_number_share"]

BIRTH_NUMBER = "the form of a Czech or Slovak birth number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: what it is, and the share of values that must pass.

    `alone`: a column's name that passes is a value, not a name. `certain`: nothing passes by chance, so few values will do.
    """

    passes: Callable[[str], bool]
    what: str
    least: float = 0.8
    alone: bool = False
    certain: bool = False
    verb: str = "pass"


@cache
def _standard(module: str) -> Any:
    return importlib.import_module(f"stdnum.{module}")


def _valid(module: str, text: str) -> bool:
    return bool(_standard(module).is_valid(text))


def _card(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    return re.fullmatch(r"[2-6]\d{12,18}", digits, re.ASCII) is not None and _valid("luhn", digits)


def _ssn(text: str) -> bool:
    # Nearly every nine digits are a US number; only the hyphens tell.
    return re.fullmatch(r"\d{3}-\d{2}-\d{4}", text, re.ASCII) is not None and _valid("us.ssn", text)


def _email(text: str) -> bool:
    return (
        re.search(r"[^@\s<>\"']{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}\b", text[:4000])
        is not None
    )


def _phone(text: str) -> bool:
    # Two zeros also begin a number padded with zeros; then only its groups tell.
    plain = re.sub(r"[\s()/.-]", "", text)
    international = re.fullmatch(r"(\+|00)[1-9]\d{6,14}", plain, re.ASCII) and (text.startswith("+") or plain != text)
    grouped = re.fullmatch(r"(\+?\d{1,3}[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{3,4}", text, re.ASCII)
    return bool(international) or grouped is not None


def _announces(text: str) -> bool:
    """Whether a note announces what identifies: only longer texts, as one of these words alone is the name of a kind."""
    words = r"\b(passport|date of birth|dob|place of birth|born (on|in)|national id|ssn|identity card|tax id|driver'?s licen[cs]e)\b"
    return len(text) >= 20 and re.search(words, text[:4000], re.IGNORECASE | re.ASCII) is not None


def _address(text: str) -> bool:
    if not (text.count(".") == 3 or text.count(":") >= 2):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


# National numbers with check digits: what is tried, by country. Each alone must reach the share, so that a tenth of
# random digits passing each of many does not add up.
_NATIONAL = {
    "cz.rc": "Czech and Slovak",
    "pl.pesel": "Polish",
    "bg.egn": "Bulgarian",
    "se.personnummer": "Swedish",
    "no.fodselsnummer": "Norwegian",
    "fi.hetu": "Finnish",
    "dk.cpr": "Danish",
    "be.nn": "Belgian",
    "nl.bsn": "Dutch",
    "it.codicefiscale": "Italian",
    "es.dni": "Spanish",
    "es.nie": "Spanish foreigners'",
    "fr.nir": "French",
    "de.idnr": "German",
    "ro.cnp": "Romanian",
    "ee.ik": "Estonian and Lithuanian",
    "hr.oib": "Croatian",
    "at.vnr": "Austrian",
    "ch.ssn": "Swiss",
    "gb.nhs": "British health service",
    "tr.tckimlik": "Turkish",
    "br.cpf": "Brazilian",
    "in_.aadhaar": "Indian",
}

CHECKS: tuple[Check, ...] = (
    Check(passes=partial(_valid, "iban"), what="the IBAN checksum (ISO 13616)", least=0.05, alone=True, certain=True),
    Check(passes=_card, what="the card number checksum (ISO/IEC 7812, Luhn)", alone=True),
    Check(passes=_ssn, what="the form of a US social security number", least=0.3, alone=True),
    *(
        Check(passes=partial(_valid, module), what=f"the checksum of {whose} identity numbers ({module})", alone=True)
        for module, whose in _NATIONAL.items()
    ),
    Check(passes=_email, what="the form of an e-mail address", least=0.05, alone=True, certain=True),
    Check(passes=_phone, what="the form of a telephone number", least=0.3),
    Check(passes=_announces, what="words such as passport or date of birth", least=0.05, verb="hold"),
    Check(passes=_address, what="the form of a network address", least=0.3, alone=True),
)


def birth_number_share(values: Sequence[str]) -> float | None:
    """Return the share of values with 50 added to the month, when all read as yymmdd and some but not all have it.

    A birth number whose last digits were cut off has no checksum left; dates of which a part lies in months 51 to 62 are
    still telling: of random digits one in seven reads so.
    """
    women = 0
    for text in values:
        found = re.fullmatch(r"\d{2}(\d{2})(\d{2})(/?\d{3,4})?", text, re.ASCII)
        if found is None:
            return None
        month, day = int(found[1]), int(found[2])
        added = month > 50
        if not (1 <= (month - 50 if added else month) <= 12 and 1 <= day <= 31):
            return None
        women += added
    share = women / len(values)
    return share if 0.05 <= share <= 0.95 else None
