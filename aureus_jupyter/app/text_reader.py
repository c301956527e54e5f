"""A statement read as an engine reads it, over no data."""

from __future__ import annotations

from aureus_jupyter import plugins
from aureus_jupyter.ports import Engine, SecondReading

__all__ = ["TextReader"]


class TextReader:
    """Reads statements as an engine does: DuckDB's parser, or nothing where the dialect shows no tree."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect

    def read(self, sql: str) -> SecondReading:
        """Return the engine's reading of `sql`. Raises UserError `syntax_error`."""
        if self.dialect != "duckdb":
            return SecondReading(statements=1, tables=(), functions=(), nodes=())
        engine: Engine = plugins.load("engine", "duckdb").open(":memory:")
        try:
            return engine.read(sql)
        finally:
            engine.close()
