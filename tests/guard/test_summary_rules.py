"""What a summary-only statement may be, by its text and tree alone; and what the guard keeps and asks of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ward import CATALOG, STAY

from aureus_jupyter.core import overlap
from aureus_jupyter.core.analyze import analyze, bound_text
from aureus_jupyter.core.clauses import UnclearError, clauses, items, named, without_alias
from aureus_jupyter.core.rewrite import rewrite
from aureus_jupyter.core.summary import check_values, summarise
from aureus_jupyter.errors import Refused, UserError
from aureus_jupyter.values.obligations import SummaryOnly
from aureus_jupyter.values.plan import Shadow, raw_marker
from aureus_jupyter.values.summaries import Answered, Summary
from aureus_jupyter.values.verdict import Verdict, VerdictKind

RULE = SummaryOnly(
    policy="few", dataset="stay", smallest=5, reason="r", person="person", protected=("cost", "Surcharge")
)
ROWS = replace(RULE, person="")
Parse = Callable[[str], Any]
Read = Callable[[str], Summary]


@pytest.fixture
def read(parse: Parse) -> Read:
    """Read a statement as the decider does."""

    def bound(text: str) -> Any:
        return parse(bound_text(text, "duckdb"))

    def made(sql: str) -> Summary:
        tree = bound(sql)
        return summarise(sql, tree, analyze(sql, tree, CATALOG, "duckdb"), STAY, (RULE,), bound)

    return made


def refusal(call: Callable[[], Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


# -- the text --------------------------------------------------------------------------------------------------------


def test_clauses_are_cut_by_their_first_words() -> None:
    found = clauses(
        "SELECT a, (SELECT 1 FROM t WHERE x) -- FROM u\nFROM t AS s WHERE a IS DISTINCT FROM 'x; FROM' GROUP BY a; x"
    )
    assert found == {
        "select": "a, (SELECT 1 FROM t WHERE x)",
        "from": "t AS s",
        "where": "a IS DISTINCT FROM 'x; FROM'",
        "group": "a",
    }
    assert clauses("  x SELECT 1") == {"select": "1"}
    assert clauses("SELECT") == {"select": ""}


@pytest.mark.parametrize(
    "text", ["SELECT 1 AS where FROM t WHERE x", "SELECT 1 GROUP x", "SELECT 1 ORDER", "SELECT 1 GROUP BY"]
)
def test_clauses_that_are_not_clear(text: str) -> None:
    with pytest.raises(UnclearError):
        clauses(text)


def test_items_and_their_aliases() -> None:
    assert items("a, f(b, c) AS d /* , */ , [1, 2]") == ("a", "f(b, c) AS d", "[1, 2]")
    assert without_alias("f(b, c) AS d", "D") == "f(b, c)"
    assert without_alias('a /* x */ "B ""c"""', 'B "c"') == "a"
    assert without_alias("a", "") == "a"
    assert without_alias("a", "a") == "a"
    for item, alias in (("b: a", "b"), ("a 'b'", "b"), ("f(a) c", "b"), ("t.a", "a"), ("as a", "a")):
        assert without_alias(item, alias) == item
    for text in ("a,,b", "", "a,"):
        with pytest.raises(UnclearError):
            items(text)


def test_what_from_names() -> None:
    assert named("stay") == ("stay", "stay")
    assert named('"Stay" AS s') == ('"Stay"', "s")
    assert named("stay -- x\n s") == ("stay", "s")
    for text in ("", "a, b", "a.b", "stay 's'", "s: stay", "a b c", "(stay)"):
        with pytest.raises(UnclearError):
            named(text)


# -- the shape -------------------------------------------------------------------------------------------------------


