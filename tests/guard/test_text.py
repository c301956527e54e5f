"""Text before parsing: bounds, characters, parameters, SQL or question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aureus_jupyter.core import text
from aureus_jupyter.errors import Refused, UserError

KINDS = {
    "select a from b": True,
    "  -- note\n select 1": True,
    "(select 1) union (select 2)": True,
    "from loan": True,
    "with x as (select 1) select * from x": True,
    "values (1)": True,
    "table loan": True,
    "describe loan": True,
    "delete from loan": True,
    "drop table loan": True,
    "show tables": True,
    "update loan set x = 1": True,
    "explain select 1": True,
    "set threads=1": True,
    "select everything you can from the table": True,
    "Show me the expected loss by country": False,
    "With which borrowers do we have most exposure": False,
    "Select the best loans": False,
    "describe the loan portfolio please": False,
    "set the table": False,
    "expected loss for loans with PD above 10 %": False,
    "what is the PD?": False,
    "show loans by country?": False,
    "Which loans (in CZ) are late?": False,
}


@pytest.mark.parametrize(("cell", "is_sql"), KINDS.items())
def test_sql_or_question(cell: str, is_sql: bool) -> None:
    assert text.looks_like_sql(cell) is is_sql


BOUND = {
    "select :a, :b_1, :a": ("select $a, $b_1, $a", ("a", "b_1")),
    "select x::int, ':no', \":no\" -- :no": ("select x::int, ':no', \":no\" -- :no", ()),
    "select arr[1:n], arr[:n], {'a':b}": ("select arr[1:n], arr[:n], {'a':b}", ()),
    "select {'a': :b}": ("select {'a': $b}", ("b",)),
    "where x>:a and y=:b": ("where x>$a and y=$b", ("a", "b")),
    "select $$ :a $$, $t$ :a $t$ /* :a /* :a */ */": ("select $$ :a $$, $t$ :a $t$ /* :a /* :a */ */", ()),
    "select f(a := 1)": ("select f(a := 1)", ()),
    "select 'it''s :a', :c": ("select 'it''s :a', $c", ("c",)),
}


@pytest.mark.parametrize(("before", "expected"), BOUND.items())
def test_parameters_keep_every_other_character(before: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert text.bind_names(before) == expected


@given(st.text())
def test_pieces_cover_the_text(source: str) -> None:
    found = list(text.pieces(source))
    assert "".join(source[p.start : p.end] for p in found) == source
    assert len(text.bind_names(source)[0]) == len(source)


@given(st.text(max_size=60))
def test_shape_never_raises(source: str) -> None:
    assert text.looks_like_sql(source + "x") in {True, False}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", "empty_cell"),
        ("x" * (text.MAX_BYTES + 1), "cell_too_large"),
        ("é" * (text.MAX_BYTES // 2 + 1), "cell_too_large"),
        ("a\x00b", "bad_text"),
        ("a\ud800b", "bad_text"),
        ("a\x7fb", "bad_text"),
    ],
)
def test_what_no_cell_may_hold(source: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        text.check_cell(source)
    assert caught.value.code == code


def test_the_place_of_a_bad_character() -> None:
    with pytest.raises(UserError) as caught:
        text.check_cell("select 1,\n  \x01")
    assert str(caught.value.span) == "line 2, column 3"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("select " + "(" * 65 + "1" + ")" * 65, "too_deep"),
        ("select " + "case when 1=1 then " * 65, "too_deep"),
        ("select " + "1," * 8000, "too_many_tokens"),
        ("select\u20031", "odd_character"),
        ("select 1 as a\u200db", "odd_character"),
    ],
)
def test_sql_bounds(source: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        text.check_sql(source)
    assert caught.value.code == code


def test_deep_but_allowed() -> None:
    text.check_sql("select " + "(" * 60 + "1" + ")" * 60 + ", case when 1=1 then 2 end, 'x\u00a0y', naïve")


@pytest.mark.parametrize(
    "sql",
    [
        r"select e'it\'s :p and \'' as x",
        r"select E'a\\' || ':p' || e'\':p' as x",
        "select $é$it :p here$é$ as x",
        "select $a_é1$:p$a_é1$ as x",
    ],
)
def test_nothing_in_a_literal_is_a_parameter(sql: str) -> None:
    assert text.bind_names(sql) == (sql, ())
    text.check_sql(sql)


def test_an_escaped_quote_does_not_open_a_gap_in_the_checks() -> None:
    with pytest.raises(Refused):
        text.check_sql("select e'\\'' as a, 1\u00a0as b, '' as c")
    with pytest.raises(Refused):
        text.check_sql("select e'\\'' as a, " + "(" * 300 + "1" + ")" * 300 + ", '' as c")


def test_a_cube_that_is_never_closed_is_bounded_too() -> None:
    text.check_sql("select 1 from t group by cube (a, b")
    with pytest.raises(Refused) as caught:
        text.check_sql("select 1 from t group by cube (" + "a, " * 13)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    ("cell", "is_sql"),
    [
        ("SELECT count(*) FROM loan WHERE days > ?", True),
        ("select 1 from loan limit ?", True),
        ("select the best loans?", False),
        ("SELEC count(*) FROM loan", True),
        ("selct a, b from loan", True),
        ("selected loans from 2020", False),
        ("elections (2020) count", False),
    ],
)
def test_a_slip_or_a_question_mark_for_a_value_makes_no_question(cell: str, is_sql: bool) -> None:
    assert text.looks_like_sql(cell) is is_sql


def test_a_sentence_is_shown_to_a_parser_where_it_may_be_sql() -> None:
    assert [text.might_be_sql(t) for t in ("from loan a", "select 1 a", "select all loans", "how many loans", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
