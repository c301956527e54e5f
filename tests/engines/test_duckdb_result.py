"""Results: frames as DuckDB's own, one digest whatever the chunks, text for display."""

from __future__ import annotations

import hashlib
import itertools
import struct
import sys
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aureus_jupyter.adapters.engines.digest import METHOD, digest_of
from aureus_jupyter.adapters.engines.frame import unique_names
from aureus_jupyter.adapters.engines.result import ArrowResult
from aureus_jupyter.errors import Unavailable, UserError
from aureus_jupyter.values.canonical import digest_json


@pytest.fixture(scope="module")
def con():
    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'")
    con.execute("SET arrow_large_buffer_size=true")
    yield con
    con.close()


def held(con, sql: str) -> ArrowResult:
    relation = con.sql(sql)
    types = [str(kind) for kind in relation.types]
    return ArrowResult(relation.to_arrow_reader(1000).read_all(), types)


def spelled(value: object) -> str:
    """A text for any value; a far timestamp has no repr of its own."""
    return repr(value.asm8) if isinstance(value, pd.Timestamp) else repr(value)


NOT_IN_A_FRAME = {"uhugeint", "bignum", "time_tz", "date", "date_array"}
KEPT_AS_THEY_ARE = {"hugeint", "dec38_10", "interval"}
"""DuckDB's own frame holds other values for these."""
ALL_TYPES = duckdb.connect().execute("SELECT column_name FROM (DESCRIBE FROM test_all_types())").fetchall()


@pytest.mark.parametrize("condition", ["", "WHERE {} IS NOT NULL", "WHERE {} IS NULL", "WHERE false"])
@pytest.mark.parametrize("name", [n for (n,) in ALL_TYPES if n not in NOT_IN_A_FRAME | KEPT_AS_THEY_ARE])
def test_every_type_comes_as_duckdb_gives_it(con, name: str, condition: str) -> None:
    sql = f'SELECT "{name}" FROM test_all_types() {condition.format(chr(34) + name + chr(34))}'
    raw = con.execute(sql).df()[name]
    ours = held(con, sql).to_pandas()[name]
    assert ours.dtype == raw.dtype
    assert [spelled(v) for v in ours] == [spelled(v) for v in raw]


@pytest.mark.parametrize(
    "expression",
    ["date '2020-02-29'", "NULL::DATE", "NULL", "'x'::ENUM('x', 'y')", "uuid '2d89ebe6-13a4-4646-992c-4a3b2e0a2b8e'"],
)
def test_other_values_come_as_duckdb_gives_them(con, expression: str) -> None:
    raw = con.execute(f"SELECT {expression} AS x").df()
    pd.testing.assert_frame_equal(held(con, f"SELECT {expression} AS x").to_pandas(), raw)


EXACT = {
    "sum(9007199254740993::BIGINT)": ("int64", 9007199254740993),
    "max(3::HUGEINT)": ("int64", 3),
    "-9223372036854775808::HUGEINT": ("int64", -(2**63)),
    "170141183460469231731687303715884105727::HUGEINT": ("object", 2**127 - 1),
    "9007199254740993.01::DECIMAL(20,2)": ("object", Decimal("9007199254740993.01")),
    "12345678901234.56::DECIMAL(18,2)": ("object", Decimal("12345678901234.56")),
    "-1234567890123.45::DECIMAL(18,2)": ("float64", -1234567890123.45),
    "123456.7890123456789012::DECIMAL(38,16)": ("float64", 123456.789012345678),
    "0.05::DECIMAL(38,2)": ("float64", 0.05),
    "99999999999999999999.0000000001::DECIMAL(38,10)": ("object", Decimal("99999999999999999999.0000000001")),
    "INTERVAL '3 days'": ("timedelta64[us]", pd.Timedelta(days=3)),
    "INTERVAL '1 month 2 days'": ("object", "1 month 2 days"),
}


