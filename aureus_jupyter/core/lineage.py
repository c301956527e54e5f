"""Which dataset columns each result column is computed from, read from DuckDB's own tree.

One pass with scopes, after Lineage of Buneman et al. ("where" and "why" of a column, not of a row). Where a construct
hides its columns (PIVOT, a table function, COLUMNS) the answer is "not known", never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aureus_jupyter.core.functions import AGGREGATES, SUMMARIES, SUMMARIES_OF_LABELS
from aureus_jupyter.core.reading import ctes_of, path_of
from aureus_jupyter.core.scopes import Col, Relation, Scope, UnknownColumnsError, resolve, within
from aureus_jupyter.values.catalog import Catalog, Pii, fold
from aureus_jupyter.values.facts import OutputColumn

__all__ = ["Trace", "trace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Lineage of the result, or no outputs where it is not known. `aggregated`: no row shows a source row."""

    outputs: tuple[OutputColumn, ...] = ()
    aggregated: bool = False


def trace(tree: Any, catalog: Catalog) -> Trace:
    """Return the result's lineage. Expects a tree that `core.reading` let pass; never raises on one."""
    try:
        top = Scope((), {})
        columns = _query(tree["statements"][0]["node"], top, catalog)
    except (UnknownColumnsError, RecursionError):
        return Trace()
    outputs = tuple(OutputColumn(name=c.name, sources=tuple(sorted(c.sources)), how=c.how) for c in columns)
    return Trace(outputs=outputs, aggregated=bool(columns) and not top.escaped and all(c.summary for c in columns))


def _query(node: Any, scope: Scope, catalog: Catalog) -> list[Col]:
    ctes = dict(scope.ctes)
    for name, value in ctes_of(node):
        inner = value.get("query_node") or (value.get("query") or {}).get("node")
        columns = _query(inner, replace(scope, relations=(), ctes=ctes), catalog)
        ctes[fold(name)] = _renamed(columns, value.get("aliases"))
    scope = replace(scope, ctes=ctes)
    if node["type"] == "SELECT_NODE":
        return _select(node, scope, catalog)
    if node["type"] == "RECURSIVE_CTE_NODE":
        left = _query(node["left"], scope, catalog)
        seen = replace(scope, relations=(), ctes={**ctes, fold(node["cte_name"]): tuple(left)})
        return _merged([left, _query(node["right"], seen, catalog)])
    if "BY_NAME" in str(node.get("setop_type")):
        raise UnknownColumnsError
    return _merged([_query(child, scope, catalog) for child in node["children"]])


def _renamed(columns: Iterable[Col], aliases: Any) -> tuple[Col, ...]:
    names = list(aliases or ())
    return tuple(replace(c, name=fold(names[i]) if i < len(names) else c.name) for i, c in enumerate(columns))


def _merged(parts: list[list[Col]]) -> list[Col]:
    """Join the arms of a set operation by position."""
    if len({len(part) for part in parts}) != 1:
        raise UnknownColumnsError
    return [_either(same[0].name, same) for same in zip(*parts, strict=True)]


def _either(name: str, same: Sequence[Col]) -> Col:
    """Return a column that is one of several: only what all of them are."""
    sources = frozenset[str]().union(*(c.sources for c in same))
    how = same[0].how if len({c.how for c in same}) == 1 else "derived"
    return Col(name, sources, all(c.summary for c in same), all(c.label for c in same), how)


def _select(node: Mapping[str, Any], outer: Scope, catalog: Catalog) -> list[Col]:
    relations = tuple(_from(node.get("from_table") or {"type": "EMPTY"}, outer, catalog))
    scope = replace(outer, relations=relations)
    groups = _groups(node, scope)
    columns: list[Col] = []
    for position, item in enumerate(node["select_list"], start=1):
        if item["type"] == "STAR":
            columns += _star(item, scope)
            continue
        scope = replace(scope, laterals=tuple(columns))
        columns.append(_output(item, position, groups, scope, catalog))
    elsewhere = {k: v for k, v in node.items() if k not in {"select_list", "from_table", "cte_map"}}
    _visit(elsewhere, replace(scope, laterals=tuple(columns)), catalog)
    return columns


