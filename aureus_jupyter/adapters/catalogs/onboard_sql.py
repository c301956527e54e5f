"""Raw data of a PostgreSQL database for onboarding, through SQLAlchemy; read-only, outside every policy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aureus_jupyter.adapters.catalogs.onboard_profile import quoted
from aureus_jupyter.errors import Unavailable, UserError
from aureus_jupyter.ports import RawColumn, RawTable

__all__ = ["SqlReader", "is_postgres", "without_password"]

_TABLES = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND has_schema_privilege(n.oid, 'USAGE')
  AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY n.nspname, c.relname, a.attnum
"""
_SETTINGS = "-c default_transaction_read_only=on -c statement_timeout=600000 -c timezone=UTC"


_SECRET = re.compile(r"pass|secret|token|key", re.IGNORECASE)


def without_password(url: str) -> tuple[str, bool]:
    """Return a URL that may stand in a file, and whether it held a password, which is cut out.

    A reference such as env:NAME in the password's place stays. Raises UserError `bad_connection`.
    """
    from sqlalchemy.util import immutabledict

    made = _parsed(url)
    kept = {name: value for name, value in made.query.items() if not _SECRET.search(name)}
    literal = made.password is not None and not str(made.password).startswith(("env:", "keyring:"))
    cut = literal or len(kept) != len(made.query)
    # Not `made.set`, which takes None for a password to mean: as it is.
    shown = made._replace(query=immutabledict(kept), password=None if literal else made.password)
    return shown.render_as_string(hide_password=False), cut


def _parsed(url: str) -> Any:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    made = None
    try:
        made = make_url(url)
    except (SQLAlchemyError, ValueError):
        # The error quotes the URL, and with it a password: nothing of it is passed on.
        made = None
    if made is None:
        raise UserError(
            "bad_connection",
            "the URL of the database cannot be read",
            hint="Write it as postgresql://user@host:5432/database.",
        )
    return made


def is_postgres(url: str) -> bool:
    """Whether a URL leads to PostgreSQL. Raises UserError `bad_connection`."""
    return _parsed(url).drivername.partition("+")[0] in {"postgresql", "postgres"}


class SqlReader:
    """Reads a PostgreSQL database. The session is read-only and its statements end after ten minutes.

    Sees what the account may read, without system tables and without the partitions below a table.
    """

    def __init__(self, engine: Any, connection: Any) -> None:
        self._engine, self._connection = engine, connection

    @classmethod
    def open(cls, url: str) -> SqlReader:
        """Connect. Raises UserError `bad_connection`; Unavailable `driver_missing`, `database_unavailable`."""
        from sqlalchemy import create_engine
        from sqlalchemy.exc import SQLAlchemyError

        made, problem = _parsed(url).set(drivername="postgresql+psycopg"), None
        options = " ".join(filter(None, [made.query.get("options", ""), _SETTINGS]))
        try:
            engine = create_engine(made.update_query_dict({"options": options}), connect_args={"connect_timeout": 10})
            connection = engine.connect()
        except ImportError:
            problem = Unavailable(
                "driver_missing",
                "PostgreSQL needs the psycopg driver",
                hint="Run: pip install 'aureus-jupyter[postgres]'",
            )
        except SQLAlchemyError as error:
            problem = _unavailable(error)
        if problem is not None:
            raise problem
        return cls(engine, connection)

    def tables(self) -> Sequence[RawTable]:
        """Return the tables and views with the columns the account may read."""
        found: dict[str, list[RawColumn]] = {}
        for schema, table, column, kind, required in self.fetch(_TABLES):
            columns = found.setdefault(f"{schema}.{table}", [])
            # A contract writes schema.table, so a name with a dot of its own cannot be told apart.
            if "." not in schema + table:
                columns.append(RawColumn(name=column, type=_type(kind), nullable=not required))
        return [RawTable(source=source, columns=tuple(columns)) for source, columns in found.items()]

    def relation(self, source: str) -> str:
        """Return the SQL that names a table `tables()` lists."""
        schema, _, table = source.partition(".")
        return f"{quoted(schema)}.{quoted(table)}"

    def fetch(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one query and return its rows. Raises Unavailable `database_unavailable`, never with a value."""
        from sqlalchemy.exc import SQLAlchemyError

        problem = None
        try:
            with self._connection.begin():
                return [
                    tuple(row)
                    for row in self._connection.exec_driver_sql(sql.replace("%", "%%"), dict(parameters or {}))
                ]
        except SQLAlchemyError as error:
            problem = _unavailable(error)
        raise problem

    def close(self) -> None:
        """Disconnect. A second call does nothing."""
        self._connection.close()
        self._engine.dispose()


def _unavailable(error: Exception) -> Unavailable:
    cause = getattr(error, "orig", None)
    state = getattr(cause, "sqlstate", None)
    said = f"{type(cause or error).__name__}{f', SQLSTATE {state}' if state else ''}"
    return Unavailable(
        "database_unavailable",
        f"the database cannot be reached or read ({said})",
        hint="Check host, port, database and user, and that the account may SELECT from the tables.",
    )


def _type(kind: str) -> str:
    """Return a PostgreSQL type as contracts write it: in capitals, text by its short name, times without a precision."""
    kind = re.sub(r"^(time|timestamp)\(\d\) ", r"\1 ", kind)
    kind = re.sub(r"^character varying(\(\d+\))?$", "VARCHAR", kind)
    return "BPCHAR" if re.fullmatch(r'character\(\d+\)|"char"', kind) else kind.upper()
