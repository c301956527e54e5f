"""What a column's name says about persons: in English, and what banks of Central and Western Europe write. Pure.

Words stand alone or between underscores. Both mistakes cost: a miss shows a person, a false alarm rounds a ratio to nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from aureus_jupyter.values.catalog import Pii

__all__ = ["NameRule", "by_name", "plain_name"]

_TEXT = frozenset({"text", "other"})
_NUMBERS = _TEXT | {"integer", "number", "uuid"}
_DATES = _TEXT | {"integer", "number", "date", "timestamp"}
_ANY = _DATES | {"boolean", "time", "uuid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """What a name looks like, what that would be, and for which kinds of types. `unless` takes back what only sounds alike."""

    pattern: str
    level: Pii
    what: str
    kinds: frozenset[str] = _NUMBERS
    unless: str = ""


# What has a name and is no person.
_THINGS = (
    r"(^|_)(bank|file|table|column|field|product|company|firm|business|corp(orate)?|org(ani[sz]ation)?|institution|issuer|lender|agency|"
    r"city|town|municipality|country|county|region|district|state|province|branch|fund|program(me)?|project|event|metric|model|category|"
    r"type|class|group|department|dept|division|currency|host|domain|server|database|db|schema|index|rule|policy|scenario|brand|merchant|"
    r"vessel|ship|school|university|station|campaign|code|security|ticker|sector|industry|exchange|market|page|site|app|application|"
    r"system|service|feature|package|module|function|job|task|team|role|portfolio|sheet|path|dataset|data|variable|param(eter)?|item|"
    r"article|plan|tag|label|key|object|stage|status|step|day|month|weekday|language|locale|zone|desk|book|strategy|instrument|asset|"
    r"commodity|unit|center|attribute|process|scheme|channel|store|shop|place|location|area|room|color|tier|level|segment|grade|cluster|"
    r"bucket|batch|stream|queue|topic|node|folder|directory|library|short|long|trade|trading|device|method|source|target|report|indicator)_?names?(_?\d+)?$"
)
_OF = r"(no|nr|num|number|nummer)"
_RULES: tuple[NameRule, ...] = (
    NameRule(
        pattern=r"birth_?(number|no|nr)|rodne|national_?(id|identi|insurance)|(^|_)(ssn|nino|cpf|bsn|aadhaar|dni|nif|pesel|hetu|egn|cnp|oib)(_|$)|"
        r"social_?(security|insurance)|passport|personal_?(id|number|no|code)(_|$)|tax_?(id|payer|number|no)|(^|_)tin(_|$)|steuer_?(id|nummer)|"
        r"personnummer|personenkennzeichen|fodselsnummer|codice_?fiscale|driv(er|ing)s?_?licen[cs]e|identity_?(card|document|no|number)|"
        r"(^|_)id_?(card|document)|citizen_?(id|no|number)|identification_?(no|number)|obcansk|dowod",
        level=Pii.DIRECT,
        what="a national identity number",
    ),
    NameRule(
        pattern=r"birth_?(date|day|dt|year|month|place)|(^|_)(birth|born|dob|yob)(_|$)|(date|day|year|month|place)_?of_?birth|"
        r"geburts(datum|tag|jahr|ort)|(^|_)geb_?datum|(datum|rok|misto)_?narozeni|date_?(de_?)?naissance|fecha_?(de_?)?nacimiento|data_?urodzenia|"
        r"data_?(di_?)?nascita",
        level=Pii.DIRECT,
        what="a date or place of birth",
        kinds=_DATES,
    ),
    NameRule(
        pattern=r"(^|_)e?_?mail(_?(addr(ess)?|id|primary|secondary|work|home|private|contact|\d+))*$",
        level=Pii.DIRECT,
        what="an e-mail address",
        kinds=_TEXT,
    ),
    NameRule(
        pattern=rf"(^|_)(tele|mobile_?|cell_?|home_?|work_?|contact_?)?phone|(^|_)(mobile|gsm|handy|fax|tel)(_?({_OF}|home|work|mobile|\d+))*$|(^|_)cell_?{_OF}$|"
        rf"contact_?{_OF}$|telefon|(^|_)msisdn(_|$)",
        level=Pii.DIRECT,
        what="a telephone number",
    ),
    NameRule(
        pattern=rf"(^|_)iban(_|$)|(^|_)(acc|acct|account|konto)_?({_OF}|to|from)(_|$)|^account$|kontonummer|cislo_?uctu|(^|_)(cc|card|credit_?card|"
        rf"debit_?card)_?({_OF}|pan)(_|$)|^(credit|debit)_?card$|(^|_)pan$|kartennummer|cislo_?karty|^name_?(orig|dest)$|"
        r"(^|_)(bank|debtor|creditor|beneficiary|sender|receiver|payer|payee|from|to|counterparty)_?(acc|acct|account|konto)$",
        level=Pii.DIRECT,
        what="an account or card number",
        unless=r"^(num|nr|no|n|count)_",
    ),
    NameRule(
        pattern=r"(^|_)ip(_?v[46])?(_?addr(ess)?)?$|(^|_)ip_?addr|(^|_)mac_?addr|(^|_)(imei|imsi)(_|$)",
        level=Pii.DIRECT,
        what="a network address or device number",
    ),
    NameRule(
        pattern=r"(^|_)street(s?_?\d+)?(_|$)|(^|_)addr(ess)?(_|$|\d)|addr_?line|(^|_)(adresa|ulice|ulica|anschrift|adresse|direccion|indirizzo)"
        r"(_|$)|strasse(_|$)",
        level=Pii.DIRECT,
        what="an address",
        kinds=_TEXT,
        unless=r"(addr(ess)?|street)_?(id|key|city|country|state)$",
    ),
    NameRule(
        pattern=r"(full|first|last|middle|given|family|sur|maiden|fore|nick|mothers?|fathers?|spouse)_?names?(_?\d+)?$|(^|_)names?(_?\d+)?$|"
        r"(^|_)[flm]name$|^(prijmeni|jmeno|vorname|nachname|prenom|nom|apellidos?|nombre|cognome|nome|nazwisko|imie)(_|$)|"
        r"(^|_)((card|account)_?holder|signatory|initials)$",
        level=Pii.DIRECT,
        what="a person's name",
        kinds=_TEXT,
        unless=_THINGS,
    ),
    NameRule(
        pattern=r"(^|_)(user_?name|login_?name|login)$",
        level=Pii.DIRECT,
        what="a user's name",
        kinds=_TEXT,
        unless=r"(last|first)_login",
    ),
    NameRule(
        pattern=r"(^|_)race(_|$)|ethnic|religio|politic|(^|_)(is_)?pep(_|$)|(^|_)health(_|$)|disability|union_member|sexual_|biometric|"
        r"diagnos|(^|_)(medical|criminal|genetic)(_|$)|convict(ion|ed)",
        level=Pii.SENSITIVE,
        what="a special category of personal data",
        kinds=_ANY,
    ),
    NameRule(
        pattern=r"(^|_)(gender|sex)(_?(code|cd|id|\d+))?$|pohlavi|geschlecht|(^|_)sexe$|(^|_)plec$",
        level=Pii.QUASI,
        what="a person's sex",
        kinds=_ANY,
    ),
    NameRule(
        pattern=r"(^|_)age(_?(years|group|band|range|at_.*))?$",
        level=Pii.QUASI,
        what="a person's age",
        unless=r"(^|_)(loan|account|acct|card|file|vehicle|car|property|building|house|credit|debt|invoice|asset|data|cache|record)_age",
    ),
    NameRule(pattern=r"marital|(^|_)marriage(_|$)|familienstand", level=Pii.QUASI, what="a marital status", kinds=_ANY),
    NameRule(
        pattern=r"(^|_)zip(_|$|code)|post_?code|postal|^(psc|plz)$|census_?tract|(^|_)(latitude|longitude|lat|lon|lng|geo_?location)$",
        level=Pii.QUASI,
        what="a postcode or place",
    ),
    NameRule(
        pattern=r"(^|_)income|salary|(^|_)wages?(_|$)",
        level=Pii.QUASI,
        what="an income",
        unless=r"_to_income|(interest|operating|fee|commission|comprehensive|investment|trading|rental|other|non_interest)_income|"
        r"income_(statement|tax_rate|stability)|salary_account",
    ),
    NameRule(
        pattern=r"nationality|citizenship|occupation(_|$)|profession(_|$)|(^|_)education(_level|_code)?$|(job|emp|employment)_?title|(^|_)employer(_|$)",
        level=Pii.QUASI,
        what="a trait that identifies together with others",
    ),
)
# About a datum, not the datum: when it was checked, what kind it is, how many there are.
_ABOUT = re.compile(
    r"_(type|flag|status|count|verified|valid|validated|validation|changed|source|length|indicator|ind|consent|opt_?(in|out)|expiry|exp|"
    r"expires|expiration|since|updated|created|ratio|pct|percent|rank|score)$|"
    r"^(has|is|num|count|number_of|no_of|days_since|months_since|verified|verification)_"
)
_LETTERS = str.maketrans(
    {"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "Ae", "œ": "oe"}
)


def plain_name(name: str) -> str:
    """Return a name in small ASCII letters with underscores between its words."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).encode("ascii", "ignore").decode()
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", plain).lower().strip("_")


def by_name(name: str, kind: str) -> NameRule | None:
    """Return the first rule a name of a column of this kind of type fits, or None."""
    plain = plain_name(name)
    about = _ABOUT.search(plain) is not None
    for rule in _RULES:
        if kind not in rule.kinds or (about and rule.level is not Pii.SENSITIVE):
            continue
        if re.search(rule.pattern, plain) and not (rule.unless and re.search(rule.unless, plain)):
            return rule
    return None