def _visit(node: Any, scope: Scope, catalog: Catalog) -> None:
    """Resolve every name below, so that what leads outside is noted."""
    if isinstance(node, dict):
        if node.get("type") == "COLUMN_REF":
            parts = [fold(n) for n in node["column_names"]]
            if parts[0] not in scope.locals and resolve(parts, scope) is None:
                scope.escaped.append(True)
            return
        if node.get("type") == "SUBQUERY" and "subquery" in node:
            _query(node["subquery"]["node"], within(scope, wall=False), catalog)
            node = node.get("child")
        elif node.get("type") == "LAMBDA":
            names = frozenset(fold(n) for n in _names_below(node.get("lhs")))
            scope = replace(scope, locals=scope.locals | names)
    for child in _children(node):
        _visit(child, scope, catalog)


def _output(item: Mapping[str, Any], position: int, groups: _Groups, scope: Scope, catalog: Catalog) -> Col:
    sources = frozenset(_sources(item, scope, catalog))
    name = item.get("alias") or (item["column_names"][-1] if item["type"] == "COLUMN_REF" else "")
    plain = _labels_only(item, scope)
    grouped = plain and groups.counts and groups.holds(item, position)
    return Col(
        fold(name), sources, groups.sound and (grouped or _summary(item, groups, scope)), plain, _how(item, scope)
    )


@dataclass(frozen=True, slots=True)
class _Groups:
    """What a SELECT groups by: expressions without their places, positions, or everything that is no aggregate.

    `sound` is false when a key may tell one source row from another, shown or not; `counts` when there is an aggregate.
    """

    shapes: tuple[Any, ...]
    positions: frozenset[int]
    all_others: bool
    present: bool
    counts: bool
    sound: bool

    def holds(self, item: Mapping[str, Any], position: int) -> bool:
        if self.all_others:
            return not _has_aggregate(item)
        alias = fold(item.get("alias") or "")
        named = {"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": [alias]}
        return position in self.positions or _shape(item) in self.shapes or (bool(alias) and named in self.shapes)


def _groups(node: Mapping[str, Any], scope: Scope) -> _Groups:
    expressions = node.get("group_expressions") or []
    positions = {int(e["literal"]["text"]) for e in expressions if e["type"] == "VALUE_CONSTANT" and _is_position(e)}
    every = node.get("aggregate_handling") == "FORCE_AGGREGATES"
    shapes = tuple(_shape(e) for e in expressions)
    items = node["select_list"]
    counts = any(_has_aggregate(item) for item in items)
    keys = [key for e in expressions for key in _keys(e, items, scope)]
    if every:
        keys += [item for item in items if not _has_aggregate(item)]
    sound = all(key is not None and key["type"] != "STAR" and _labels_only(key, scope) for key in keys)
    return _Groups(shapes, frozenset(positions), every, bool(expressions) or every or counts, counts, sound)


def _keys(expression: Mapping[str, Any], items: list[Any], scope: Scope) -> list[Any]:
    """Return what a group expression may mean: itself, the item at its position, or an item with that alias."""
    if expression["type"] == "VALUE_CONSTANT" and _is_position(expression):
        place = int(expression["literal"]["text"])
        # A star before it moves the positions.
        stars = any(item["type"] == "STAR" for item in items)
        return [None if stars or not 0 < place <= len(items) else items[place - 1]]
    if expression["type"] == "COLUMN_REF" and len(expression["column_names"]) == 1:
        alias = fold(expression["column_names"][0])
        named = [item for item in items if fold(item.get("alias") or "") == alias]
        return named if named and resolve([alias], scope) is None else [*named, expression]
    return [expression]


def _is_position(node: Mapping[str, Any]) -> bool:
    return str((node.get("literal") or {}).get("text", "")).isdigit()


