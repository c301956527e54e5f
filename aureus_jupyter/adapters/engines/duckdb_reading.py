"""How DuckDB's parser reads a statement, taken from a connection that holds no data.

`json_serialize_sql` parses and neither binds nor runs. Layout of the tree: DuckDB 2.0.
"""

from __future__ import annotations

import bisect
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from aureus_jupyter.errors import AureusError, Refused, UserError
from aureus_jupyter.ports import SecondReading
from aureus_jupyter.values.catalog import fold

from .duckdb_errors import syntax_error

__all__ = ["DuckDBReader", "Reading"]

_KEPT = 256
_STAND_INS = ({"kind": "NULL_LITERAL", "text": ""}, {"kind": "INTEGER", "text": "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A second reading, and what only this adapter needs of it.

    `table_functions` stand in FROM. `unbound` is the same statement with NULL, and with 1, for each parameter: the
    engine's name extraction refuses parameters, and some functions refuse one of the two. It also fails on an ASOF
    join over a view, so such a join stands there as a plain one. It is never executed.
    """

    second: SecondReading
    table_functions: tuple[str, ...]
    parameters: tuple[str, ...]
    unbound: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    tables: list[tuple[str, ...]] = field(default_factory=list)
    functions: dict[str, None] = field(default_factory=dict)
    table_functions: dict[str, None] = field(default_factory=dict)
    nodes: dict[str, None] = field(default_factory=dict)
    parameters: dict[str, None] = field(default_factory=dict)
    asof: bool = False


class DuckDBReader:
    """Reads statements with DuckDB's parser; remembers the last ones. Not for two threads at once."""

    def __init__(self) -> None:
        self._con = duckdb.connect(config={"threads": 1})
        for setting in ("enable_external_access=false", "python_enable_replacements=false", "lock_configuration=true"):
            self._con.execute(f"SET GLOBAL {setting}")
        self._known: OrderedDict[str, Reading] = OrderedDict()
        self._types: dict[str, str | None] = {}

    def read(self, text: str) -> Reading:
        """Return the reading of `text`. Raises UserError `syntax_error` and `parameters`, Refused `unreadable`.

        A statement that is no query has no tables and no nodes; its tree says so (`error_type` "not implemented").
        Positions in the tree count characters, not bytes.
        """
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        reading = self._parse(text)
        self._known[text] = reading
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return reading

    def type_name(self, kind: str) -> str | None:
        """Return DuckDB's own spelling of a type name (`INT` is `INTEGER`), or None when it knows no such type."""
        if kind not in self._types:
            self._types[kind] = self._type_name(kind)
        return self._types[kind]

    def close(self) -> None:
        """Close the connection."""
        self._con.close()

    def _serialise(self, text: str) -> Any:
        return json.loads(self._con.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchall()[0][0])

    def _parse(self, text: str) -> Reading:
        if "\x00" in text:
            raise syntax_error(text, len(text.partition("\x00")[0].encode("utf-8")))
        problem: AureusError
        try:
            return self._parsed(text)
        except duckdb.NotImplementedException:
            problem = UserError(
                "parameters",
                "the statement mixes parameters with a name and parameters without one",
                hint="Write every parameter as :name.",
            )
        except (duckdb.Error, RecursionError) as error:
            problem = Refused(
                "unreadable",
                f"the statement nests deeper or joins more than can be followed ({type(error).__name__})",
                hint="Name parts of it in a WITH clause, and join fewer datasets at once.",
            )
        raise problem

    def _parsed(self, text: str) -> Reading:
        tree = self._serialise(text)
        if tree.get("error"):
            if tree.get("error_type") != "not implemented":
                raise syntax_error(text, tree.get("position"))
            second = SecondReading(
                statements=len(self._con.extract_statements(text)), tables=(), functions=(), nodes=(), tree=tree
            )
            return Reading(second=second, table_functions=(), parameters=(), unbound=())
        statements = tree["statements"]
        found = _Found()
        for statement in statements:
            _walk(statement.get("node"), frozenset(), found)
        changed = found.parameters or found.asof
        unbound = tuple(self._plainer(tree, s) for s in _STAND_INS) if changed else (text,)
        if not text.isascii():
            _count_characters(tree, _starts(text))
        second = SecondReading(
            statements=len(statements),
            tables=tuple(found.tables),
            functions=tuple(found.functions),
            nodes=tuple(found.nodes),
            tree=tree,
        )
        return Reading(
            second=second,
            table_functions=tuple(found.table_functions),
            parameters=tuple(found.parameters),
            unbound=unbound,
        )

    def _plainer(self, tree: Any, literal: Mapping[str, str]) -> str:
        plain = json.dumps(_plainer(tree, literal))
        return str(self._con.execute("SELECT json_deserialize_sql(?::JSON)", [plain]).fetchall()[0][0])

    def _type_name(self, kind: str) -> str | None:
        tree = self._serialise(f"SELECT CAST(NULL AS {kind})")
        found = _Found()
        if not tree.get("error"):
            for statement in tree["statements"]:
                _walk(statement.get("node"), frozenset(), found)
        # One cast and nothing else: the text of a contract's type can hold no more than a type.
        shape = {"SELECT_NODE", "OPERATOR_CAST", "TYPE", "VALUE_CONSTANT", "EMPTY"}
        if tree.get("error") or len(tree["statements"]) != 1 or not set(found.nodes) <= shape:
            return None
        try:
            return str(self._con.execute(f"DESCRIBE SELECT CAST(NULL AS {kind})").fetchall()[0][1])
        except duckdb.Error:
            return None


def _walk(node: Any, scope: frozenset[str], found: _Found) -> None:
    """Collect below `node`; `scope` are the folded WITH names that can be meant there."""
    if isinstance(node, list):
        for item in node:
            _walk(item, scope, found)
    elif isinstance(node, dict):
        _note(node, scope, found)
        inner = _with(node, scope, found)
        for key, value in node.items():
            if key == "cte_map" or (key == "literal" and "kind" in (value or {})):
                continue
            _walk(value, inner | _own(node, key), found)


def _with(node: Mapping[str, Any], scope: frozenset[str], found: _Found) -> frozenset[str]:
    """Walk the WITH entries of a query node, each in the scope of those before it; return the scope after them."""
    entries = (node.get("cte_map") or {}).get("map") or []
    for entry in entries:
        _walk(entry.get("value"), scope, found)
        scope = scope | {fold(str(entry.get("key", "")))}
    return scope


def _own(node: Mapping[str, Any], key: str) -> frozenset[str]:
    """A recursive WITH entry can name itself, and only below its right side."""
    if node.get("type") == "RECURSIVE_CTE_NODE" and key != "left":
        return frozenset({fold(str(node.get("cte_name", "")))})
    return frozenset()


def _note(node: Mapping[str, Any], scope: frozenset[str], found: _Found) -> None:
    kind = node.get("type")
    if not isinstance(kind, str):
        return
    found.nodes[kind] = None
    found.asof |= node.get("ref_type") == "ASOF"
    if kind == "BASE_TABLE":
        path = _path(node, "table_name")
        if len(path) != 1 or fold(path[0]) not in scope:
            found.tables.append(path)
    elif kind == "SHOW_REF" and not node.get("query"):
        found.tables.append(_path(node, "table_name"))
    elif kind == "TABLE_FUNCTION":
        function = node.get("function") or {}
        found.table_functions[".".join(_path(function, "function_name")).lower()] = None
    if "function_name" in node:
        found.functions[".".join(_path(node, "function_name")).lower()] = None
    if node.get("class") == "PARAMETER":
        found.parameters[str(node.get("identifier"))] = None


def _path(node: Mapping[str, Any], key: str) -> tuple[str, ...]:
    path = (node.get("qualified_name") or {}).get("path") or [node.get(key, "")]
    return tuple(str(part) for part in path)


def _plainer(node: Any, literal: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_plainer(item, literal) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("class") == "PARAMETER":
        constant = {"class": "CONSTANT", "type": "VALUE_CONSTANT", "query_location": 0, "query_location_length": 0}
        return {**constant, "alias": node.get("alias", ""), "literal": literal}
    plain = {k: [] if k == "named_param_map" else _plainer(v, literal) for k, v in node.items()}
    return {**plain, "ref_type": "REGULAR"} if node.get("ref_type") == "ASOF" else plain


def _starts(text: str) -> list[int]:
    """Return the byte offset at which each character starts."""
    starts, at = [], 0
    for char in text:
        starts.append(at)
        at += len(char.encode("utf-8", "surrogatepass"))
    return starts


def _count_characters(node: Any, starts: list[int]) -> None:
    """Turn the tree's positions from bytes into characters, in place."""
    if isinstance(node, list):
        for item in node:
            _count_characters(item, starts)
    elif isinstance(node, dict):
        at = node.get("query_location")
        if isinstance(at, int) and 0 <= at < 2**62:
            size = node.get("query_location_length") or 0
            first, last = bisect.bisect_left(starts, at), bisect.bisect_left(starts, at + size)
            node["query_location"], node["query_location_length"] = first, last - first
        for value in node.values():
            _count_characters(value, starts)
