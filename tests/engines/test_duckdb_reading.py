"""DuckDB's own reading: which names are tables, in which scope, and where things stand."""

from __future__ import annotations

import json

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aureus_jupyter.adapters.engines.duckdb_reading import DuckDBReader
from aureus_jupyter.errors import Span, UserError


@pytest.fixture(scope="module")
def reader():
    found = DuckDBReader()
    yield found
    found.close()


def tables(reader: DuckDBReader, sql: str) -> list[str]:
    return sorted({".".join(path) for path in reader.read(sql).second.tables})


SCOPES = [
    ("SELECT * FROM a, b JOIN c USING (x)", ["a", "b", "c"]),
    ("FROM a", ["a"]),
    ("TABLE a", ["a"]),
    ("SELECT * FROM main.a, cat.main.b", ["cat.main.b", "main.a"]),
    ('SELECT * FROM "A b"', ["A b"]),
    ("FROM 'file.csv'", ["file.csv"]),
    ("WITH vip AS (SELECT * FROM vip) SELECT * FROM vip", ["vip"]),
    ("WITH vip AS (SELECT 1 AS x) SELECT * FROM vip", []),
    ('WITH "Vip" AS (SELECT 1 AS x) SELECT * FROM vIP', []),
    ("WITH vip AS (SELECT 1 AS x) SELECT * FROM main.vip", ["main.vip"]),
    ("WITH x AS (SELECT * FROM vip), vip AS (SELECT 1 AS a) SELECT * FROM x", ["vip"]),
    ("WITH vip AS (SELECT 1 AS a), x AS (SELECT * FROM vip) SELECT * FROM x", []),
    ("WITH RECURSIVE x AS (SELECT * FROM vip), vip AS (SELECT 1 AS a) SELECT * FROM x", ["vip"]),
    ("WITH RECURSIVE vip AS (SELECT * FROM vip) SELECT * FROM vip", ["vip"]),
    ("WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT * FROM n", []),
    ("WITH RECURSIVE n AS (SELECT x FROM n UNION ALL SELECT x + 1 FROM n) SELECT * FROM n", ["n"]),
    ("WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x FROM n, a) SELECT * FROM n", ["a"]),
    ("(WITH vip AS (SELECT 1 AS x) SELECT * FROM vip) UNION ALL SELECT * FROM vip", ["vip"]),
    ("SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT * FROM a, b) s, a", ["a", "b"]),
    ("WITH a AS (WITH b AS (SELECT * FROM a) SELECT * FROM b) SELECT * FROM a, b", ["a", "b"]),
    ("WITH a AS (SELECT 1 AS x) SELECT * FROM (WITH b AS (FROM a) FROM b) t, b", ["b"]),
    ("SELECT (WITH q AS (SELECT 1 AS x) SELECT x FROM q) FROM q", ["q"]),
    ("WITH a AS (SELECT 1 AS x) SELECT * FROM a WHERE EXISTS (FROM a JOIN c USING (x))", ["c"]),
    ("WITH a AS (SELECT 1 AS x) SELECT x FROM a ORDER BY (SELECT max(y) FROM o) LIMIT (SELECT 1 FROM l)", ["l", "o"]),
    ("SELECT * FROM t QUALIFY row_number() OVER (ORDER BY (SELECT 1 FROM w)) = 1", ["t", "w"]),
    ("SELECT sum(x) FILTER (x IN (SELECT y FROM f)) FROM t GROUP BY (SELECT 1 FROM g)", ["f", "g", "t"]),
    ("SELECT [e + (SELECT max(y) FROM c) FOR e IN (SELECT list(z) FROM d)]", ["c", "d"]),
    ("SELECT list_transform([1], lambda e: e + (SELECT max(y) FROM c))", ["c"]),
    ("VALUES ((SELECT max(x) FROM v))", ["v"]),
    ("PIVOT p ON k IN ('a', 'b') USING sum(v)", ["p"]),
    ("UNPIVOT u ON a, b", ["u"]),
    ("FROM t, LATERAL (SELECT * FROM s WHERE s.x = t.x)", ["s", "t"]),
    ("DESCRIBE vip", ["vip"]),
    ("SUMMARIZE vip", ["vip"]),
    ("FROM (DESCRIBE vip)", ["vip"]),
    ("SELECT CASE WHEN EXISTS (FROM c) THEN 1 END, x IN (FROM i) FROM t", ["c", "i", "t"]),
    ("WITH a AS MATERIALIZED (FROM b) FROM a UNION BY NAME FROM c EXCEPT FROM a", ["b", "c"]),
    ("WITH w AS (DELETE FROM d) SELECT 1", ["d"]),
]


@pytest.mark.parametrize(("sql", "expected"), SCOPES)
def test_tables_in_their_scopes(reader: DuckDBReader, sql: str, expected: list[str]) -> None:
    assert tables(reader, sql) == sorted(expected)


EXISTING = ["a", "b", "vip"]


@pytest.fixture(scope="module")
def binder():
    con = duckdb.connect()
    for name in EXISTING:
        con.execute(f"CREATE TABLE {name} (x INTEGER)")
    yield con
    con.close()


