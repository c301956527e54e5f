"""DuckDB's errors, said again without a value in them.

DuckDB quotes the value it could not cast, both operands of an overflow, the candidates for a wrong name. None of its
text passes here: an error is put together from its class, its place in the user's text, and names the user wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.errors import AureusError, Refused, Span, Unavailable, UserError
from aureus_jupyter.values.catalog import fold

__all__ = ["keyboard", "place", "syntax_error", "translate"]

_PAYLOAD = re.compile(r"\{.*\}", re.DOTALL)
_PARAMETERS = re.compile(r"(?:following|excess) parameters: ([\w, ]+)")
_KINDS = {
    "Conversion": ("a value cannot be turned into the type asked for", "Use TRY_CAST to get NULL for such values."),
    "Out of Range": ("a number is too large or too small for its type", "Cast to a wider type first, such as DOUBLE."),
    "Invalid Input": ("a function was given a value it cannot work on", "Check the arguments, or wrap it in TRY()."),
    "Mismatch Type": ("two types do not go together", "Cast one side to the type of the other."),
    "Divide by Zero": ("a division by zero", "Use NULLIF(divisor, 0)."),
    "Not implemented": ("the engine has no way to do this", "Cast the values to one type, or write it another way."),
}
_CLASSES = {
    "ConversionException": "Conversion",
    "OutOfRangeException": "Out of Range",
    "InvalidInputException": "Invalid Input",
    "TypeMismatchException": "Mismatch Type",
    "DataError": "Conversion",
    "OutOfMemoryException": "Out of Memory",
    "InterruptException": "INTERRUPT",
    "BinderException": "Binder",
    "CatalogException": "Catalog",
    "ParserException": "Parser",
    "SyntaxException": "Parser",
    "PermissionException": "Permission",
    "MemoryError": "Out of Memory",
}


@contextmanager
def keyboard() -> Iterator[None]:
    """Give back the KeyboardInterrupt that DuckDB turns into a RuntimeError when it comes during a call."""
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("Query interrupted"):
            raise
        raise KeyboardInterrupt from None


def place(text: str, offset: int, length: int = 1) -> Span:
    """Return where the byte `offset` of the UTF-8 form of `text` stands; DuckDB counts in bytes."""
    before = text.encode("utf-8")[: max(0, offset)].decode("utf-8", "ignore")
    return Span(line=before.count("\n") + 1, column=len(before) - (before.rfind("\n") + 1) + 1, length=max(1, length))


def syntax_error(text: str, position: Any, length: int = 1) -> UserError:
    """Return the error for a text DuckDB cannot parse."""
    offset = int(position) if str(position).isdigit() else None
    return UserError(
        "syntax_error",
        "the engine cannot read this as SQL from here on",
        hint="Check the word before this place: a comma, a bracket or a keyword may be missing. "
        "If this is a question, use --as question.",
        span=None if offset is None else place(text, offset, length),
    )


def translate(
    error: BaseException, text: str, names: Iterable[str] = (), prefix: int = 0, bound: bool = False
) -> AureusError:
    """Return what to raise in place of a DuckDB error.

    `text` is the user's text, `prefix` the bytes that stood before it in what was run, `names` the columns the user
    may see. `bound` says that the statement did bind before: a name or file that is gone then went under it.
    Raises nothing; the returned error holds nothing of the original.
    """
    kind, payload = _parse(error)
    at = str(payload.get("position", ""))
    offset = int(at) - prefix if at.isdigit() else -1
    span = place(text, offset) if offset >= 0 else None
    if kind == "Parser":
        return syntax_error(text, offset)
    if kind in {"Binder", "Catalog"}:
        said = _binding(payload, names, span)
        return _drifted() if bound and said.code in {"unknown_column", "unknown_table"} else said
    if kind == "Out of Memory":
        return Unavailable(
            "memory_limit",
            "the statement needs more memory than it may use",
            hint="Select fewer columns or rows, or aggregate before joining.",
        )
    if kind == "INTERRUPT":
        return _stopped(payload)
    if kind == "Permission":
        # A statement that bound names no file: what is out of reach is the file below a shadow, since it is gone.
        return (
            _drifted()
            if bound
            else Refused(
                "engine_locked",
                "the engine is locked: files, networks and extensions are out of reach",
                hint="Read a dataset of the catalog; %aureus catalog lists them.",
                span=span,
            )
        )
    return _data(kind, payload, span, text)


def _parse(error: BaseException) -> tuple[str, dict[str, Any]]:
    """Return (kind, payload) of an error; DuckDB writes its errors as JSON, also inside an Arrow stream's."""
    found = _PAYLOAD.search(str(error))
    payload: Any = None
    if found:
        try:
            payload = json.loads(found.group())
        except ValueError:
            payload = None
    if not isinstance(payload, dict):
        payload = {"exception_message": str(error)}
    kind = payload.get("exception_type") or _CLASSES.get(type(error).__name__) or _prefix(str(error))
    return str(kind), payload


