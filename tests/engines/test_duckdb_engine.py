"""The engine: shadows that come and go, contracts that must fit, files that are busy, errors that say nothing."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from staff import MARKER, SHOWN, STAFF, ask, parquet, plan, refusal

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.engines.duckdb_cost import cost_in_words
from aureus_jupyter.adapters.engines.duckdb_errors import translate
from aureus_jupyter.errors import Bug, Refused, Span, Unavailable, UserError
from aureus_jupyter.ports import Limits
from aureus_jupyter.values.catalog import Column
from aureus_jupyter.values.plan import INNER_PAD, OUTER_PAD, Shadow

SITES = Shadow(dataset="site", source="hq.site", projection=('"name"',))


@pytest.fixture
def engine(bank: Path):
    engine = DuckDBEngine.open(str(bank), threads=2)
    yield engine
    engine.close()


def test_shadows_are_kept_while_they_fit_and_dropped_when_unlisted(engine: DuckDBEngine) -> None:
    views = "SELECT view_name, sql FROM duckdb_views() WHERE temporary AND NOT internal ORDER BY 1"
    ask(engine, "SELECT count(*) AS n FROM staff")
    first = engine._con.execute(views).fetchall()
    ask(engine, "SELECT max(id) AS n FROM staff")
    assert engine._con.execute(views).fetchall() == first
    ask(engine, "SELECT count(*) AS n FROM staff, site", SHOWN, SITES)
    assert [name for name, _ in engine._con.execute(views).fetchall()] == ["site", "staff"]
    ask(engine, "SELECT name FROM site", SITES)
    assert [name for name, _ in engine._con.execute(views).fetchall()] == ["site"]
    with pytest.raises(duckdb.Error):
        engine._con.execute("SELECT * FROM staff")


def test_another_decision_makes_another_shadow(engine: DuckDBEngine) -> None:
    assert ask(engine, "SELECT count(*) AS n FROM staff").preview(1) == [["1000"]]
    fewer = replace(SHOWN, where='"id" < 10')
    assert ask(engine, "SELECT count(*) AS n FROM staff", fewer).preview(1) == [["10"]]
    assert ask(engine, "SELECT count(*) AS n FROM staff").preview(1) == [["1000"]]


def test_a_plan_runs_only_as_prepared(engine: DuckDBEngine) -> None:
    asked = plan("SELECT id FROM staff")
    with pytest.raises(Bug):
        engine.run(asked, {}, Limits())
    engine.prepare(asked, (STAFF,))
    with pytest.raises(Bug):
        engine.run(replace(asked, shadows=(replace(SHOWN, where='"id" < 10'),)), {}, Limits())
    with pytest.raises(Refused):
        engine.prepare(plan("SELECT id FROM other"), (STAFF,))
    with pytest.raises(Bug):  # a refused plan does not leave the one before it runnable
        engine.run(asked, {}, Limits())
    with pytest.raises(Bug):
        engine.estimate(asked, {})


def test_the_plans_cap_and_the_limits_cap(engine: DuckDBEngine) -> None:
    for of_plan, of_limits, got in ((5, None, 5), (None, 6, 6), (5, 9, 5), (9, 4, 4), (0, None, 0)):
        asked = plan("SELECT id FROM staff ORDER BY id", rows=of_plan)
        engine.prepare(asked, (STAFF,))
        result = engine.run(asked, {}, Limits(rows=of_limits))
        assert (result.rows, result.truncated) == (got, True)


def test_the_mask_key_is_bound_in_and_shows_nowhere(bank: Path) -> None:
    hashed = replace(
        SHOWN, projection=('"id"', f'sha256({OUTER_PAD} || unhex(sha256({INNER_PAD} || encode("nick")))) AS "nick"')
    )
    answers = []
    for key in (b"k1", b"k1", b"k2"):
        engine = DuckDBEngine.open(str(bank), mask_key=key)
        answers.append(ask(engine, "SELECT nick FROM staff WHERE id = 1", hashed).preview(1)[0][0])
        assert key.hex() not in plan("SELECT 1", hashed).rewritten()
        engine.close()
    assert answers[0] == answers[1] != answers[2]
    assert answers[0] == hmac.new(b"k1", f"{MARKER}-1".encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (Column(name="salary", type="BIGINT"), "Staff.salary of the contract is not in the data"),
        (Column(name="wage", type="DOUBLE"), "Staff.wage is DOUBLE in the contract and DECIMAL(18,2) in the data"),
        (Column(name="nick", type="NOSUCH"), "Staff.nick is NOSUCH in the contract and VARCHAR in the data"),
    ],
)
def test_data_that_left_its_contract_is_not_read(engine: DuckDBEngine, column: Column, said: str) -> None:
    error = refusal(lambda: engine.prepare(plan("SELECT id FROM staff"), (replace(STAFF, columns=(column,)),)))
    assert (error.code, said in error.message) == ("contract_drift", True)


def test_a_dataset_of_another_connection_is_not_read(engine: DuckDBEngine) -> None:
    elsewhere = replace(SHOWN, source="nowhere")
    assert refusal(lambda: engine.prepare(plan("SELECT id FROM staff", elsewhere), ())).code == "contract_drift"


def test_a_parquet_file_that_changes_underneath(tmp_path: Path) -> None:
    parquet("SELECT 1::BIGINT AS id, 'a' AS nick, 1::DECIMAL(18,2) AS wage", tmp_path / "s.parquet")
    engine = DuckDBEngine.open(str(tmp_path))
    shadow = replace(SHOWN, source="s.parquet")
    assert ask(engine, "SELECT id FROM staff", shadow).rows == 1
    parquet("SELECT 'x' AS id, 'a' AS other", tmp_path / "s.parquet")
    error = refusal(lambda: ask(engine, "SELECT id FROM staff", shadow))
    assert (error.code, error.family) == ("contract_drift", "Unavailable")
    (tmp_path / "s.parquet").unlink()
    assert isinstance(refusal(lambda: ask(engine, "SELECT id FROM staff", shadow)), Unavailable)
    engine.close()


DATA_ERRORS = [
    "SELECT nick::INTEGER AS x FROM staff",
    "SELECT CAST(nick AS DATE) AS x FROM staff",
    "SELECT CAST(nick AS DECIMAL(3,1)) AS x FROM staff",
    "SELECT CAST(id AS TINYINT) AS x FROM staff",
    "SELECT strptime(nick, '%Y') AS x FROM staff",
    "SELECT nick::TIMESTAMP AS x FROM staff",
    "SELECT nick::BOOLEAN AS x FROM staff",
    "SELECT nick::INTEGER[] AS x FROM staff",
    "SELECT (9223372036854775807 - 5 + id) AS x FROM staff",
    "SELECT (SELECT nick FROM staff) AS x FROM staff",
    "SELECT date_trunc(nick, date '2020-01-01') AS x FROM staff",
    "SELECT regexp_matches('a', nick || '(') AS x FROM staff",
    "SELECT make_date(2020, 99, id) AS x FROM staff",
    f"SELECT '{MARKER}'::INTEGER AS x FROM staff",
    "SELECT count(*) AS n FROM staff WHERE nick = 5",
]


@pytest.mark.parametrize("sql", DATA_ERRORS)
def test_no_error_holds_a_value(engine: DuckDBEngine, sql: str) -> None:
    error = refusal(lambda: ask(engine, sql))
    assert isinstance(error, (UserError, Refused))
    assert "999" not in error.message
    assert ask(engine, "SELECT count(*) AS n FROM staff").rows == 1


def test_an_error_in_the_middle_of_the_stream_holds_no_value(bank: Path) -> None:
    """Rows have already been given when the cast fails: Arrow's own error carries DuckDB's text."""
    with duckdb.connect(str(bank)) as con:
        con.execute(
            f"CREATE TABLE long AS SELECT CASE WHEN i = 1999999 THEN '{MARKER}' ELSE '1' END AS t "
            "FROM range(2000000) r(i)"
        )
    engine = DuckDBEngine.open(str(bank), threads=1)
    shadow = Shadow(dataset="long", source="long", projection=('"t"',))
    error = refusal(lambda: ask(engine, "SELECT t::INTEGER AS n FROM long", shadow))
    assert error.code == "data_error"
    engine.close()


@pytest.mark.parametrize(
    ("sql", "code", "span", "hint"),
    [
        ("SELECT nik FROM staff", "unknown_column", Span(line=1, column=8), "nick"),
        ("SELECT 'é',\n  nik FROM staff", "unknown_column", Span(line=2, column=3), "nick"),
        ("SELECT x.nick FROM staff", "unknown_table", Span(line=1, column=8), "FROM"),
        ("SELECT id FROM staff a, staff b", "ambiguous_column", Span(line=1, column=8), "dataset.column"),
        ("SELECT nick, count(*) FROM staff", "not_grouped", Span(line=1, column=8), "GROUP BY"),
        ("SELECT sum(nick) FROM staff", "wrong_types", Span(line=1, column=8), "Cast"),
        ("SELECT id FROM staff WHERE sum(id) > 1", "misplaced_aggregate", None, "HAVING"),
        ("SELECT id FROM staff UNION SELECT 1, 2", "does_not_bind", None, "catalog"),
        ("SELECT * FROM staff ORDER BY 9", "does_not_bind", None, "catalog"),
    ],
)
def test_what_does_not_bind_is_said_with_its_place(engine, sql, code, span, hint) -> None:
    error = refusal(lambda: engine.prepare(plan(sql), (STAFF,)))
    assert (error.code, hint in error.hint) == (code, True)
    assert span is None or error.span == span


def test_a_hint_names_only_what_the_shadow_shows(engine: DuckDBEngine) -> None:
    without = replace(SHOWN, projection=('"id"',))
    error = refusal(lambda: engine.prepare(plan("SELECT nikc, wag FROM staff", without), (STAFF,)))
    assert "nick" not in str(error).replace("nikc", "")
    assert "wage" not in str(error)


@pytest.mark.parametrize(
    ("sql", "values", "expected"),
    [
        ("SELECT count(*) AS n FROM staff WHERE id = $v", {"v": 3}, "1"),
        ("SELECT count(*) AS n FROM staff WHERE id = $v", {"v": None}, "0"),
        ("SELECT count(*) AS n FROM staff WHERE nick = $v", {"v": "x' OR 1=1 --"}, "0"),
        ("SELECT $v AS n FROM staff LIMIT 1", {"v": True}, "true"),
        ("SELECT $v + id AS n FROM staff WHERE id = 1", {"v": 1.5}, "2.5"),
        ("SELECT date '2020-01-01' + $v AS n FROM staff LIMIT 1", {"v": 3}, "2020-01-04"),
        ("SELECT count(*) AS n FROM staff WHERE id < $a OR id < $b OR id < $a", {"a": 2, "b": 5}, "5"),
        ("SELECT id AS n FROM staff ORDER BY id LIMIT $k", {"k": 1}, "0"),
        # A NULL in their place would not bind; a value does.
        ("SELECT quantile_cont(id, $q) AS n FROM staff", {"q": 0.5}, "499.5"),
        ("SELECT date_diff('day', $a::DATE, date '2020-01-03') AS n FROM staff LIMIT 1", {"a": "2020-01-01"}, "2"),
        ("SELECT count(*) AS n FROM staff WHERE id = year($a::DATE) - 2000", {"a": "2020-01-01"}, "1"),
    ],
)
def test_parameters(engine: DuckDBEngine, sql: str, values: dict, expected: str) -> None:
    assert ask(engine, sql, **values).preview(1) == [[expected]]
    engine.estimate(plan(sql), values)


@pytest.mark.parametrize("values", [{}, {"w": 1}, {"v": 1, "w": 2}])
def test_parameters_that_do_not_fit(engine: DuckDBEngine, values: dict) -> None:
    error = refusal(lambda: ask(engine, "SELECT id FROM staff WHERE id = $v", **values))
    assert error.code == "parameters"


def test_a_parameter_of_the_wrong_type_shows_no_value(engine: DuckDBEngine) -> None:
    error = refusal(lambda: ask(engine, "SELECT id FROM staff WHERE id = $v", v=MARKER))
    assert error.code == "bad_parameter"
    assert MARKER not in str(error)


@pytest.mark.parametrize(
    ("sql", "values", "said"),
    [
        ("SELECT id FROM staff WHERE id > $a AND nick <> $b", {"a": "x", "b": "y"}, ":a is not a BIGINT"),
        ("SELECT id FROM staff WHERE id * 1.5 BETWEEN $a AND $b", {"a": 1, "b": "x"}, ":b is not a DECIMAL("),
        ("SELECT id FROM staff WHERE id IN (1, $a)", {"a": "1,2"}, ":a is not a BIGINT"),
        ("SELECT cast($a AS DATE) AS d, $b AS e FROM staff", {"a": "2026-02-30", "b": "x"}, ":a is not a DATE"),
        ("SELECT id FROM staff LIMIT $a", {"a": "ten"}, ":a is not a BIGINT"),
        ("SELECT id FROM (SELECT id FROM staff ORDER BY id LIMIT 3 OFFSET $a)", {"a": "ten"}, ":a is not a BIGINT"),
        ("SELECT DATE '2026-01-01' > $b AS d, $a AS e FROM staff", {"a": 1, "b": 5}, ":b is of a type"),
        ("SELECT id FROM staff WHERE id + $a > 0", {"a": "x"}, ":a is not a BIGINT"),
        ("SELECT id FROM staff WHERE (id > 0) = $a", {"a": "maybe"}, ":a is not a BOOLEAN"),
        ("SELECT id FROM staff WHERE TIMESTAMP '2026-01-01' < $a", {"a": "noon"}, ":a is not a TIMESTAMP"),
    ],
)
def test_the_parameter_of_the_wrong_type_is_named(engine: DuckDBEngine, sql: str, values: dict, said: str) -> None:
    error = refusal(lambda: ask(engine, sql, **values))
    assert (error.code, said in error.message) == ("bad_parameter", True), error.message
    assert not any(str(value) in str(error) for value in values.values() if str(value) not in "x1")
    assert ask(engine, "SELECT count(*) AS n FROM staff").rows == 1


def test_an_error_that_is_no_parameters_fault_names_none(engine: DuckDBEngine) -> None:
    error = refusal(lambda: ask(engine, "SELECT nick::INTEGER AS n FROM staff WHERE id >= $a", a="0"))
    assert error.code == "data_error"
    assert error.span is not None


def test_types_a_result_cannot_hold_are_refused_before_any_row(engine: DuckDBEngine) -> None:
    assert refusal(lambda: ask(engine, "SELECT id::UHUGEINT AS big FROM staff")).code == "no_result_type"


def test_a_wrong_statement_with_parameters_is_still_wrong(engine: DuckDBEngine) -> None:
    error = refusal(lambda: engine.prepare(plan("SELECT nik FROM staff WHERE id = $a"), (STAFF,)))
    assert (error.code, error.span) == ("unknown_column", Span(line=1, column=8))


def test_the_engines_name_extraction_is_asked_too(engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were both parsers to miss a table, the binder would still name it."""
    raw = engine._instance.raw["hq.site"].sql
    read = engine._reader.read
    monkeypatch.setattr(
        engine._reader, "read", lambda text: replace(read(text), unbound=(f"SELECT 1 FROM staff, {raw}",))
    )
    assert refusal(lambda: engine.prepare(plan("SELECT id FROM staff"), (STAFF,))).code == "binder_disagrees"