@pytest.mark.parametrize("expression", EXACT)
@pytest.mark.parametrize("rest", ["", " UNION ALL SELECT NULL"])
def test_no_amount_changes_on_its_way_into_a_frame(con, expression: str, rest: str) -> None:
    kind, value = EXACT[expression]
    found = held(con, f"SELECT {expression} AS x{rest}").to_pandas()["x"]
    nullable = {"int64": "Int64"}.get(kind, kind) if rest else kind
    assert (str(found.dtype), found[0]) == (nullable, value)
    assert not rest or pd.isna(found[1])


def test_no_rows_of_whole_numbers_are_whole_numbers(con) -> None:
    assert held(con, "SELECT sum(1) AS x WHERE false GROUP BY 1 + 1").to_pandas()["x"].dtype == "int64"
    assert str(held(con, "SELECT NULL::HUGEINT AS x").to_pandas()["x"].dtype) == "Int64"


@pytest.mark.parametrize("sign", ["", "-"])
def test_an_infinite_time_is_said_and_not_shown_as_a_date(con, sign: str) -> None:
    result = held(con, f"SELECT TIMESTAMP '{sign}infinity' AS till UNION ALL SELECT NULL")
    with pytest.raises(UserError) as caught:
        result.to_pandas()
    assert caught.value.code == "no_frame_type"
    assert "till" in caught.value.message
    assert held(con, "SELECT TIMESTAMP '2024-01-01' AS x UNION ALL SELECT NULL").to_pandas()["x"].isna().sum() == 1


def test_what_pandas_cannot_hold_is_said_without_the_value(con) -> None:
    result = held(con, "SELECT date 'infinity' AS due")
    with pytest.raises(UserError) as caught:
        result.to_pandas()
    assert caught.value.code == "no_frame_type"
    assert "due" in caught.value.message
    assert "infinity" not in str(caught.value)
    assert caught.value.__context__ is None
    assert result.preview(1) == [["infinity"]]


numbers = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))
floats = st.one_of(st.none(), st.floats(allow_nan=False))
texts = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8))
cents = st.one_of(st.none(), st.decimals(-(10**13), 10**13, places=2).map(lambda d: d.quantize(Decimal("0.01"))))
flags = st.one_of(st.none(), st.booleans())
table_rows = st.lists(st.tuples(numbers, floats, texts, cents, flags), max_size=30)
SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        ("f", pa.float64()),
        ("t", pa.large_string()),
        ("c", pa.decimal128(18, 2)),
        ("b", pa.bool_()),
    ]
)


def table_of(rows) -> pa.Table:
    return pa.table([pa.array([row[i] for row in rows], f.type) for i, f in enumerate(SCHEMA)], schema=SCHEMA)


def cut(table: pa.Table, places) -> pa.Table:
    """The same rows in other chunks, each with an offset of its own."""
    edges = [0, *sorted(p % (table.num_rows + 1) for p in places), table.num_rows]
    parts = [table.slice(a, b - a) for a, b in itertools.pairwise(edges)]
    return pa.concat_tables([*parts, table.slice(0, 0)])


@settings(max_examples=60, deadline=None)
@given(table_rows, st.lists(st.integers(0, 40), max_size=4))
def test_a_round_trip_loses_nothing_and_chunks_change_nothing(con, rows, places) -> None:
    table = table_of(rows)
    arranged = cut(table, places)
    types = ["BIGINT", "DOUBLE", "VARCHAR", "DECIMAL(18,2)", "BOOLEAN"]
    result = ArrowResult(arranged, types)
    before = result.digest()
    raw = con.from_arrow(table).df()
    pd.testing.assert_frame_equal(result.to_pandas(), raw, check_exact=True)
    assert result.to_arrow().equals(table)
    assert before == digest_of(table) == digest_of(result.to_arrow())