names = st.sampled_from(EXISTING)
queries = st.recursive(
    names.map(lambda n: f"SELECT x FROM {n}"),
    lambda inner: st.one_of(
        st.tuples(names, inner, inner).map(lambda p: f"WITH {p[0]} AS ({p[1]}) {p[2]}"),
        st.tuples(names, inner, names, inner, inner).map(
            lambda p: f"WITH {p[0]} AS ({p[1]}), {p[2]}{'' if p[2] != p[0] else '2'} AS ({p[3]}) {p[4]}"
        ),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) UNION ALL ({p[1]})"),
        st.tuples(inner, names).map(lambda p: f"SELECT x FROM ({p[0]}) s WHERE x IN (SELECT x FROM {p[1]})"),
        st.tuples(names, inner, inner).map(
            lambda p: f"WITH RECURSIVE {p[0]} AS ({p[1]} UNION ALL SELECT x FROM {p[0]}) {p[2]}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(queries)
def test_what_the_binder_reads_the_reading_names(reader: DuckDBReader, binder, sql: str) -> None:
    """The binder leaves out what nothing uses, so it may name fewer tables, never more."""
    try:
        bound = {name.rpartition(".")[2] for name in binder.get_table_names(sql, qualified=True)}
    except duckdb.Error:
        bound = set()
    assume(bound)
    assert bound <= set(tables(reader, sql))


@pytest.mark.parametrize(
    ("sql", "functions", "in_from"),
    [
        ("SELECT UPPER(a).lower(), count(*) FROM t", {"upper", "lower", "count_star"}, ()),
        ("SELECT a + 1, a || 'x', -a FROM t", {"+", "||", "-"}, ()),
        ("FROM read_csv('x')", {"read_csv"}, ("read_csv",)),
        ("SELECT * FROM range(3), unnest([1])", {"range", "unnest"}, ("range", "unnest")),
        ("SELECT main.f(1), system.main.g(2)", {"main.f", "system.main.g"}, ()),
        ("SELECT sum(x) OVER (PARTITION BY year(d)) FROM t", {"sum", "year"}, ()),
        ("PIVOT p ON k IN ('a') USING first(v)", {"first"}, ()),
    ],
)
def test_every_function_is_named(reader: DuckDBReader, sql: str, functions: set[str], in_from) -> None:
    reading = reader.read(sql)
    assert functions <= set(reading.second.functions)
    assert set(reading.table_functions) == set(in_from)


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("", 0),
        (" ;; ", 0),
        ("SELECT 1;;", 1),
        ("SELECT 1; SELECT 2", 2),
        ("CREATE TABLE x(a INT)", 1),
        ("DROP TABLE x; SELECT 1", 2),
        ("PIVOT t ON k USING sum(v)", 1),
        ("EXPLAIN SELECT 1", 1),
    ],
)
def test_statements_are_counted(reader: DuckDBReader, sql: str, count: int) -> None:
    second = reader.read(sql).second
    # A PIVOT without a list of values is several statements to the engine.
    assert second.statements >= count if sql.startswith("PIVOT") else second.statements == count


def test_what_is_no_query_has_no_nodes_and_says_so(reader: DuckDBReader) -> None:
    second = reader.read("INSERT INTO t VALUES (1)").second
    assert (second.tables, second.functions, second.nodes) == ((), (), ())
    assert second.tree["error_type"] == "not implemented"


@pytest.mark.parametrize(
    ("sql", "span"),
    [
        ("SELEC 1", Span(line=1, column=1)),
        ("SELECT 1\nFROM\n WHERE 'é' = x GROUP BY BY", None),
        ("SELECT 'éé', FROM FROM t", Span(line=1, column=19)),
        ("SELECT 1,\n  é é é FROM t", Span(line=2, column=7)),
        ("SELECT 'open", None),
        ("SELECT 1\x00", Span(line=1, column=9)),
    ],
)
def test_a_syntax_error_stands_where_the_user_sees_it(reader: DuckDBReader, sql: str, span: Span | None) -> None:
    with pytest.raises(UserError) as caught:
        reader.read(sql)
    assert caught.value.code == "syntax_error"
    assert caught.value.__context__ is None
    if span is not None:
        assert caught.value.span == span
    assert caught.value.span is not None


def test_positions_count_characters(reader: DuckDBReader) -> None:
    text = "SELECT 'é€😀', nik FROM t"
    tree = json.dumps(reader.read(text).second.tree)
    assert f'"query_location": {text.index("nik")}, "query_location_length": 3' in tree


def test_parameters_are_named_and_can_be_left_out(reader: DuckDBReader) -> None:
    reading = reader.read("SELECT $b AS x FROM t WHERE i = $a AND j = $b")
    assert set(reading.parameters) == {"a", "b"}
    assert ["$" in text for text in reading.unbound] == [False, False]
    assert [tables(reader, text) for text in reading.unbound] == [["t"], ["t"]]


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("INT", "INTEGER"),
        ("text", "VARCHAR"),
        ("decimal(18,2)", "DECIMAL(18,2)"),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE"),
        ("INTEGER[]", "INTEGER[]"),
        ("nosuch", None),
        ("", None),
        ("INTEGER), (SELECT 1", None),
        ("INTEGER); SELECT (1", None),
        ("INTEGER) FROM read_csv('x') --", None),
    ],
)
def test_types_are_spelled_as_duckdb_does(reader: DuckDBReader, written: str, known: str | None) -> None:
    assert reader.type_name(written) == known
    assert reader.type_name(written) == known


def test_readings_are_kept_and_forgotten(reader: DuckDBReader) -> None:
    first = reader.read("SELECT 4711")
    assert reader.read("SELECT 4711") is first
    for i in range(300):
        reader.read(f"SELECT {i}")
    assert reader.read("SELECT 4711") is not first


def test_reading_opens_no_file_and_runs_nothing(reader: DuckDBReader, tmp_path) -> None:
    reader.read(f"FROM read_csv('{tmp_path}/nowhere.csv')")
    reader.read(f"WITH w AS (COPY (SELECT 1) TO '{tmp_path}/out.csv') SELECT 1")
    assert list(tmp_path.iterdir()) == []