def test_a_summary_in_parts(read: Read) -> None:
    found = read(
        "SELECT age // 10 AS band, count(*) AS n, sum(Cost), count(DISTINCT person), round(avg(s.nights), 1) "
        "FROM stay s WHERE s.region <> :r AND ward IS NOT NULL GROUP BY band, 1 HAVING count(*) > :least AND age // 10 < 7 "
        "ORDER BY n, age // 10 LIMIT :most"
    )
    assert found == Summary(
        dataset="stay",
        table="stay",
        alias="s",
        where="s.region <> :r AND ward IS NOT NULL",
        keys=("age // 10", "age // 10"),
        counted=("cost", "nights"),
        used=("age", "region", "ward"),
        parameters=("r",),
    )


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT region, cost, count(*) FROM stay GROUP BY region", "the protected column cost by itself"),
        ("SELECT age, count(*) FROM stay", "a column that is no group key"),
        ("SELECT other.age, count(*) FROM stay GROUP BY other.age", "a name that is no column of it"),
        ("SELECT upper(max(region)) FROM stay", "the function upper over what is shown"),
        ("SELECT age + max(region) FROM stay GROUP BY age", "max, which can show"),
        ("SELECT sum(cost) OVER () + count(*) FROM stay", "a window in SELECT"),
        ("SELECT *, count(*) FROM stay", "a star in SELECT"),
        ("SELECT count(*) = 5 FROM stay", "the construct compare equal in SELECT"),
        ("SELECT count(*) FROM stay WHERE lower(region) = upper(region) AND sum(age) > 3", "an aggregate in WHERE"),
        ("SELECT count(*) FROM stay WHERE list_contains([1], age)", "the function list_contains in WHERE"),
        ("SELECT count(*) FROM stay WHERE #1 = 2", "a column by its number in WHERE"),
        ("SELECT count(*) FROM stay WHERE TRY(age = 1)", "the construct operator try in WHERE"),
        ("SELECT count(*) FROM stay GROUP BY 'x'", "a constant to group or order by"),
        ("SELECT count(*), 7 AS seven FROM stay GROUP BY seven", "a constant to group by"),
        ("SELECT count(*) FROM stay GROUP BY 5", "a constant to group or order by"),
        ("SELECT age AS x, region AS x, count(*) FROM stay GROUP BY x", "a name that is no column of it, or two"),
        ("SELECT age, count(*) FROM stay GROUP BY age HAVING age + 1 > 2", "more in HAVING"),
        ("SELECT age, count(*) FROM stay GROUP BY age HAVING 'now' > count(*)", "a time that moves"),
        ("SELECT age, count(*) FROM stay GROUP BY age HAVING count(cost) > 1", "more in HAVING"),
        ("SELECT age, count(*) FROM stay GROUP BY age ORDER BY count(cost)", "an order by something other"),
        ("SELECT age, count(*) FROM stay GROUP BY age LIMIT 1 + 1", "a computed LIMIT"),
        ("SELECT count(*) FROM stay age", "a column's name for the dataset"),
        ("SELECT count(*) AS cost FROM stay", "a column's name for something else"),
        ("SELECT age AS region, count(*) FROM stay GROUP BY age", "a column's name for something else"),
        ("SELECT count(DISTINCT cost) FROM stay", "DISTINCT inside count"),
        ("SELECT avg(DISTINCT age) FROM stay", "DISTINCT inside avg"),
        ("SELECT avg(person) FROM stay", "avg of the persons' numbers"),
        ("SELECT count(age, region) FROM stay", "count of something that is no column"),
        ("SELECT count(*) FROM stay WHERE age < ?", "a parameter that is not written as :name"),
        ("SELECT b: ward, count(*) FROM stay GROUP BY b", "a text whose clauses cannot be told apart"),
        ("SELECT count(*) FROM stay AS 's' WHERE age < 5", "a text whose clauses cannot be told apart"),
        ("SELECT count(*) FROM s: stay", "a text whose clauses cannot be told apart"),
        ("SELECT count(*) FROM stay WHERE region = '$aureus_x'", "a text whose clauses cannot be told apart"),
        ("SELECT count(*) FROM stay WHERE nights = 5", "groups that could each be one person"),
    ],
)
def test_refusals_say_what_stands_in_the_way(read: Read, sql: str, what: str) -> None:
    if "nights = 5" in sql:
        sql = sql.replace("nights", "stay_id")
    error = refusal(lambda: read(sql))
    assert error.code == "summaries_only"
    assert what in error.message
    assert error.hint