def _shape(node: Any) -> Any:
    """Return an expression without its places and alias, names folded, to compare two spellings of it."""
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if not k.startswith("query_location") and k != "alias"}
        if node.get("type") == "COLUMN_REF":
            return {
                "class": "COLUMN_REF",
                "type": "COLUMN_REF",
                "column_names": [fold(n) for n in node["column_names"]],
            }
        return {k: _shape(v) for k, v in kept.items()}
    if isinstance(node, list):
        return [_shape(item) for item in node]
    return node


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return [v for k, v in node.items() if k not in {"qualified_name", "type_expr"} and isinstance(v, (dict, list))]
    return node if isinstance(node, list) else ()


def _has_aggregate(node: Any) -> bool:
    if isinstance(node, dict):
        if node.get("type") == "FUNCTION" and node["function_name"].lower() in AGGREGATES:
            return True
        if node.get("class") in {"SUBQUERY", "WINDOW"}:
            return False
    return any(_has_aggregate(child) for child in _children(node))


def _summary(node: Any, groups: _Groups, scope: Scope) -> bool:
    """Whether the expression shows no single source row."""
    if isinstance(node, list):
        return all(_summary(item, groups, scope) for item in node)
    if not isinstance(node, dict) or node.get("type") in {"VALUE_CONSTANT", "VALUE_PARAMETER"}:
        return True
    if node.get("class") in {"SUBQUERY", "WINDOW"} or node.get("type") == "STAR":
        return False
    if node.get("type") == "COLUMN_REF":
        found = resolve([fold(n) for n in node["column_names"]], scope)
        grouped = groups.counts and _shape(node) in groups.shapes and _labels_only(node, scope)
        return grouped or (found is not None and found.summary and not groups.present)
    name = str(node.get("function_name", "")).lower() if node.get("type") == "FUNCTION" else ""
    if name in SUMMARIES:
        return True
    if name in SUMMARIES_OF_LABELS:
        return _shows_one(name, node) and _labels_only(node, scope)
    if name in AGGREGATES:
        return False
    return all(_summary(child, groups, scope) for child in _children(node))


def _shows_one(name: str, node: Mapping[str, Any]) -> bool:
    """Whether the aggregate gives one plain value: `max(x, 100)` gives a hundred, and a struct gives a whole row."""
    arguments = [a.get("expression") or a for a in node.get("arguments") or node.get("children") or ()]
    fraction = "quantile" in name
    if len(arguments) != 1 + fraction or (fraction and arguments[1].get("type") != "VALUE_CONSTANT"):
        return False
    return _arithmetic(arguments[0])


def _arithmetic(node: Mapping[str, Any]) -> bool:
    if node.get("type") == "FUNCTION":
        below = [a.get("expression") or a for a in node.get("arguments") or node.get("children") or ()]
        return node["function_name"] in {"+", "-", "*", "/", "//", "%"} and all(_arithmetic(item) for item in below)
    return node.get("type") in {"COLUMN_REF", "VALUE_CONSTANT"}


def _labels_only(node: Any, scope: Scope) -> bool:
    """Whether every column below identifies nobody."""
    if isinstance(node, dict) and node.get("type") == "COLUMN_REF":
        found = resolve([fold(n) for n in node["column_names"]], scope)
        return found is not None and found.label
    if isinstance(node, dict) and node.get("class") in {"SUBQUERY", "WINDOW"}:
        return False
    return all(_labels_only(child, scope) for child in _children(node))


def _how(item: Mapping[str, Any], scope: Scope) -> str:
    """Return how a column is made: one that is only passed on keeps what it is."""
    if item["type"] == "COLUMN_REF":
        parts = [fold(n) for n in item["column_names"]]
        found = resolve(parts, scope)
        # A field of a struct is no copy of the whole.
        return found.how if found is not None and found.name == parts[-1] else "derived"
    return "aggregated" if _has_aggregate(item) else "derived"


def _star(item: Mapping[str, Any], scope: Scope) -> list[Col]:
    if item.get("expr") is not None or item.get("replace_list") or item.get("rename_list") or item.get("columns"):
        raise UnknownColumnsError
    wanted = fold(item.get("relation_name") or "")
    left_out = {fold(str(name)) for name in item.get("exclude_list") or () if isinstance(name, str)}
    if len(left_out) != len(item.get("exclude_list") or ()) or item.get("qualified_exclude_list"):
        raise UnknownColumnsError
    relations = [r for r in scope.relations if not wanted or r.alias == wanted]
    return [c for r in relations for c in r.columns if c.name not in left_out]