def _prefix(message: str) -> str:
    head = message.partition(" Error:")[0].strip()
    return head if len(head) < 30 else ""


def _stopped(payload: dict[str, Any]) -> Unavailable:
    if "execution time" in str(payload.get("exception_message", "")):
        return Unavailable(
            "time_limit",
            "the statement took longer than it may",
            hint="Filter earlier, join fewer datasets, or ask for a higher limit.",
        )
    return Unavailable("cancelled", "the statement was cancelled", hint="Run the cell again when you are ready.")


def _binding(payload: dict[str, Any], names: Iterable[str], span: Span | None) -> AureusError:
    message, subtype = str(payload.get("exception_message", "")), str(payload.get("error_subtype", ""))
    name = str(payload.get("name", ""))
    # A raw file or table whose columns changed under the shadow: not the user's doing.
    if "Contents of view were altered" in message:
        return _drifted()
    near = nearest_hint(name, sorted({fold(n) for n in names}), "")
    for mark, code, said, hint in _BINDINGS:
        if mark in subtype or mark in message:
            return UserError(
                code, said.format(name=f" {name}" if name else ""), hint=f"{hint} {near}".strip(), span=span
            )
    return UserError(
        "does_not_bind",
        "the statement does not fit the datasets: a name, a type or a clause is wrong",
        hint="Check the columns of each dataset with %aureus catalog, and the clause at this place.",
        span=span,
    )


def _drifted() -> Unavailable:
    return Unavailable(
        "contract_drift",
        "a dataset's file was changed or removed while it was connected",
        hint="Connect again; if it stays, the dataset's owner must bring contract and file together.",
    )


_BINDINGS = (
    ("COLUMN_NOT_FOUND", "unknown_column", "there is no column{name} here", "Check the spelling."),
    ("Ambiguous reference", "ambiguous_column", "a column name fits more than one dataset", "Write dataset.column."),
    ("No function matches", "wrong_types", "a function or operator does not take these types", "Cast an argument."),
    ("Scalar Function with name", "unknown_function", "there is no function{name}", "Check the spelling."),
    ("Table with name", "unknown_table", "there is no dataset{name}", "Use %aureus catalog to see them."),
    ("Referenced table", "unknown_table", "a dataset or alias is used that FROM does not name", "Name it in FROM."),
    (
        "must appear in the GROUP BY",
        "not_grouped",
        "a column is neither grouped nor aggregated",
        "Add it to GROUP BY, or use ANY_VALUE().",
    ),
    (
        "cannot contain aggregates",
        "misplaced_aggregate",
        "an aggregate stands where none may",
        "Use HAVING for conditions over aggregates.",
    ),
    (
        "Referenced column",
        "unknown_column",
        "there is no column{name} here",
        "Check the spelling, and which datasets FROM names.",
    ),
)


def _data(kind: str, payload: dict[str, Any], span: Span | None, text: str) -> AureusError:
    parameters = _PARAMETERS.search(str(payload.get("exception_message", "")))
    # The message may quote a value that only looks like the engine's own words: nothing is said but what the user wrote.
    written = set(re.findall(r"[$:](\w+)", text))
    if parameters and (named := sorted(written.intersection(re.findall(r"\w+", parameters.group(1))))):
        return UserError(
            "parameters",
            f"the statement and the given parameters do not agree on: {', '.join(named)}",
            hint="Give each :name of the statement once with --params, and no other.",
        )
    if "More than one row returned by a subquery" in str(payload.get("exception_message", "")):
        said = ("a subquery used as one value has several rows", "Aggregate it, or compare with IN.")
    elif kind in _KINDS:
        said = _KINDS[kind]
    else:
        return Unavailable(
            "engine_failed",
            f"the engine could not finish the statement ({kind or 'unknown'} error)",
            hint="Connect again. If it stays, check that the file is whole and readable.",
        )
    return UserError("data_error", said[0], hint=said[1], span=span)