def test_a_refusal_points_at_the_place(read: Read) -> None:
    error = refusal(lambda: read("SELECT count(*)\nFROM stay\nWHERE cost > 5"))
    assert error.span is not None
    assert (error.span.line, error.span.column) == (3, 7)


def test_a_column_under_its_own_name_is_no_other_name(read: Read) -> None:
    assert read("SELECT ward AS ward, count(*) FROM stay GROUP BY ward").keys == ("ward",)


def test_without_a_tree_nothing_is_a_summary(parse: Parse) -> None:
    sql = "SELECT count(*) FROM stay"
    facts = analyze(sql, parse(sql), CATALOG, "duckdb")
    assert refusal(lambda: summarise(sql, None, facts, STAY, (RULE,), parse)).code == "cannot_meet"


@pytest.mark.parametrize(
    "said",
    [
        "SELECT 1 FROM stay AS stay WHERE age < 6",
        "SELECT 1 FROM stay AS other WHERE age < 5",
        "SELECT 1 FROM nurse AS stay WHERE age < 5",
        "SELECT 1 WHERE age < 5",
        "SELECT 1; SELECT 2",
        "SELECT FROM WHERE",
        "",
    ],
)
def test_what_is_read_in_the_parts_must_be_what_is_read_in_the_whole(parse: Parse, said: str) -> None:
    sql = "SELECT count(*) FROM stay WHERE age < 5"
    tree = parse(sql)

    def other(text: str) -> Any:
        return parse(said) if said else None

    error = refusal(lambda: summarise(sql, tree, analyze(sql, tree, CATALOG, "duckdb"), STAY, (RULE,), other))
    assert "cannot be told apart" in error.message


def test_a_text_with_another_number_of_parts_than_its_tree(parse: Parse) -> None:
    tree = parse("SELECT count(*) FROM stay")
    facts = analyze("SELECT count(*) FROM stay", tree, CATALOG, "duckdb")
    error = refusal(lambda: summarise("SELECT count(*), 1 FROM stay", tree, facts, STAY, (RULE,), parse))
    assert "cannot be told apart" in error.message


def test_parts_that_cannot_be_read_are_not_clear(parse: Parse) -> None:
    sql = "SELECT count(*) FROM stay"
    tree = parse(sql)

    def fails(text: str) -> Any:
        raise UserError("syntax_error", "no", hint="h")

    error = refusal(lambda: summarise(sql, tree, analyze(sql, tree, CATALOG, "duckdb"), STAY, (RULE,), fails))
    assert "cannot be told apart" in error.message


def test_parameters_that_move_are_refused() -> None:
    check_values((("a", 5), ("b", "2026-01-31"), ("c", None), ("d", "known")))
    assert refusal(lambda: check_values((("a", "Yesterday 10:00"),))).code == "summaries_only"


def test_nothing_is_rewritten_before_somebody_looked(parse: Parse) -> None:
    sql = "SELECT count(*) FROM stay"
    facts = analyze(sql, parse(sql), CATALOG, "duckdb")
    verdict = Verdict(kind=VerdictKind.ALLOW, summaries=(RULE,))
    assert refusal(lambda: rewrite(sql, facts, verdict, CATALOG, "duckdb")).code == "cannot_meet"
    assert rewrite(sql, facts, verdict, CATALOG, "duckdb", summarised=True).sql == sql


# -- what is kept and asked -----------------------------------------------------------------------------------------

SHADOW = Shadow(
    dataset="stay", source="stay", projection=('aureus_raw."age"', 'NULL AS "cost"'), columns=("age", "cost")
)
ALL = Summary(dataset="stay", table="stay", alias="stay")