@settings(max_examples=60, deadline=None)
@given(table_rows.filter(len), st.data())
def test_any_change_changes_the_digest(rows, data) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 4))
    value = data.draw((numbers, floats, texts, cents, flags)[column].filter(lambda v: v != rows[at][column]))
    other = list(rows)
    other[at] = tuple(value if i == column else v for i, v in enumerate(rows[at]))
    assert digest_of(table_of(other)) != digest_of(table_of(rows))


def test_the_digest_can_be_recomputed_from_its_rules() -> None:
    """By hand, from the documentation alone: another program must be able to do this."""
    table = pa.table({"n": pa.array([7, None], pa.int32()), "t": ["ab", ""]})

    def streams(*parts: bytes) -> str:
        return hashlib.sha256(b"".join(hashlib.sha256(p).digest() for p in parts)).hexdigest()

    n = streams(struct.pack("<q", 1), struct.pack("<ii", 7, 0))
    t = streams(b"", struct.pack("<qq", 2, 0), b"ab")
    columns = [["n", "int32", n], ["t", "string", t]]
    assert digest_of(table) == (digest_json({"method": METHOD, "rows": 2, "columns": columns}), "arrow-v1")


def test_the_digest_sees_no_storage() -> None:
    plain = pa.table({"t": pa.array(["a", None, "b"])})
    for kind in (pa.large_string(), pa.string_view()):
        assert digest_of(pa.table({"t": plain["t"].cast(kind)})) == digest_of(plain)
    assert digest_of(pa.table({"t": plain["t"].dictionary_encode()})) == digest_of(plain)
    # What lies under a NULL is not part of the answer.
    dirty = pa.Array.from_buffers(
        pa.string(), 3, [pa.py_buffer(b"\x05"), pa.array([0, 1, 3, 4], pa.int32()).buffers()[1], pa.py_buffer(b"azzb")]
    )
    assert digest_of(pa.table({"t": dirty})) == digest_of(plain)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"t": ["ab", "c"]}, {"t": ["a", "bc"]}),
        ({"t": [None, "a"]}, {"t": ["a", None]}),
        ({"t": [""]}, {"t": [None]}),
        ({"a": [1]}, {"b": [1]}),
        ({"a": [1], "b": [2]}, {"b": [2], "a": [1]}),
        ({"l": [[1], [2, 3]]}, {"l": [[1, 2], [3]]}),
        ({"l": [[]]}, {"l": pa.array([None], pa.list_(pa.null()))}),
        ({"s": [{"x": None}]}, {"s": pa.array([None], pa.struct([("x", pa.null())]))}),
        ({"n": pa.array([1], pa.int32())}, {"n": pa.array([1], pa.int64())}),
    ],
)
def test_near_misses_have_other_digests(one, other) -> None:
    assert digest_of(pa.table(one)) != digest_of(pa.table(other))


def test_every_type_has_a_digest_that_ignores_chunks(con) -> None:
    table = con.sql("FROM test_all_types()").to_arrow_table()
    for name in table.column_names:
        column = table.select([name])
        assert digest_of(pa.concat_tables([column.slice(0, 1), column.slice(1)])) == digest_of(column), name
        if name != "empty_struct":  # it has only one value
            assert digest_of(column.slice(1, 1)) != digest_of(column.slice(0, 1)), name


def test_threads_do_not_change_the_digest(con) -> None:
    sql = "SELECT i, 'n' || i AS t, i / 7 AS d, CASE WHEN i % 3 = 0 THEN NULL ELSE i END AS m FROM range(10000) r(i)"
    digests = set()
    for threads in (1, 2, 7):
        other = duckdb.connect(config={"threads": threads})
        digests.add(held(other, sql + " ORDER BY hash(i)").digest())
        other.close()
    assert len(digests) == 1


def test_a_large_result_is_hashed_while_it_is_converted(con) -> None:
    result = held(con, "SELECT i, 'n' || i % 10 AS t FROM range(150000) r(i)")
    frame = result.to_pandas()
    assert len(frame) == 150_000
    assert result.digest() == digest_of(result.to_arrow())


