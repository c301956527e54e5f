"""What every `ports.Engine` must do, as tests an adapter's own suite inherits.

    class TestMine(EngineConformance):
        def connect(self): ...

Needs no test framework beyond one that runs methods called `test_*`. The data is `ROWS`, made by `CREATE` and `INSERT`
in the plain SQL that every dialect reads.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from aureus_jupyter.core.analyze import bound_text
from aureus_jupyter.errors import AureusError, Refused, Unavailable, UserError
from aureus_jupyter.ports import Engine, Limits, ResultTable
from aureus_jupyter.values.catalog import Column, Dataset
from aureus_jupyter.values.plan import Parameter, Plan, Shadow

__all__ = ["CREATE", "INSERT", "MARKER", "ROWS", "EngineConformance", "raised"]

E = TypeVar("E", bound=AureusError)

MARKER = "MARK-7391"
"""Stands in every hidden value; no message may hold it."""

ROWS = 100
CREATE = "CREATE TABLE account (id BIGINT, holder VARCHAR, amount DECIMAL(18, 2), site VARCHAR)"
_TWICE = "SELECT count(*) AS n FROM account a JOIN account b ON a.id = b.id"
INSERT = (
    "INSERT INTO account SELECT i, '" + MARKER + "-' || CAST(i AS VARCHAR), i + 0.25, "
    "CASE WHEN i % 2 = 0 THEN 'OSLO' ELSE 'BERN' END FROM generate_series(0, 99) AS g(i)"
)


def raised(kind: type[E], work: Callable[[], object]) -> E:
    """Return the error of that family `work` raises; fail when it raises none."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, nothing was raised")


