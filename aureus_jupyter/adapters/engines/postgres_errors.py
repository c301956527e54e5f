"""PostgreSQL's errors in our words: a class and a hint, never a value and never the server's text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import MappingProxyType

import psycopg

from aureus_jupyter.errors import AureusError, Unavailable, UserError

__all__ = ["guarded", "no_shadows", "time_limit"]

# Classes and codes of SQLSTATE: PostgreSQL documentation, appendix A.
_BY_STATE = MappingProxyType(
    {
        "42601": ("syntax_error", "the server cannot read this as SQL", "Check commas, brackets and keywords."),
        "42703": (
            "unknown_column",
            "a column is not in any dataset of the statement",
            "See %aureus catalog for the columns.",
        ),
        "42702": (
            "ambiguous_column",
            "a column is in more than one dataset",
            "Write the dataset's alias before the column.",
        ),
        "42P01": ("unknown_table", "a name is no dataset of the statement", "See %aureus catalog for the datasets."),
        "42883": ("unknown_function", "a function or operator does not take these types", "Cast the arguments."),
        "42804": ("wrong_types", "types do not fit together", "Cast one side to the other's type."),
        "42725": ("wrong_types", "more than one function or operator takes these types", "Cast the arguments."),
        "42P18": (
            "wrong_types",
            "the type of a parameter cannot be told from its place",
            "Cast it: CAST(:name AS date).",
        ),
        "42P08": (
            "wrong_types",
            "a parameter stands where different types are needed",
            "Cast it: CAST(:name AS date).",
        ),
        "42803": ("not_grouped", "a column is neither grouped nor summarised", "Add it to GROUP BY, or summarise it."),
    }
)
# Connection exceptions, an operator's intervention, a wrong password, no such database.
_GONE = ("08", "57", "28", "3D")
_DATA = UserError(
    "data_error",
    "a value cannot be computed or cast for some row",
    hint="Guard it: nullif(x, 0) for a division, a CASE for a cast.",
)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Turn whatever the driver raises into an error of ours, without its text."""
    from sqlalchemy.exc import DBAPIError

    found: AureusError | None = None
    try:
        yield
    except DBAPIError as error:
        found = _translate(error.orig)
    except psycopg.Error as error:
        found = _translate(error)
    if found is not None:
        raise found


def no_shadows() -> Unavailable:
    """Return the error for an account or a server that has no temporary views."""
    return Unavailable(
        "no_temporary_views",
        "the guard works with temporary views, which this account may not make or this server, a standby, does not have",
        hint="Ask for GRANT TEMPORARY ON DATABASE for the account, or connect to the primary server.",
    )


def time_limit() -> Unavailable:
    """Return the error for a statement that took too long."""
    return Unavailable(
        "time_limit",
        "the statement took longer than it may",
        hint="Filter earlier, join fewer datasets, or ask for a higher limit.",
    )


def _translate(error: BaseException | None) -> AureusError:
    state = str(getattr(error, "sqlstate", None) or "")
    if state == "57014":
        return time_limit()
    if state in _BY_STATE:
        code, message, hint = _BY_STATE[state]
        return UserError(code, message, hint=hint)
    if state.startswith(("22", "21", "23", "P0")):
        return UserError(_DATA.code, _DATA.message, hint=_DATA.hint)
    if state == "42501":
        return Unavailable(
            "not_granted", "the account may not read a table of the statement", hint="Ask its owner for SELECT on it."
        )
    if state.startswith("42"):
        return UserError(
            "does_not_bind", "the statement does not fit the datasets", hint="Check names, types and clauses."
        )
    if state.startswith("0A"):
        return UserError("not_supported", "the server cannot run this kind of statement", hint="Write it another way.")
    if not state and isinstance(error, psycopg.DataError):
        # The driver itself: a date or time that Python has no value for.
        return UserError(
            "no_result_type",
            "a value of the result has no place in a data frame, such as an infinite date",
            hint="Cast the column to text, or filter such rows out.",
        )
    if state.startswith("53"):
        return Unavailable(
            "memory_limit", "the server ran out of memory or disk", hint="Ask for fewer rows or columns."
        )
    if state and not state.startswith(_GONE):
        return UserError("not_run", "the server refused to run the statement now", hint="Simplify it, or run it again.")
    return Unavailable(
        "engine_gone",
        f"the database cannot be reached or ended the connection ({type(error).__name__})",
        hint="Check host, account and network, then connect again: %aureus connect URL.",
    )
