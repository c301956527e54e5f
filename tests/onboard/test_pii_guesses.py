"""Guesses at personal data: what is found, what is not, and that chance is not taken for proof."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.be import nn
from stdnum.cz import rc
from stdnum.fi import hetu
from stdnum.nl import bsn
from stdnum.pl import pesel

from aureus_jupyter.adapters.catalogs.pii import guess, is_value
from aureus_jupyter.adapters.catalogs.pii_checks import birth_number_share
from aureus_jupyter.values.catalog import Pii


def _iban(rng: random.Random) -> str:
    country, body = "CZ", "".join(rng.choices("0123456789", k=20))
    rest = int(body + "123500") % 97
    return f"{country}{98 - rest:02d}{body}"


def _card(rng: random.Random) -> str:
    start = "4" + "".join(rng.choices("0123456789", k=14))
    return start + luhn.calc_check_digit(start)


def _valid(check: Callable[[str], bool], make: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
    def one(rng: random.Random) -> str:
        return next(text for text in (make(rng) for _ in range(100_000)) if check(text))

    return one


def _dated(tail: int, mask: str = "{y:02d}{m:02d}{d:02d}{t}") -> Callable[[random.Random], str]:
    def one(rng: random.Random) -> str:
        tail_text = "".join(rng.choices("0123456789", k=tail))
        return mask.format(y=rng.randrange(60, 99), m=rng.randint(1, 12), d=rng.randint(1, 28), t=tail_text)

    return one


def _finnish(rng: random.Random) -> str:
    day = f"{rng.randint(1, 28):02d}{rng.randint(1, 12):02d}{rng.randrange(60, 99)}"
    return f"{day}-{rng.randrange(2, 899):03d}{rng.choice('0123456789ABCDEFHJKLMNPRSTUVWXY')}"


MADE: dict[str, tuple[Callable[[random.Random], str], str]] = {
    "iban": (_iban, "IBAN"),
    "card": (_card, "Luhn"),
    "cz": (_valid(rc.is_valid, _dated(4)), "cz.rc"),
    "pl": (_valid(pesel.is_valid, _dated(5)), "pl.pesel"),
    "be": (_valid(nn.is_valid, _dated(5)), "be.nn"),
    "nl": (_valid(bsn.is_valid, lambda r: str(r.randrange(10**8, 10**9))), "nl.bsn"),
    "fi": (
        _valid(hetu.is_valid, _finnish),
        "fi.hetu",
    ),
    "e-mail": (
        lambda r: f"{r.choice(['jan', 'eva.n', 'x+y'])}{r.randrange(10**6)}@bank{r.randrange(9)}.example",
        "e-mail",
    ),
    "note with e-mail": (lambda r: f"called, wrote to jan{r.randrange(10**6)}@bank.example again", "e-mail"),
    "phone": (lambda r: f"+420 {r.randrange(600, 799)} {r.randrange(100, 999)} {r.randrange(100, 999)}", "telephone"),
    "ssn": (
        lambda r: f"{r.randrange(100, 665):03d}-{r.randrange(10, 99)}-{r.randrange(1000, 9999)}",
        "social security",
    ),
    "address": (lambda r: ".".join(str(r.randrange(1, 255)) for _ in range(4)), "network address"),
}


@pytest.mark.parametrize("kind", sorted(MADE))
def test_values_alone_are_enough(kind: str) -> None:
    make, said = MADE[kind]
    rng = random.Random(kind)
    values = sorted({make(rng) for _ in range(60)})
    found = guess("column7", values)
    assert found is not None
    assert found.level is Pii.DIRECT
    assert said in found.evidence
    assert found.evidence.startswith(f"100% of {len(values)} ")
    assert not any(value in found.evidence for value in values)


@pytest.mark.parametrize("kind", sorted(MADE))
def test_one_wrong_in_ten_is_still_found_and_the_share_is_said(kind: str) -> None:
    make, said = MADE[kind]
    rng = random.Random(kind)
    values = sorted({make(rng) for _ in range(90)})[:45] + [f"n/a {n}" for n in range(5)]
    found = guess("column7", values)
    assert found is not None
    assert found.evidence.startswith("90% of 50 ")
    assert said in found.evidence


@pytest.mark.parametrize("digits", [5, 6, 7, 8, 9, 10, 11, 12, 13, 16])
def test_chance_is_not_proof(digits: int) -> None:
    rng = random.Random(digits)
    low, high = 10 ** (digits - 1), 10**digits
    assert guess("column7", [str(n) for n in {rng.randrange(low, high) for _ in range(400)}]) is None
    assert guess("column7", [str(low + n) for n in range(400)]) is None, "numbers in a row"


@pytest.mark.parametrize(
    "values",
    [
        [f"CZ{n:022d}" for n in range(30)],
        [f"item {n}" for n in range(30)],
        [f"2024-01-{n:02d}" for n in range(1, 29)],
        [f"1.{n}.3" for n in range(30)],
        [f"https://bank.example/{n}" for n in range(30)],
        [f"@user{n}" for n in range(30)],
        [f"{n}.5" for n in range(30)],
        ["", " ", "\0", "٣" * 16, "４" * 16, "x" * 100_000],
    ],
)
def test_what_only_looks_similar(values: list[str]) -> None:
    assert guess("column7", values) is None


def test_a_few_values_count_only_when_all_pass() -> None:
    rng = random.Random(1)
    good = [_card(rng) for _ in range(5)]
    assert guess("column7", good) is not None
    assert guess("column7", good[:4]) is None
    assert guess("column7", [*good, "n/a"]) is None


@pytest.mark.parametrize("kind", ["iban", "e-mail"])
def test_what_nothing_passes_by_chance_counts_at_once(kind: str) -> None:
    one = MADE[kind][0](random.Random(3))
    assert guess("column7", [one]) is not None
    assert guess("column7", [one, "n/a", "n/b"]) is not None
    assert guess("column7", ["n/a"]) is None


def test_the_share_is_never_rounded_up_to_all() -> None:
    rng = random.Random(2)
    found = guess("column7", [*(_iban(rng) for _ in range(399)), "n/a"])
    assert found is not None
    assert found.evidence.startswith("99% of 400 ")


def test_a_few_e_mail_addresses_among_notes_are_found() -> None:
    values = [f"note {n}" for n in range(90)] + [f"see jan{n}@bank.example" for n in range(10)]
    found = guess("remark", values)
    assert found is not None
    assert found.evidence.startswith("10% of 100 ")


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("first_name", Pii.DIRECT),
        ("lastName", Pii.DIRECT),
        ("Příjmení", Pii.DIRECT),
        ("Customer Name", Pii.DIRECT),
        ("birth_number", Pii.DIRECT),
        ("rodne_cislo", Pii.DIRECT),
        ("DateOfBirth", Pii.DIRECT),
        ("dob", Pii.DIRECT),
        ("E-Mail", Pii.DIRECT),
        ("emailAddress", Pii.DIRECT),
        ("phone_home", Pii.DIRECT),
        ("IBAN", Pii.DIRECT),
        ("card_no", Pii.DIRECT),
        ("account_to", Pii.DIRECT),
        ("street_line_1", Pii.DIRECT),
        ("address2", Pii.DIRECT),
        ("applicant_race_1", Pii.SENSITIVE),
        ("derived_ethnicity", Pii.SENSITIVE),
        ("is_pep", Pii.SENSITIVE),
        ("gender", Pii.QUASI),
        ("applicant_age", Pii.QUASI),
        ("zip_code", Pii.QUASI),
        ("annual_income", Pii.QUASI),
        ("employee_name", Pii.DIRECT),
        ("Guarantor Name", Pii.DIRECT),
        ("beneficiary_name", Pii.DIRECT),
        ("sdn_name", Pii.DIRECT),
        ("name_1", Pii.DIRECT),
        ("surname", Pii.DIRECT),
        ("nom", Pii.DIRECT),
        ("user_name", Pii.DIRECT),
        ("straße", Pii.DIRECT),
        ("home_address", Pii.DIRECT),
        ("birth_year", Pii.DIRECT),
        ("geburtsdatum", Pii.DIRECT),
        ("place_of_birth", Pii.DIRECT),
        ("email_1", Pii.DIRECT),
        ("contactEmail", Pii.DIRECT),
        ("mobile_no", Pii.DIRECT),
        ("contact_number", Pii.DIRECT),
        ("fax", Pii.DIRECT),
        ("acct_no", Pii.DIRECT),
        ("AccountNumber", Pii.DIRECT),
        ("kontonummer", Pii.DIRECT),
        ("beneficiary_account", Pii.DIRECT),
        ("nameOrig", Pii.DIRECT),
        ("cc_num", Pii.DIRECT),
        ("credit_card", Pii.DIRECT),
        ("ip", Pii.DIRECT),
        ("national_insurance_no", Pii.DIRECT),
        ("numéro_passport", Pii.DIRECT),
        ("bsn", Pii.DIRECT),
        ("steuer_id", Pii.DIRECT),
        ("identity_document", Pii.DIRECT),
        ("diagnosis", Pii.SENSITIVE),
        ("pep_verified", Pii.SENSITIVE),
        ("MARRIAGE", Pii.QUASI),
        ("EDUCATION", Pii.QUASI),
        ("emp_title", Pii.QUASI),
        ("customer_gender", Pii.QUASI),
        ("longitude", Pii.QUASI),
    ],
)
def test_names_alone(name: str, level: Pii) -> None:
    found = guess(name, [])
    assert found is not None
    assert found.level is level
    assert "name reads like" in found.evidence


@pytest.mark.parametrize(
    "name",
    "trace grace_period brace pepper stage page usage average image_id account_id district_id amount status balance "
    "is_disabled telemetry microphone_count k_symbol bank_to frequency issued duration payments mail_class filename "
    "healthy_ratio enumeration company nationwide_flag "
    "debt_to_income interest_income verified_income verification_income_joint phone_type email_verified has_phone address_id "
    "passport_expiry num_cc_carrying_balance num_accounts_30d_past_due open_credit_lines loan_age vehicle_age mortgage percentage "
    "bank_name Country_Name product_name file_name table_name branchName Bank_name city_name currency_name short_name username_count "
    "account_type card_id current_accounts_delinq total_debit_limit salary_account initial_listing_status stability "
    "grid_cell last_login professional_fees education_loan segment_name scheme_name "
    "tonnage wall_height platform fund_name marketing taxi_fare nominal".split(),
)
def test_names_that_only_contain_such_a_word(name: str) -> None:
    found = guess(name, [])
    assert found is None, found


@pytest.mark.parametrize(
    ("name", "kind", "level"),
    [
        ("birth", "date", Pii.DIRECT),
        ("dob", "timestamp", Pii.DIRECT),
        ("passport_issued", "date", None),
        ("address_since", "date", None),
        ("phone", "boolean", None),
        ("is_pep", "boolean", Pii.SENSITIVE),
        ("gender", "boolean", Pii.QUASI),
        ("name", "integer", None),
        ("address", "number", None),
        ("income", "number", Pii.QUASI),
        ("account", "integer", Pii.DIRECT),
        ("contact", "other", None),
        ("addresses", "other", None),
        ("address", "other", Pii.DIRECT),
    ],
)
def test_a_name_means_something_only_for_some_types(name: str, kind: str, level: Pii | None) -> None:
    found = guess(name, [], kind)
    assert (found.level if found else None) is level


def test_the_names_inside_a_type_are_read_and_the_strictest_counts() -> None:
    found = guess("contact", [], "other", ["kind", "email", "religion"])
    assert found is not None
    assert found.level is Pii.SENSITIVE
    assert "the name of a field in it" in found.evidence
    assert guess("contact", [], "other", ["kind", "amount"]) is None


@pytest.mark.parametrize("start", ["", "1", "99"])
def test_numbers_padded_with_zeros_are_no_telephone_numbers(start: str) -> None:
    values = [f"{int(start + '12345'):0{len(start) + 7}d}{n:03d}" for n in range(400)]
    assert guess("column7", values) is None


def test_two_zeros_and_groups_are_a_telephone_number() -> None:
    found = guess("column7", [f"00420 602 {n} 123" for n in range(100, 160)])
    assert found is not None
    assert "telephone" in found.evidence


def test_notes_that_announce_what_identifies_are_found() -> None:
    values = [f"no further remark is on file, case {n}" for n in range(90)]
    values += [f"DOB 0{n} Jan 1961; Passport X{n} (Elsewhere)" for n in range(10)]
    found = guess("remarks", values)
    assert found is not None
    assert found.evidence == "10% of 100 distinct values hold words such as passport or date of birth"
    assert guess("document", ["passport", "national id", "identity card", "tax id", "ssn"]) is None, "names of kinds"
    assert guess("remarks", values[:90]) is None


def test_a_birth_number_without_its_end_is_told_by_the_months_of_women() -> None:
    rng = random.Random(7)
    people = [(rng.randrange(20, 99), rng.randint(1, 12) + 50 * (n % 2), rng.randint(1, 28)) for n in range(200)]
    values = [f"{y:02d}{m:02d}{d:02d}" for y, m, d in people]
    found = guess("column7", values)
    assert found is not None
    assert "50 added to the month" in found.evidence
    only_dates = [f"{y:02d}{m % 50 or 1:02d}{d:02d}" for y, m, d in people]
    assert guess("column7", only_dates) is None
    assert birth_number_share(["991332"]) is None


def test_a_special_category_stays_one_whatever_its_values_look_like() -> None:
    found = guess("religion", [f"jan{n}@bank.example" for n in range(30)])
    assert found is not None
    assert found.level is Pii.SENSITIVE


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=30))
def test_no_text_makes_it_fail_or_is_repeated(name: str, values: list[str]) -> None:
    found = guess(name, values)
    is_value(name)
    if found is not None:
        assert not any(len(v) > 6 and v in found.evidence for v in values)


@pytest.mark.shared
def test_the_presidio_sample(shared: Path) -> None:
    """Real-looking values of another project's generator: each kind we claim to tell is told by its values alone."""
    rows = json.loads((shared / "fixtures" / "presidio" / "synth_dataset_v2.json").read_text("utf-8"))
    by_kind: dict[str, set[str]] = {}
    for row in rows:
        for span in row["spans"]:
            by_kind.setdefault(span["entity_type"], set()).add(span["entity_value"])
    told = {kind: guess("column7", sorted(values)) for kind, values in by_kind.items()}
    found = {kind for kind, one in told.items() if one is not None}
    assert found == {"CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"}