def test_what_is_kept_comes_back() -> None:
    summary = replace(ALL, where="age < :a", keys=("age // 3",), counted=("cost",), used=("age",), parameters=("a",))
    kept = overlap.answered(summary, replace(SHADOW, where="x", others=("y",)), (("a", 5.5), ("z", None)))
    assert kept.values == (("a", 5.5),)
    assert (kept.seen, kept.others) == ("x", ("y",))
    assert overlap.decoded(overlap.encoded(kept)) == kept


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"summary": {}, "values": [], "others": []}', '{"summary": 1}'])
def test_what_cannot_be_read_raises(text: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        overlap.decoded(text)


def test_columns_that_are_masked_otherwise_are_not_alike() -> None:
    kept = overlap.answered(replace(ALL, used=("age",)), SHADOW, ())
    assert overlap.shows_alike(SHADOW, kept)
    assert overlap.shows_alike(replace(SHADOW, projection=('aureus_raw."age"', '1 AS "cost"')), kept)
    assert not overlap.shows_alike(replace(SHADOW, projection=('1 AS "age"', 'NULL AS "cost"')), kept)
    assert not overlap.shows_alike(replace(SHADOW, projection=('1 AS "x"',), columns=("x",)), kept)


def test_a_person_is_told_apart_as_stored() -> None:
    seen = overlap.person_shadow(replace(SHADOW, where="f"), RULE, STAY)
    assert seen.projection[-1] == 'aureus_raw."person" AS "$aureus_person"'
    assert seen.barrier
    assert overlap.person_shadow(SHADOW, ROWS, STAY) == SHADOW


@pytest.mark.parametrize(
    ("old", "new", "where", "seen_a"),
    [("f", "g", "((f) OR (g))", "CASE WHEN f THEN"), ("", "g", "", "1 AS"), ("f", "", "", "CASE WHEN f THEN")],
)
def test_a_pair_is_asked_over_what_either_could_see(old: str, new: str, where: str, seen_a: str) -> None:
    kept = Answered(summary=ALL, seen=old, others=("b",))
    found = overlap.pair_shadow(replace(SHADOW, where=new, others=("a",)), kept)
    assert (found.where, found.others, found.barrier) == (where, ("a", "b"), bool(where))
    assert found.projection[-2].startswith(seen_a)
    assert overlap.pair_shadow(replace(SHADOW, where=old), kept) == replace(SHADOW, where=old)


def test_another_relation_may_stand_in_a_projection() -> None:
    shadow = replace(SHADOW, projection=(f"x IN (SELECT 1 FROM {raw_marker('b')}) AS y",), others=("b",))
    assert (
        shadow.select("raw", others={"b": "main.b"}) == "SELECT x IN (SELECT 1 FROM main.b) AS y FROM raw AS aureus_raw"
    )


def test_groups_made_of_each_other_need_no_question() -> None:
    fine, coarse = replace(ALL, keys=("age", "ward")), replace(ALL, keys=("ward",))
    for new, old in ((ALL, fine), (fine, coarse), (coarse, fine), (fine, fine)):
        assert overlap.difference(Answered(summary=new), Answered(summary=old), RULE) is None
    crossed = overlap.difference(Answered(summary=replace(ALL, keys=("age",))), Answered(summary=coarse), RULE)
    assert crossed is not None
    assert "UNION ALL" not in crossed  # of the same rows, all is all
    where = replace(ALL, where="age < :a", parameters=("a",))
    five, six = (Answered(summary=where, values=(("a", n),)) for n in (5, 6))
    assert overlap.difference(five, five, RULE) is None
    assert overlap.difference(five, six, RULE) is not None
    assert overlap.difference(replace(five, seen="f"), five, RULE) is not None
    assert overlap.pair_values(five, six) == (("a_a", 6), ("b_a", 5))


def test_columns_that_all_rows_have_are_asked_about_once() -> None:
    new, old = (Answered(summary=replace(ALL, where=where, counted=("cost",))) for where in ("age < 5", "age < 6"))
    assert "IS NULL THEN 0" in str(overlap.difference(new, old, RULE))
    assert "IS NULL THEN 0" not in str(overlap.difference(new, old, RULE, ["cost"]))
    assert "IS NULL THEN 0" in str(overlap.difference(replace(new, seen="f"), old, RULE, ["cost"]))
