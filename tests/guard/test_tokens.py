"""Masks that keep a form: tokens, pseudonyms, constants, domains."""

from __future__ import annotations

from dataclasses import replace

import duckdb
from shadows import (
    TYPES,
    mask,
    plan_with,
    text_of,
)

from aureus_jupyter.values.verdict import MaskMethod, Scalar


def test_tokens_keep_the_kinds_of_signs(raw: duckdb.DuckDBPyConnection) -> None:
    values = ["CZ65 0800-x", "0", "", "žluťoučký kůň 7", "A" * 1005, "CZ65 0800-x"]
    raw.execute("create or replace table odd as select unnest(?::varchar[]) as t", [values])
    shadow = replace(plan_with([mask("t", MaskMethod.TOKEN)]).shadows[0])
    token = next(part for part in shadow.projection if part.endswith('AS "t"'))
    text = replace(shadow, projection=(token,)).select("odd", ("keys.inner_pad", "keys.outer_pad"), {}, "keys")
    shown = [row[0] for row in raw.execute(text).fetchall()]
    assert shown[0] == shown[5] != values[0]
    for value, token in zip(values, shown, strict=True):
        assert len(token) == min(len(value), 1000)
        for was, is_ in zip(value, token, strict=False):
            kinds = (str.isdigit, str.isupper, str.islower) if was.isascii() else ()
            assert all(kind(is_) == kind(was) for kind in kinds)
            assert is_ == ("x" if not was.isascii() else is_ if was.isalnum() else was)
    assert len(set(shown[3:5])) == 2


def test_tokens_of_whole_numbers_stay_in_their_type(raw: duckdb.DuckDBPyConnection) -> None:
    numbers = {"i": 2147483647, "big": -9223372036854775808, "small": 32767}
    columns = ", ".join(f"({value})::{TYPES[name]} as {name}" for name, value in numbers.items())
    raw.execute(
        f"create or replace table most as select {columns} union all select 0, 7, -12 union all select null, null, null"
    )
    shadow = plan_with([mask(name, MaskMethod.TOKEN) for name in numbers]).shadows[0]
    made = [part for part in shadow.projection if part.endswith(tuple(f'AS "{name}"' for name in numbers))]
    text = replace(shadow, projection=tuple(made)).select("most", ("keys.inner_pad", "keys.outer_pad"), {}, "keys")
    rows = raw.execute(text).fetchall()
    assert [len(str(abs(v))) for v in rows[0]] == [10, 19, 5]
    assert [str(abs(v))[0] for v in rows[0]] == ["1", "1", "1"]
    assert [(len(str(abs(v))), v < 0) for v in rows[1]] == [(1, False), (1, False), (2, True)]
    assert rows[2] == (None, None, None)


def test_a_pseudonym_of_a_number_is_a_number(raw: duckdb.DuckDBPyConnection) -> None:
    rows = raw.execute(f"select big from ({text_of(plan_with([mask('big', MaskMethod.HASH)]).shadows[0])})").fetchall()
    assert rows[0][0] > 2**31 and rows[1][0] is None


def test_a_constant_shows_in_every_row(raw: duckdb.DuckDBPyConnection) -> None:
    constants: dict[str, Scalar] = {"t": "it's", "d": "2000-01-01", "n": "1.50", "i": 7, "b": False, "ts": "2000-01-01"}
    masks = [mask(name, MaskMethod.CONSTANT, value=value) for name, value in constants.items()]
    text = text_of(plan_with(masks).shadows[0])
    rows = raw.execute(f"select {', '.join(f'{name}::varchar' for name in constants)} from ({text})").fetchall()
    assert rows == [("it's", "2000-01-01", "1.50", "7", "false", "2000-01-01 00:00:00")] * 2


def test_an_email_shows_its_domain(raw: duckdb.DuckDBPyConnection) -> None:
    raw.execute("""create or replace table mails as select unnest(['ana@bank.cz', '"a@b"@x.org', '@', null]) as t""")
    shadow = plan_with([mask("t", MaskMethod.EMAIL)]).shadows[0]
    text = replace(shadow, projection=(shadow.projection[0],)).select("mails")
    assert [row[0] for row in raw.execute(text).fetchall()] == ["•••@bank.cz", "•••@x.org", "•••@", None]
