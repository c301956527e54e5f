"""Which parameter a statement failed for: bound once more over tables without rows, where a type shows and no data is."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from aureus_jupyter.errors import UserError
from aureus_jupyter.values.plan import Parameter

from .duckdb_source import quote

__all__ = ["Columns", "wrong_parameter"]

Columns = Mapping[str, tuple[tuple[str, str], ...]]
"""Each relation's columns, name and type."""

_HINTS = (
    (re.compile(r"DATE$"), "Write it as YYYY-MM-DD."),
    (re.compile(r"TIMESTAMP|TIME$"), "Write it as YYYY-MM-DD HH:MM:SS."),
    (re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$"), "Write a whole number, such as 12."),
    (re.compile(r"DECIMAL|DOUBLE|FLOAT"), "Write a number with a point, such as 12.5."),
    (re.compile(r"BOOLEAN$"), "Write true or false."),
)


def wrong_parameter(
    text: str, tree: Any, relations: Columns, values: Mapping[str, Parameter], bind: bool
) -> UserError | None:
    """Return the error for the first parameter whose value its place cannot take, or None when it is none of them.

    `relations` are the tables the statement sees, of which only names and types are used. `bind` says that binding failed, not
    a cast while it ran. Runs nothing of the statement. The error tells the parameter and the type, never the value.
    """
    with duckdb.connect(config={"threads": 1}) as twin:
        for name, columns in relations.items():
            fields = ", ".join(f"{quote(column)} {kind}" for column, kind in columns)
            twin.execute(f"CREATE TABLE {quote(name)} ({fields})")
        # The optimizer would drop the very cast that shows the type.
        twin.execute("PRAGMA disable_optimizer")
        twin.execute("SET python_enable_replacements = false")
        twin.execute("SET enable_external_access = false")
        twin.execute("SET lock_configuration = true")
        for name, value in values.items():
            if bind and not _binds(twin, text, values, name, value):
                return _error(name, "", value)
            if isinstance(value, str):
                for kind in _types(twin, text, tree, values, name):
                    if not _casts(twin, value, kind):
                        return _error(name, kind, value)
    return None


def _binds(twin: Any, text: str, values: Mapping[str, Parameter], name: str, value: Parameter) -> bool:
    try:
        twin.execute(f"EXPLAIN {text}", {**dict.fromkeys(values), name: value})
    except duckdb.Error:
        return False
    return True


def _types(twin: Any, text: str, tree: Any, values: Mapping[str, Parameter], name: str) -> Iterator[str]:
    """Yield the types a text in the parameter's places would be cast to."""
    yield from (kind for told, kind in _told(tree) if told == name)
    mark = "aureus" + secrets.token_hex(8)
    try:
        plan = twin.execute(f"EXPLAIN (FORMAT json) {text}", {**dict.fromkeys(values), name: mark}).fetchall()[0][1]
    except duckdb.Error:
        return
    yield from re.findall(rf"CAST\('{mark}' AS ([\w ]+(?:\([\d, ]*\))?)\)", plan)


def _told(node: Any) -> Iterator[tuple[str, str]]:
    """Yield (parameter, type) where the statement itself tells it: under a CAST, and after LIMIT and OFFSET.

    A plan does not show a limit, nor the expression behind an output that has a name.
    """
    if isinstance(node, dict):
        for part, kind in (("limit", "BIGINT"), ("offset", "BIGINT"), ("child", _cast(node))):
            held = node.get(part)
            if isinstance(held, dict) and held.get("class") == "PARAMETER" and kind:
                yield str(held.get("identifier", "")), kind
        node = list(node.values())
    for item in node if isinstance(node, list) else ():
        yield from _told(item)


def _cast(node: Mapping[str, Any]) -> str:
    """Return the plain type a CAST asks for, or nothing: not for TRY_CAST, nor for a type with arguments."""
    asked = node.get("type_expr")
    if node.get("class") != "CAST" or node.get("try_cast") or not isinstance(asked, dict) or asked.get("children"):
        return ""
    name = str(asked.get("type_name", ""))
    return name.upper() if re.fullmatch(r"[A-Za-z ]{1,30}", name) else ""


def _casts(twin: Any, value: str, kind: str) -> bool:
    return twin.execute(f"SELECT TRY_CAST($v AS {kind})", {"v": value}).fetchall()[0][0] is not None


def _a(kind: str) -> str:
    return f"{'an' if kind[:1] in 'AEIO' else 'a'} {kind}"


def _error(name: str, kind: str, value: Parameter) -> UserError:
    whole = "INT" in kind and isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value)
    if whole:
        return UserError(
            "bad_parameter",
            f"the value given for :{name} is larger than {_a(kind)} can be",
            hint="Give a smaller number, or cast both sides to DECIMAL(38,0).",
        )
    wanted = f"is not {_a(kind)}" if kind else "is of a type that does not go with what it stands beside"
    hint = next((words for form, words in _HINTS if form.match(kind)), "Give a value of that type, or cast it.")
    return UserError("bad_parameter", f"the value given for :{name} {wanted}", hint=hint)
