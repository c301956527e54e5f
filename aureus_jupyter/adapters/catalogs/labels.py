"""Whether the words a contract protects data with are words we know. Pure; nothing here opens or closes a dataset.

Reading a contract takes an unknown word as the stricter case; here it is said, so that nobody takes a misspelling for a label.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aureus_jupyter.adapters.catalogs.contracts import ContractError, Place
from aureus_jupyter.core.nearest import nearest
from aureus_jupyter.values.catalog import Classification, Pii

__all__ = ["label_problems", "near"]

_DATASET, _COLUMN = ("classification", "jurisdiction"), ("pii", "unit", "piiEvidence")
_DURATIONS = ("frequency", "retention")
_PLACES = {
    "classification": "classification at the contract's own customProperties, or as a member of a column",
    "jurisdiction": "jurisdiction at the contract's own customProperties",
    "pii": "pii at the customProperties of a column",
}
# ISO 3166-1 alpha-2, and the reserved codes EU, EZ, UK and UN.
_COUNTRIES = frozenset(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG "
    "CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL "
    "GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA "
    "LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP "
    "NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
    "EU EZ UK UN".split()
)
_REGIONS = ("EEA", "EFTA", "APAC", "EMEA", "LATAM", "GLOBAL")


def near(word: Any, known: Iterable[str]) -> str:
    """Return words for the end of an expectation: the known one nearest to `word`, or nothing."""
    found = nearest(word, known, 1) if isinstance(word, str) else ()
    return f" (nearest: {found[0]})" if found else ""


def label_problems(contract: Any) -> Iterator[ContractError]:
    """Yield each label of a contract that is no word we know, with its place and the nearest one.

    Passes over what has another shape than a contract: that is said elsewhere.
    """
    if not isinstance(contract, Mapping):
        return
    yield from _custom(contract, [], _DATASET)
    yield from _durations(contract)
    tables = contract.get("schema")
    for table, item in enumerate(tables if isinstance(tables, list) else ()):
        columns = item.get("properties") if isinstance(item, Mapping) else None
        yield from _custom(item, ["schema", table], ()) if isinstance(item, Mapping) else ()
        for index, column in enumerate(columns if isinstance(columns, list) else ()):
            if isinstance(column, Mapping):
                place: Place = ["schema", table, "properties", index]
                if isinstance(column.get("classification"), str):
                    where: Place = [*place, "classification"]
                    yield from _word(column["classification"], where, "classification", Classification)
                yield from _custom(column, place, _COLUMN)


def _custom(entry: Mapping[str, Any], place: Place, known: tuple[str, ...]) -> Iterator[ContractError]:
    properties = entry.get("customProperties")
    for index, item in enumerate(properties if isinstance(properties, list) else ()):
        if not isinstance(item, Mapping) or not isinstance(item.get("property"), str):
            continue
        where: Place = [*place, "customProperties", index]
        name, value = item["property"], item.get("value")
        if name == "classification" and name in known:
            yield from _word(value, [*where, "value"], name, Classification)
        elif name == "pii" and name in known:
            yield from _word(value, [*where, "value"], name, Pii)
        elif name == "jurisdiction" and name in known:
            yield from _jurisdiction(value, [*where, "value"])
        elif name not in known and name in _PLACES:
            yield ContractError([*where, "property"], _PLACES[name], "it where nothing reads it")
        elif name not in known:
            yield from _misspelt(name, [*where, "property"], known)


def _durations(contract: Mapping[str, Any]) -> Iterator[ContractError]:
    """Find a duration that was meant to be ours; the standard has others, which say nothing here."""
    items = contract.get("slaProperties")
    for index, item in enumerate(items if isinstance(items, list) else ()):
        name = item.get("property") if isinstance(item, Mapping) else None
        if not isinstance(name, str) or name in _DURATIONS:
            continue
        plain = re.sub(r"[^a-z]", "", name.lower())
        alike = difflib.get_close_matches(plain, _DURATIONS, n=1, cutoff=0.75)
        meant = "frequency" if plain == "freshness" else next(iter(alike), "")
        if meant:
            where: Place = ["slaProperties", index, "property"]
            yield ContractError(where, f"{meant}, which is read", "a name like it that nothing reads")


def _word(value: Any, place: Place, what: str, known: Iterable[str]) -> Iterator[ContractError]:
    known = [str(word) for word in known]
    if value not in known:
        yield ContractError(place, f"{what} as one of {', '.join(known)}{near(value, known)}", "another word")


def _jurisdiction(value: Any, place: Place) -> Iterator[ContractError]:
    country, _, part = value.partition("-") if isinstance(value, str) else ("", "", "")
    known = country in _COUNTRIES and (country == value or re.fullmatch(r"[A-Z0-9]{1,3}", part, re.ASCII) is not None)
    if known or value in _REGIONS:
        return
    expected = (
        f"jurisdiction as an ISO 3166 code such as CZ or US-CA, as EU, EZ, UK or UN, or as one of {', '.join(_REGIONS)}"
    )
    nearest_code = near(value, [*sorted(_COUNTRIES), *_REGIONS])
    yield ContractError(place, expected + nearest_code, "another word")


def _misspelt(name: str, place: Place, known: tuple[str, ...]) -> Iterator[ContractError]:
    """Find a property that was meant to be ours: under a name that nothing reads it protects nothing."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    known = known or tuple(_PLACES)
    alike = difflib.get_close_matches(plain, [word.lower() for word in known], n=1, cutoff=0.75)
    if alike or plain.startswith("pii"):
        meant = next((word for word in known if alike and word.lower() == alike[0]), "pii")
        yield ContractError(place, f"a property that is read, such as {meant}", "a name like it that nothing reads")