def test_a_view_that_no_longer_binds_is_left_out(bank: Path) -> None:
    with duckdb.connect(str(bank)) as con:
        con.execute("CREATE TABLE gone (x INTEGER); CREATE VIEW stale AS FROM gone; DROP TABLE gone")
    engine = DuckDBEngine.open(str(bank))
    assert {t.source for t in engine.tables()} == {"staff", "rich", "hq.site"}
    engine.close()


def test_tables_tell_names_types_and_sizes(engine: DuckDBEngine) -> None:
    found = {t.source: t for t in engine.tables()}
    assert set(found) == {"staff", "rich", "hq.site"}
    assert [(c.name, c.type, c.nullable) for c in found["staff"].columns] == [
        ("id", "BIGINT", False),
        ("nick", "VARCHAR", True),
        ("wage", "DECIMAL(18,2)", True),
    ]
    assert found["staff"].rows == 1000


def test_an_estimate_tells_powers_of_ten_and_no_raw_name(engine: DuckDBEngine) -> None:
    asked = plan("SELECT nick, count(*) AS n FROM staff GROUP BY nick")
    engine.prepare(asked, (STAFF,))
    words = engine.estimate(asked, {})
    assert words.startswith("Estimate: reads up to about 10 thousand rows of Staff; up to about 1")
    assert engine._instance.alias not in words
    scan = '[{"name": "SEQ_SCAN", "extra_info": {"Estimated Cardinality": "%d"}}]'
    for rows, said in ((0, "10 rows"), (999_999, "1 million"), (4 * 10**9, "10 billion")):
        assert said in cost_in_words(scan % rows, ["t"])


