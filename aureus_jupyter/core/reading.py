"""DuckDB's own syntax tree, read against an allow-list.

The tree is the judge: what it shows is what the engine will bind. Every node class, function, argument and type must
be on the lists here; anything unknown refuses. Layout: `json_serialize_sql` of DuckDB 2.0, pinned by a golden test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aureus_jupyter.core.functions import DUCKDB, TABLE_FUNCTIONS, UNLISTED, Surface, why_refused
from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.core.text import span_at
from aureus_jupyter.errors import Refused, Span, UserError
from aureus_jupyter.values.catalog import fold

__all__ = ["MAX_NAME_PARTS", "Reading", "TableRef", "ctes_of", "path_of", "read_tree"]

MAX_NAME_PARTS = 5

_QUERY_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"})
_OTHER_NODES = frozenset(
    # tables
    "BASE_TABLE JOIN SUBQUERY TABLE_FUNCTION EMPTY EXPRESSION_LIST PIVOT "
    # expressions
    "ARRAY_CONSTRUCTOR ARRAY_EXTRACT ARRAY_SLICE CASE_EXPR COLLATE COLUMN_REF CONJUNCTION_AND CONJUNCTION_OR FUNCTION "
    "GROUPING_FUNCTION LAMBDA OPERATOR_CAST OPERATOR_COALESCE OPERATOR_IS_NOT_NULL OPERATOR_IS_NULL OPERATOR_NOT "
    "OPERATOR_NULLIF OPERATOR_TRY POSITIONAL_REFERENCE STAR STRUCT_EXTRACT TYPE VALUE_CONSTANT VALUE_PARAMETER "
    "OPERATOR_UNPACK OPERATOR_BETWEEN COMPARE_BETWEEN COMPARE_NOT_BETWEEN COMPARE_EQUAL COMPARE_NOTEQUAL "
    "COMPARE_LESSTHAN COMPARE_GREATERTHAN COMPARE_LESSTHANOREQUALTO COMPARE_GREATERTHANOREQUALTO COMPARE_IN "
    "COMPARE_NOT_IN COMPARE_DISTINCT_FROM COMPARE_NOT_DISTINCT_FROM "
    # windows
    "WINDOW_AGGREGATE WINDOW_RANK WINDOW_RANK_DENSE WINDOW_NTILE WINDOW_PERCENT_RANK WINDOW_CUME_DIST "
    "WINDOW_ROW_NUMBER WINDOW_FIRST_VALUE WINDOW_LAST_VALUE WINDOW_NTH_VALUE WINDOW_LEAD WINDOW_LAG WINDOW_FILL "
    # modifiers
    "LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER ORDER_MODIFIER DISTINCT_MODIFIER ORDER_DEFAULT ASCENDING DESCENDING".split()
)
_RAISING_NODES = frozenset(
    {"OPERATOR_CAST", "ARRAY_SLICE", "POSITIONAL_REFERENCE", "LAMBDA", "COLLATE", "TABLE_FUNCTION"}
)
_REFUSED_NODES = {
    "SHOW_REF": (
        "metadata_statement",
        "DESCRIBE, SHOW and SUMMARIZE",
        "Use %aureus catalog to see datasets and columns.",
    ),
    "DELETE_QUERY_NODE": ("not_a_query", "DELETE", "A cell only reads. Select the rows instead."),
    "UPDATE_QUERY_NODE": ("not_a_query", "UPDATE", "A cell only reads. Select the rows instead."),
    "INSERT_QUERY_NODE": ("not_a_query", "INSERT", "A cell only reads. Assign the result: %%aureus name <<"),
    "COPY_QUERY_NODE": ("not_a_query", "COPY", "A cell only reads. Save the data frame with pandas if policy allows."),
}
_TYPES = frozenset(
    "BOOLEAN BOOL LOGICAL TINYINT INT1 SMALLINT INT2 SHORT INTEGER INT INT4 SIGNED BIGINT INT8 LONG HUGEINT UTINYINT "
    "USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT FLOAT4 REAL DOUBLE FLOAT8 DECIMAL NUMERIC DEC VARCHAR CHAR BPCHAR TEXT "
    "STRING CHARACTER NVARCHAR BLOB BYTEA VARBINARY BINARY DATE TIME TIMESTAMP DATETIME TIMESTAMP_S TIMESTAMP_MS "
    "TIMESTAMP_NS TIMESTAMP_US TIMESTAMPTZ TIMETZ INTERVAL UUID BIT BITSTRING JSON LIST ARRAY STRUCT ROW MAP UNION "
    "NULL".split()
) | {"TIMESTAMP WITH TIME ZONE", "TIME WITH TIME ZONE"}
_NAME_LISTS = frozenset({"using_columns", "exclude_list", "groups", "column_names"})
_PIVOT_VALUES = "PIVOT without a literal IN list turns values into column names"
_PIVOT_HINT = "List the values: PIVOT ... ON column IN ('a', 'b')."
_HIDDEN_COLUMNS = frozenset({"rowid", "file_row_number", "filename", "file_index"})


@dataclass(frozen=True, slots=True)
class TableRef:
    """A base table as written, and where."""

    name: str
    alias: str
    span: Span


@dataclass(slots=True)
class Reading:
    """What the tree says; filled by one walk.

    `names` are the paths of every name that may be a column, folded. `stars` are folded dataset names whose row is
    taken as a whole; the walk adds to them per SELECT, so that a star over a subquery does not count. `derived` are the
    folded aliases of subqueries, functions and WITH names.
    """

    text: str
    tables: list[TableRef] = field(default_factory=list)
    names: set[tuple[str, ...]] = field(default_factory=set)
    stars: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    derived: set[str] = field(default_factory=set)
    joins: int = 0
    has_filter: bool = False
    can_raise: bool = False
    surface: Surface = DUCKDB

    def span(self, node: Mapping[str, Any]) -> Span | None:
        """Return where a node stands in the text, or None when the engine does not say."""
        at = node.get("query_location")
        return span_at(self.text, at) if isinstance(at, int) and 0 <= at <= len(self.text) else None


def read_tree(text: str, tree: Any, surface: Surface = DUCKDB) -> Reading:
    """Walk the answer of `json_serialize_sql` for `text`, or a tree that was brought into its layout, with that engine's functions.

    Does not resolve a name against a catalog. Raises UserError `syntax_error`, or Refused with the code of the first
    thing that is not on the lists.
    """
    if not isinstance(tree, dict):
        raise Refused("unreadable", "the engine gave no syntax tree", hint="Please report the shape of this statement.")
    if tree.get("error"):
        raise _syntax_error(text, tree)
    statements = tree.get("statements", [])
    if len(statements) != 1:
        raise Refused(
            "one_statement",
            f"a cell holds one statement, this one holds {len(statements)}",
            hint="Put each statement in a cell of its own.",
        )
    reading = Reading(text, surface=surface)
    _query(reading, statements[0].get("node"), frozenset())
    return reading


def _syntax_error(text: str, tree: Mapping[str, Any]) -> UserError | Refused:
    if tree.get("error_type") == "not implemented" and re.match(r"[\s(]*pivot\b", text, re.IGNORECASE):
        return Refused("pivot_values", _PIVOT_VALUES, hint=_PIVOT_HINT)
    if tree.get("error_type") == "not implemented":
        return Refused(
            "not_a_query",
            "a cell holds one SELECT; this is another kind of statement",
            hint="A cell only reads. To see datasets use %aureus catalog; for help %aureus help.",
        )
    position = str(tree.get("position", ""))
    return UserError(
        "syntax_error",
        "the engine cannot read this as SQL from here on",
        hint="Check the word before this place: a comma, a bracket or a keyword may be missing. "
        "If this is a question, use --as question.",
        span=span_at(text, int(position)) if position.isdigit() else None,
    )


def path_of(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the qualified name of a table, function or type node as written."""
    qualified = node.get("qualified_name")
    return tuple(qualified["path"]) if isinstance(qualified, dict) else ()