class EngineConformance:
    """The suite. `connect` gives an engine whose connection holds the table; `source` is what tables() calls it."""

    source = "account"
    scans = 2
    """How often the table is read by a statement that joins it with itself; 1 for an engine that copies it first."""

    @abstractmethod
    def connect(self) -> Engine:
        """Return a new engine over the data; the suite closes it."""

    def dataset(self) -> Dataset:
        """Return the contract of the table."""
        return Dataset(
            name="account",
            pack="conformance",
            source=self.source,
            columns=(
                Column(name="id", type="BIGINT"),
                Column(name="holder", type="VARCHAR"),
                Column(name="amount", type="DECIMAL(18,2)"),
                Column(name="site", type="VARCHAR"),
            ),
        )

    def shadow(self) -> Shadow:
        """Return a shadow with a masked holder and only one site."""
        columns = ('"id"', 'CASE WHEN "holder" IS NULL THEN NULL ELSE \'***\' END AS "holder"', '"amount"', '"site"')
        return Shadow(
            dataset="account", source=self.source, projection=columns, where="\"site\" = 'OSLO'", barrier=True
        )

    def plan(self, engine: Engine, sql: str, *names: str, rows: int | None = None) -> Plan:
        """Return the plan of `sql` over the shadow."""
        return Plan(
            sql=sql,
            bound=bound_text(sql, engine.dialect),
            dialect=engine.dialect,
            shadows=(self.shadow(),),
            parameters=names,
            rows=rows,
        )

    def answer(
        self, engine: Engine, sql: str, values: Mapping[str, Parameter] | None = None, limits: Limits | None = None
    ) -> ResultTable:
        """Prepare and run `sql`."""
        given = values or {}
        plan = self.plan(engine, sql, *given)
        engine.prepare(plan, (self.dataset(),))
        return engine.run(plan, given, limits or Limits())

    def _with(self, work: Callable[[Engine], Any]) -> None:
        engine = self.connect()
        try:
            work(engine)
        finally:
            engine.close()

    def test_it_is_an_engine(self) -> None:
        """It has the port's methods, and says what it is."""

        def check(engine: Engine) -> None:
            assert isinstance(engine, Engine)
            assert engine.dialect in {"duckdb", "postgres"}
            assert engine.description

        self._with(check)

    def test_it_lists_the_raw_table(self) -> None:
        """Onboarding sees the table with its columns and its size."""

        def check(engine: Engine) -> None:
            table = next(t for t in engine.tables() if t.source == self.source)
            assert [c.name for c in table.columns] == ["id", "holder", "amount", "site"]
            assert table.rows == ROWS

        self._with(check)

    def test_a_syntax_error_has_a_place_and_no_value(self) -> None:
        """The user is told where, not what."""

        def check(engine: Engine) -> None:
            error = raised(UserError, lambda: engine.read(f"SELECT '{MARKER}' FRO account WHERE"))
            assert error.code == "syntax_error"
            assert MARKER not in str(error)

        self._with(check)

    def test_mask_and_filter_hold(self) -> None:
        """The statement sees masked values and visible rows, in predicates too."""

        def check(engine: Engine) -> None:
            assert self.answer(engine, "SELECT count(*) AS n, min(holder) AS h FROM account").preview(1) == [
                ["50", "***"]
            ]
            hidden = f"SELECT count(*) AS n FROM account WHERE holder LIKE '{MARKER}%' OR site = 'BERN'"
            assert self.answer(engine, hidden).preview(1) == [["0"]]

        self._with(check)

    def test_a_table_outside_the_plan_is_refused(self) -> None:
        """Nothing is read when the engine sees another table than the plan."""

        def check(engine: Engine) -> None:
            for sql in (
                "SELECT * FROM account, other",
                "SELECT 1 AS one",
                "WITH account AS (SELECT 1 AS id) SELECT id FROM account",
            ):
                error = raised(Refused, partial(engine.prepare, self.plan(engine, sql), (self.dataset(),)))
                assert error.code == "binder_disagrees", sql

        self._with(check)

    def test_a_statement_that_does_not_bind_is_the_users(self) -> None:
        """A wrong column is a UserError before anything runs."""

        def check(engine: Engine) -> None:
            plan = self.plan(engine, "SELECT holdr FROM account")
            raised(UserError, lambda: engine.prepare(plan, (self.dataset(),)))

        self._with(check)

    def test_a_data_error_shows_no_value(self) -> None:
        """The message has a class and a hint; the value is in neither, nor in what Python chains."""

        def check(engine: Engine) -> None:
            error = raised(UserError, lambda: self.answer(engine, "SELECT CAST(holder AS INTEGER) AS n FROM account"))
            assert error.code == "data_error"
            assert "***" not in str(error)
            assert error.__cause__ is None
            assert error.__context__ is None
            assert self.answer(engine, "SELECT count(*) AS n FROM account").rows == 1

        self._with(check)

    def test_parameters_are_bound(self) -> None:
        """A value stays a value, whatever it looks like."""

        def check(engine: Engine) -> None:
            sql = "SELECT count(*) AS n FROM account WHERE id < :top AND site = :site"
            assert self.answer(engine, sql, {"top": 10, "site": "OSLO"}).preview(1) == [["5"]]
            assert self.answer(engine, sql, {"top": 10, "site": "' OR 1=1 --"}).preview(1) == [["0"]]

        self._with(check)

    def test_a_missing_parameter_is_the_users(self) -> None:
        """Each name has one value."""

        def check(engine: Engine) -> None:
            plan = self.plan(engine, "SELECT id FROM account WHERE id = :id", "id")
            engine.prepare(plan, (self.dataset(),))
            assert raised(UserError, lambda: engine.run(plan, {}, Limits())).code == "parameters"

        self._with(check)

    def test_the_row_cap_holds(self) -> None:
        """No more rows than asked for, and it says whether there were more."""

        def check(engine: Engine) -> None:
            short = self.answer(engine, "SELECT id FROM account", limits=Limits(rows=7))
            whole = self.answer(engine, "SELECT id FROM account", limits=Limits(rows=50))
            assert (short.rows, short.truncated, whole.rows, whole.truncated) == (7, True, 50, False)

        self._with(check)

    def test_the_digest_is_of_the_answer(self) -> None:
        """The same answer has the same digest; another has another."""

        def check(engine: Engine) -> None:
            ask = "SELECT id, holder, amount FROM account ORDER BY id"
            first, again = self.answer(engine, ask).digest(), self.answer(engine, ask).digest()
            assert first == again
            assert first != self.answer(engine, ask + " DESC").digest()
            assert first[0].startswith("sha256:")

        self._with(check)

    def test_an_estimate_reads_nothing_and_names_no_raw_relation(self) -> None:
        """A dry run tells the cost in words."""

        def check(engine: Engine) -> None:
            plan = self.plan(engine, "SELECT site, count(*) AS n FROM account GROUP BY site")
            engine.prepare(plan, (self.dataset(),))
            assert "account" in engine.estimate(plan, {})

        self._with(check)

    def test_what_is_scanned_is_all_rows_or_not_known(self) -> None:
        """Whatever a condition or a filter leaves of them, and as often as the statement reads the table."""

        def check(engine: Engine) -> None:
            for sql, least in (("SELECT id FROM account WHERE id = 3", ROWS), (_TWICE, self.scans * ROWS)):
                plan = self.plan(engine, sql)
                engine.prepare(plan, (self.dataset(),))
                found = engine.scanned(plan, {})
                assert found is None or least <= found <= 3 * least, sql

        self._with(check)

    def slow(self) -> str:
        """Return a statement that takes far longer than any test waits."""
        names = "abcdefg"
        tables = ", ".join(f"account {n}" for n in names)
        total = " + ".join(f"{n}.id" for n in names)
        return f"SELECT count(*) AS n FROM {tables} WHERE ({total}) % 1009 = 3"

    def test_the_time_limit_holds(self) -> None:
        """The statement ends, and the connection goes on."""

        def check(engine: Engine) -> None:
            error = raised(Unavailable, lambda: self.answer(engine, self.slow(), limits=Limits(seconds=0.3)))
            assert error.code == "time_limit"
            assert self.answer(engine, "SELECT count(*) AS n FROM account").rows == 1

        self._with(check)

    def test_cancel_from_another_thread(self) -> None:
        """Cancel stops what runs; with nothing running it does nothing."""

        def check(engine: Engine) -> None:
            engine.cancel()
            timer = threading.Timer(0.3, engine.cancel)
            timer.start()
            assert raised(Unavailable, lambda: self.answer(engine, self.slow())).code == "cancelled"
            timer.join()
            assert self.answer(engine, "SELECT count(*) AS n FROM account").rows == 1

        self._with(check)

    def test_closing_is_final(self) -> None:
        """Twice is once; after it nothing works."""
        engine = self.connect()
        engine.close()
        engine.close()
        engine.cancel()
        raised(Unavailable, lambda: engine.read("SELECT 1 AS one"))
        raised(Unavailable, engine.tables)