def test_a_value_that_looks_like_the_engines_words_is_not_said(engine: DuckDBEngine) -> None:
    error = refusal(lambda: ask(engine, "SELECT cast('following parameters: ' || nick AS INTEGER) AS n FROM staff"))
    assert error.code == "data_error"
    error = refusal(lambda: ask(engine, "SELECT cast('following parameters: 7, a' || nick AS INTEGER) AS n FROM staff"))
    assert "7" not in error.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "memory_limit"),
        (OSError("IO Error: No files found that match the pattern"), "engine_failed"),
        (OSError("Conversion Error: Could not convert string 'MARK-9043' to INT32"), "data_error"),
        (ValueError("{not json}"), "engine_failed"),
        (duckdb.InternalException("INTERNAL Error: MARK-9043"), "engine_failed"),
        (duckdb.PermissionException("Permission Error: MARK-9043"), "engine_locked"),
        (duckdb.InvalidInputException("Values were not provided for the following parameters: a"), "parameters"),
        (duckdb.ParserException('Parser Error: {"exception_type":"Parser","position":"3"}'), "syntax_error"),
        (duckdb.InterruptException("INTERRUPT Error: Interrupted!"), "cancelled"),
        (duckdb.InterruptException("INTERRUPT Error: Query exceeded maximum execution time"), "time_limit"),
    ],
)
def test_any_error_is_said_again_without_its_text(error: Exception, code: str) -> None:
    said = translate(error, "SELECT $a")
    assert said.code == code
    assert MARKER not in str(said)
    assert said.hint