def ctes_of(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return (name, definition) for each WITH entry of a query node, in order."""
    for entry in (node.get("cte_map") or {}).get("map") or ():
        yield entry["key"], entry["value"]


def _query(reading: Reading, node: Any, ctes: frozenset[str]) -> None:
    """Read one query node; `ctes` are the folded names that are not base tables here."""
    kind = node.get("type") if isinstance(node, dict) else None
    if kind not in _QUERY_NODES:
        raise _refuse_node(reading, node, str(kind))
    for name, value in ctes_of(node):
        _query(reading, value.get("query_node") or (value.get("query") or {}).get("node"), ctes)
        _expressions(reading, {k: v for k, v in value.items() if k not in {"query_node", "query", "aliases"}}, ctes, [])
        ctes = ctes | {fold(name)}
    if kind == "RECURSIVE_CTE_NODE":
        _query(reading, node["left"], ctes)
        _query(reading, node["right"], ctes | {fold(node["cte_name"])})
    elif kind == "SET_OPERATION_NODE":
        for child in node.get("children") or [node.get("left"), node.get("right")]:
            _query(reading, child, ctes)
    rest = {k: v for k, v in node.items() if k not in {"cte_map", "left", "right", "children", "type", "from_table"}}
    scope: list[str] = []
    if kind == "SELECT_NODE":
        _from(reading, node.get("from_table"), ctes, scope)
        reading.has_filter = reading.has_filter or node.get("where_clause") is not None
    _expressions(reading, rest, ctes, scope)


def _from(reading: Reading, node: Any, ctes: frozenset[str], scope: list[str]) -> None:
    """Read a FROM clause; base tables of this very scope are appended to `scope`, folded."""
    kind = node.get("type") if isinstance(node, dict) else None
    if kind not in {"BASE_TABLE", "JOIN"} and isinstance(node, dict):
        reading.derived.add(fold(node.get("alias") or ""))
    if kind == "BASE_TABLE":
        _base_table(reading, node, ctes, scope)
    elif kind == "SUBQUERY":
        _query(reading, (node.get("subquery") or {}).get("node"), ctes)
    elif kind == "JOIN":
        _join(reading, node, ctes, scope)
    elif kind == "PIVOT":
        inner: list[str] = []
        _from(reading, node.get("source"), ctes, inner)
        scope += inner
        reading.stars.update(inner)
        _pivot(reading, node, ctes, scope)
    elif kind == "TABLE_FUNCTION":
        _table_function(reading, node, ctes, scope)
    elif kind in {"EMPTY", "EXPRESSION_LIST"}:
        _expressions(reading, {k: v for k, v in node.items() if k != "type"}, ctes, scope)
    else:
        raise _refuse_node(reading, node, str(kind))


def _base_table(reading: Reading, node: Mapping[str, Any], ctes: frozenset[str], scope: list[str]) -> None:
    path = path_of(node)
    if node.get("at_clause") is not None:
        raise Refused("time_travel", "AT reads an earlier version", hint="Read the dataset as it is now.")
    if len(path) == 1 and fold(path[0]) in ctes:
        reading.derived.add(fold(node.get("alias") or path[0]))
        return
    if len(path) != 1:
        raise Refused(
            "qualified_name",
            f"the dataset is written with {len(path)} parts, a dataset's name has one",
            hint=f"Write {path[-1]} alone." if path else "Write the dataset's name.",
            span=reading.span(node),
        )
    span = reading.span(node) or Span(line=1, column=1)
    reading.tables.append(TableRef(path[0], node.get("alias") or path[0], span))
    name = fold(path[0])
    scope.append(name)
    if node.get("column_name_alias"):
        reading.stars.add(name)


def _join(reading: Reading, node: Mapping[str, Any], ctes: frozenset[str], scope: list[str]) -> None:
    reading.joins += 1
    _from(reading, node.get("left"), ctes, scope)
    _from(reading, node.get("right"), ctes, scope)
    if node.get("ref_type") in {"NATURAL", "POSITIONAL"}:
        reading.stars.update(scope)
    _expressions(reading, {k: v for k, v in node.items() if k not in {"type", "left", "right"}}, ctes, scope)


def _pivot(reading: Reading, node: Mapping[str, Any], ctes: frozenset[str], scope: list[str]) -> None:
    for pivot in node.get("pivots") or ():
        if pivot.get("subquery") is not None or pivot.get("pivot_enum"):
            raise Refused("pivot_values", _PIVOT_VALUES, hint=_PIVOT_HINT, span=reading.span(node))
    skipped = {"type", "source", "unpivot_names", "column_name_alias"}
    _expressions(reading, {k: v for k, v in node.items() if k not in skipped}, ctes, scope)


def _table_function(reading: Reading, node: Mapping[str, Any], ctes: frozenset[str], scope: list[str]) -> None:
    function = node.get("function") or {}
    path = path_of(function)
    if len(path) != 1 or path[0].lower() not in TABLE_FUNCTIONS:
        raise _refuse_function(reading, path, node)
    reading.can_raise = True
    _expressions(reading, {k: v for k, v in node.items() if k not in {"type", "column_name_alias"}}, ctes, scope)


def _expressions(reading: Reading, node: Any, ctes: frozenset[str], scope: list[str]) -> None:
    """Read everything below `node`, checking each node that has a kind."""
    if isinstance(node, list):
        for item in node:
            _expressions(reading, item, ctes, scope)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("type")
    if kind == "SUBQUERY" and "subquery" in node:
        _query(reading, (node["subquery"] or {}).get("node"), ctes)
        _expressions(reading, node.get("child"), ctes, scope)
        return
    if isinstance(kind, str):
        _node(reading, node, kind, scope)
    for key, value in node.items():
        if key in _NAME_LISTS:
            _names(reading, key, value)
        if key not in {"qualified_name", "literal", "cte_map"}:
            _expressions(reading, value, ctes, scope)


def _names(reading: Reading, key: str, value: Any) -> None:
    parts = [str(item) for item in value or () if isinstance(item, str)]
    if key == "column_names":
        if len(parts) > MAX_NAME_PARTS:
            raise Refused("too_deep", f"a name has at most {MAX_NAME_PARTS} parts", hint="Name the inner part first.")
        reading.names.add(tuple(fold(part) for part in parts))
    else:
        for part in parts if key == "using_columns" else ():
            _refuse_hidden(reading, part, {})
        reading.names.update((fold(part),) for part in parts)


def _node(reading: Reading, node: Mapping[str, Any], kind: str, scope: list[str]) -> None:
    if kind not in _OTHER_NODES:
        raise _refuse_node(reading, node, kind)
    if kind in _RAISING_NODES and not node.get("try_cast"):
        reading.can_raise = True
    if kind == "FUNCTION" or kind.startswith("WINDOW_"):
        _function(reading, node)
    elif kind == "STAR":
        _star(reading, node, scope)
    elif kind == "POSITIONAL_REFERENCE":
        reading.stars.update(scope)
    elif kind == "COLUMN_REF":
        _column(reading, node)
    elif kind == "TYPE":
        _type(reading, node)
    elif kind == "VALUE_PARAMETER":
        reading.parameters.add(str(node.get("identifier")))


def _star(reading: Reading, node: Mapping[str, Any], scope: list[str]) -> None:
    """Take the row as a whole: of the named relation when it is one of this scope's tables, else of the scope."""
    relation = fold(node.get("relation_name") or "")
    if relation:
        reading.names.add((relation,))
    else:
        reading.stars.update(scope)


def _column(reading: Reading, node: Mapping[str, Any]) -> None:
    _refuse_hidden(reading, str(node["column_names"][-1]), node)


def _refuse_hidden(reading: Reading, name: str, node: Mapping[str, Any]) -> None:
    last = fold(name)
    if last in _HIDDEN_COLUMNS:
        raise Refused(
            "hidden_column",
            f"{last} is the engine's own numbering, whose gaps would show which rows a policy hides",
            hint="Number the rows you see: row_number() OVER (ORDER BY ...).",
            span=reading.span(node),
        )


def _type(reading: Reading, node: Mapping[str, Any]) -> None:
    path = path_of(node)
    if len(path) != 1 or path[0].upper() not in _TYPES:
        raise Refused(
            "type_not_allowed",
            "the cast is to a type that is not built in",
            hint=nearest_hint(
                path[-1] if path else "", _TYPES, "Use a built-in type such as VARCHAR, DATE or DECIMAL(18,2)."
            ),
            span=reading.span(node),
        )


def _function(reading: Reading, node: Mapping[str, Any]) -> None:
    path = path_of(node) or (str(node.get("function_name", "")),)
    name = path[-1].lower()
    if len(path) != 1 or name not in reading.surface.functions:
        raise _refuse_function(reading, path, node)
    if node.get("export_state"):
        raise Refused("export_state", "EXPORT_STATE shows an aggregate's inside", hint="Select the aggregate itself.")
    reading.functions.add(name)
    if name not in reading.surface.cannot_raise:
        reading.can_raise = True
    if name in reading.surface.bounded:
        _bounded(reading, node, name)


def _bounded(reading: Reading, node: Mapping[str, Any], name: str) -> None:
    places, most = reading.surface.bounded[name]
    for place, argument in enumerate(node.get("arguments") or []):
        literal = (argument.get("expression") or {}).get("literal") or {}
        text = str(literal.get("text", "")) if literal.get("kind") == "INTEGER" else ""
        if place in places and (not text.isdigit() or int(text) > most):
            raise Refused(
                "argument_bound",
                f"the size given to {name} must be written as a number up to {most}",
                hint="Write a smaller number; a computed size could exhaust the kernel's memory.",
                span=reading.span(node),
            )


def _refuse_node(reading: Reading, node: Any, kind: str) -> Refused:
    code, what, hint = _REFUSED_NODES.get(
        kind,
        ("node_not_allowed", f"the construct {kind.lower().replace('_', ' ')}", "Write it with SELECT, JOIN and WITH."),
    )
    span = reading.span(node) if isinstance(node, dict) else None
    return Refused(code, f"{what} cannot run in a governed cell", hint=hint, span=span)


def _refuse_function(reading: Reading, path: tuple[str, ...], node: Mapping[str, Any]) -> Refused:
    name = path[-1].lower() if path else ""
    why = why_refused(name)
    hint = "Read a dataset of the catalog with ordinary functions; %aureus catalog lists the datasets."
    if len(path) > 1:
        why = "what stands before its dot could be a schema as well as a column"
        hint = f"Write {name}(...) with the column inside the brackets."
    elif why == UNLISTED:
        hint = nearest_hint(name, reading.surface.functions, hint)
    return Refused(
        "function_not_allowed", f"the function {name} cannot be used, because {why}", hint=hint, span=reading.span(node)
    )
