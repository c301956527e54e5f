"""A statement's parameters as the driver wants them, each value apart from the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import psycopg

from aureus_jupyter.core.text import spell_names
from aureus_jupyter.values.plan import Parameter

__all__ = ["Spelling"]

_T = TypeVar("_T")
# The last is raised while rows are read: for a cursor the server compares the types it found only then.
_UNTOLD = (
    psycopg.errors.IndeterminateDatatype,
    psycopg.errors.AmbiguousParameter,
    psycopg.errors.DatatypeMismatch,
)


class Spelling:
    """One statement's text with placeholders. It learns where the server cannot tell a parameter's type from its place.

    A text, a date or no value goes to the server without a type, which is found from where it stands: `day = :d` is a date.
    `:d IS NULL` says nothing; there the same value goes once more, as text. All other places of one name stay one parameter, so
    that `GROUP BY date_trunc(:unit, day)` is what the select list says.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._apart: set[str] = set()
        self._texts: set[str] = set()

    def spelled(self, parameters: Mapping[str, Parameter]) -> tuple[str, dict[str, Parameter] | None]:
        """Return the text with psycopg's placeholders, and their values; None when there are none."""
        if not parameters:
            return self.sql, None
        values: dict[str, Parameter] = {}
        text = self._spell(lambda place, name: values.setdefault(place, parameters[name]))
        return text, values

    def tried(self, act: Callable[[], _T]) -> _T:
        """Return what `act` gives, which spells and sends the statement; again where the server could not tell a type.

        Raises what `act` raises, also that error when there is nothing left to learn.
        """
        while True:
            try:
                return act()
            except _UNTOLD as error:
                if not self._learn(error):
                    raise

    def _spell(self, seen: Callable[[str, str], object]) -> str:
        count = 0

        def placeholder(name: str) -> str:
            nonlocal count
            count += 1
            place = f"{name}.{count}" if name in self._apart else name
            seen(place, name)
            return f"CAST(%({place})s AS pg_catalog.text)" if place in self._texts else f"%({place})s"

        return spell_names(self.sql, placeholder, lambda other: other.replace("%", "%%"))

    def _learn(self, error: psycopg.Error) -> bool:
        """Take in which parameter the server means: the number is its own, whatever language the message is in."""
        while_reading = isinstance(error, psycopg.errors.DatatypeMismatch)
        if while_reading and error.diag.statement_position:
            return False
        found = re.search(r"\b(\d+)" if while_reading else r"\$(\d+)", error.diag.message_primary or "")
        places: dict[str, str] = {}
        self._spell(places.setdefault)
        number = int(found[1]) if found else 0
        if not 0 < number <= len(places):
            return False
        place, name = list(places.items())[number - 1]
        if place in self._texts:
            return False
        if name in self._apart:
            self._texts.add(place)
        else:
            self._apart.add(name)
        return True