def test_writing_to_a_frame_does_not_reach_the_result(con) -> None:
    result = held(con, "SELECT i, i * 1.5::DOUBLE AS d, i::VARCHAR AS t FROM range(100) r(i)")
    before = result.digest()
    frame = result.to_pandas()
    frame.loc[0, "i"] = -1
    frame["d"] *= 2
    frame.iloc[1, 2] = "changed"
    with pytest.raises(ValueError, match="read-only"):
        result.to_pandas()["i"].to_numpy()[0] = 5
    again = result.to_pandas()
    assert (again.loc[0, "i"], again.loc[1, "d"], again.loc[1, "t"]) == (0, 1.5, "1")
    assert digest_of(result.to_arrow()) == before
    del result, again
    frame.loc[2, "i"] = 7
    assert list(frame["i"][:3]) == [-1, 1, 7]


def test_numbers_are_held_once(con) -> None:
    result = held(con, "SELECT i FROM range(300000) r(i)")
    frame = result.to_pandas()
    (chunk,) = result.to_arrow()["i"].chunks
    assert np.shares_memory(frame["i"].to_numpy(), np.frombuffer(chunk.buffers()[1], np.int64))


def test_repeated_names_as_duckdb_writes_them(con) -> None:
    sql = "SELECT 1 AS a, 2 AS a, 3 AS A, 4 AS a_1, 5 AS b"
    raw, ours = con.execute(sql).df(), held(con, sql)
    assert [c.name for c in ours.columns] == list(raw.columns) == list(ours.to_pandas().columns)


@given(st.lists(st.sampled_from(["a", "A", "a_1", "b", "A_1", "a_2"]), max_size=8))
@settings(max_examples=60, deadline=None)
def test_names_are_unique_as_duckdb_counts(con, names) -> None:
    if names:
        sql = "SELECT " + ", ".join(f'{i} AS "{n}"' for i, n in enumerate(names))
        assert unique_names(names) == tuple(con.execute(sql).df().columns)


def test_the_preview_is_text_and_null(con) -> None:
    sql = "SELECT 1.50::DECIMAL(9,2) AS d, NULL AS n, true AS b, 0.1 + 0.2::DOUBLE AS f, [1, NULL] AS l, '' AS e"
    result = held(con, sql)
    assert result.preview(5) == [["1.50", None, "true", "0.30000000000000004", "[1, NULL]", ""]]
    assert result.preview(0) == []
    assert result.preview(-1) == []


def test_without_polars_it_says_how_to_get_it(con, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(Unavailable) as caught:
        held(con, "SELECT 1 AS x").to_polars()
    assert caught.value.code == "polars_missing"


@pytest.mark.parametrize(
    "value", ["INTERVAL 1 DAY", "[INTERVAL 1 DAY]", "{'a': {'b': INTERVAL 1 DAY}}", "union_value(a := 1)"]
)
def test_what_polars_has_no_place_for(con, value: str) -> None:
    with pytest.raises(UserError) as caught:
        held(con, f"SELECT 1 AS n, {value} AS x").to_polars()
    assert caught.value.code == "no_frame_type"
    assert "column x" in caught.value.message


@pytest.mark.parametrize("name", ["ComputeError", "PanicException"])
def test_whatever_polars_raises_is_said(con, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import polars

    def fails(table: object) -> None:
        raise getattr(polars.exceptions, name)("SECRET")

    monkeypatch.setattr(polars, "from_arrow", fails)
    with pytest.raises(UserError) as caught:
        held(con, "SELECT 1 AS n").to_polars()
    assert (caught.value.code, "SECRET" in str(caught.value)) == ("no_frame_type", False)
    assert caught.value.__context__ is None


def test_polars_has_the_same_rows(con) -> None:
    frame = held(con, "SELECT i, i::VARCHAR AS t FROM range(3) r(i)").to_polars()
    assert frame.rows() == [(0, "0"), (1, "1"), (2, "2")]