def _from(node: Mapping[str, Any], scope: Scope, catalog: Catalog) -> list[Relation]:
    kind = node["type"]
    if kind == "EMPTY":
        return []
    if kind == "JOIN":
        left = _from(node["left"], scope, catalog)
        seen = replace(within(scope, wall=False), relations=tuple(left))
        right = _from(node["right"], seen, catalog)
        if node.get("ref_type") == "NATURAL":
            raise UnknownColumnsError
        joined = _joined(left, right, [fold(str(n)) for n in node.get("using_columns") or ()])
        _visit(node.get("condition"), replace(scope, relations=(*left, *right)), catalog)
        return joined
    aliases = node.get("column_name_alias")
    if kind == "SUBQUERY":
        columns = _query(node["subquery"]["node"], within(scope, wall=True), catalog)
        return [Relation(fold(node.get("alias") or ""), _renamed(columns, aliases))]
    if kind == "EXPRESSION_LIST":
        width = len(node["values"][0])
        columns = [Col(f"col{i}", frozenset()) for i in range(width)]
        return [Relation(fold(node.get("alias") or "valueslist"), _renamed(columns, aliases))]
    if kind != "BASE_TABLE":
        raise UnknownColumnsError
    (name,) = path_of(node)
    found = scope.ctes.get(fold(name))
    columns = list(found) if found is not None else _dataset_columns(catalog, name)
    return [Relation(fold(node.get("alias") or name), _renamed(columns, aliases))]


def _dataset_columns(catalog: Catalog, name: str) -> list[Col]:
    dataset = catalog.dataset(name)
    if dataset is None:
        raise UnknownColumnsError
    return [
        Col(
            fold(c.name),
            frozenset({f"{dataset.name}.{c.name}"}),
            label=c.pii is Pii.NONE and not c.key and not c.references,
        )
        for c in dataset.columns
    ]


def _joined(left: list[Relation], right: list[Relation], using: list[str]) -> list[Relation]:
    """Put two sides next to each other; a USING column shows once and comes from both."""
    if not using:
        return left + right
    both = {name: [c for r in left + right for c in r.columns if c.name == name] for name in using}
    # A RIGHT or FULL join shows the right side's value, so it is only what both sides are.
    shared = {name: _either(name, same) for name, same in both.items()}
    first = [Relation(r.alias, tuple(shared.get(c.name, c) for c in r.columns)) for r in left]
    return first + [Relation(r.alias, tuple(c for c in r.columns if c.name not in shared)) for r in right]


def _sources(node: Any, scope: Scope, catalog: Catalog) -> set[str]:
    if isinstance(node, dict):
        kind = node.get("type")
        if kind == "COLUMN_REF":
            return _column_sources([fold(n) for n in node["column_names"]], scope)
        if kind == "SUBQUERY":
            inner = _query(node["subquery"]["node"], within(scope, wall=False), catalog)
            below = _sources(node.get("child"), scope, catalog)
            return below.union(*(c.sources for c in inner))
        if kind in {"STAR", "POSITIONAL_REFERENCE"}:
            raise UnknownColumnsError
        if kind == "LAMBDA":
            names = frozenset(fold(n) for n in _names_below(node.get("lhs")))
            scope = replace(scope, locals=scope.locals | names)
    found: set[str] = set()
    for child in _children(node):
        found |= _sources(child, scope, catalog)
    return found


def _names_below(node: Any) -> set[str]:
    if isinstance(node, dict) and node.get("type") == "COLUMN_REF":
        return {node["column_names"][-1]}
    return set().union(*(_names_below(child) for child in _children(node)))


def _column_sources(parts: list[str], scope: Scope) -> set[str]:
    if parts[0] in scope.locals:
        return set()
    found = resolve(parts, scope)
    if found is None:
        raise UnknownColumnsError
    return set(found.sources)
