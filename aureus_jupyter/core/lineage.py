"""Which dataset columns each result column is computed from, read from DuckDB's own tree.

One pass with scopes, after Lineage of Buneman et al. ("where" and "why" of a column, not of a row). Where a construct
hides its columns (PIVOT, a table function, COLUMNS) the answer is "not known", never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from aureus_jupyter.core.exposure import (
    Query,
    are_sound,
    conjuncts,
    exposure,
    is_fixed,
    is_measured,
    is_sound,
    joins_by_keys,
    names_below,
    picks,
)
from aureus_jupyter.core.functions import AGGREGATES
from aureus_jupyter.core.grouping import ONE, Groups, children, groups_of, has_aggregate, is_summary, labels_only, loose
from aureus_jupyter.core.joining import joined, merged, merges, missing, renamed, tie_of, ties
from aureus_jupyter.core.ordering import modifiers, orders_by_computed, orders_by_hidden, orders_rows, renames
from aureus_jupyter.core.plain import calls, calls_any, is_plain
from aureus_jupyter.core.reading import ctes_of, path_of
from aureus_jupyter.core.scopes import (
    MAX_QUERIES,
    Col,
    Level,
    Relation,
    Scope,
    Table,
    UnknownColumnsError,
    hang_together,
    holder,
    own,
    resolve,
    within,
)
from aureus_jupyter.values.catalog import Catalog, Column, Pii, fold
from aureus_jupyter.values.facts import OutputColumn

__all__ = ["Trace", "trace"]

_LISTS = frozenset(
    "range generate_series list_value array_value list array_agg string_split str_split string_to_array".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Lineage of the result, or no outputs where it is not known. `aggregated`: no row shows a source row."""

    outputs: tuple[OutputColumn, ...] = ()
    aggregated: bool = False


def trace(tree: Any, catalog: Catalog) -> Trace:
    """Return the result's lineage. Expects a tree that `core.reading` let pass; never raises on one."""
    try:
        top = Scope((), {})
        table = _query(tree["statements"][0]["node"], top, catalog)
    except (UnknownColumnsError, RecursionError):
        return Trace()
    columns = table.columns
    outputs = tuple(OutputColumn(name=c.name, sources=tuple(sorted(c.sources)), how=c.how) for c in columns)
    spelt = top.notes.tested and top.notes.listed
    groups = table.sound and not table.rows and not top.notes.escaped and not spelt and is_plain(tree)
    return Trace(outputs=outputs, aggregated=bool(columns) and groups and all(c.summary for c in columns))


def _query(node: Any, scope: Scope, catalog: Catalog) -> Table:
    scope.notes.count()
    ctes = dict(scope.ctes)
    for name, value in ctes_of(node):
        ctes[fold(name)] = _part(value, replace(scope, relations=(), ctes=ctes), catalog)
    scope = replace(scope, ctes=ctes)
    if node["type"] == "SELECT_NODE":
        return _select(node, scope, catalog)
    if node["type"] == "RECURSIVE_CTE_NODE":
        return _recursive(node, scope, catalog)
    if "BY_NAME" in str(node.get("setop_type")):
        raise UnknownColumnsError
    arms = [_query(child, scope, catalog) for child in node["children"]]
    table = merged(arms, scope)
    scope.notes.listed |= table.rows
    modified = replace(scope, laterals=table.columns)
    sound = are_sound(modifiers(node), modified, partial(_query, catalog=catalog)) and not orders_by_computed(node)
    scope.notes.tested |= not node.get("setop_all") and not all(c.label for c in table.columns)
    joins = str(node.get("setop_type")) == "UNION" and not node.get("setop_all") and merges(table.columns)
    hidden = not table.rows and orders_by_hidden(node, table.columns, scope)
    hidden |= table.rows and orders_rows(node, table.columns, scope)
    return table.spoilt() if not sound or joins or hidden or (table.rows and picks(node)) else table


def _part(value: Mapping[str, Any], scope: Scope, catalog: Catalog) -> Table:
    """Read a WITH part, and what it reads outside: that is read where it is named."""
    notes, outside, reach = scope.notes, scope.notes.outside, scope.notes.reach
    notes.reach = MAX_QUERIES
    table = _query(value.get("query_node") or (value.get("query") or {}).get("node"), scope, catalog)
    part = replace(table, columns=renamed(table.columns, value.get("aliases")), fixed=notes.outside == outside)
    part, notes.reach = replace(part, reach=notes.reach), min(reach, notes.reach)
    return part


def _recursive(node: Any, scope: Scope, catalog: Catalog) -> Table:
    """Read both arms once. They run many times, and each time a column can hold what another one held before."""
    left = _query(node["left"], scope, catalog)
    seen = replace(scope, relations=(), ctes={**scope.ctes, fold(node["cte_name"]): left})
    return merged([left, _query(node["right"], seen, catalog)], scope).spoilt()


def _select(node: Mapping[str, Any], outer: Scope, catalog: Catalog) -> Table:
    """Read a SELECT. Of rows that an outer row chooses, a summary is about that row, and none."""
    before, outer.notes.reach = outer.notes.reach, MAX_QUERIES
    table = _alone(node, outer, catalog)
    chosen = outer.notes.reach < outer.depth
    outer.notes.reach = min(before, outer.notes.reach) if chosen else before
    return table.spoilt() if chosen and not table.rows else table


def _alone(node: Mapping[str, Any], outer: Scope, catalog: Catalog) -> Table:
    relations, sound, measured = _from(node.get("from_table") or {"type": "EMPTY"}, outer, catalog)
    scope = replace(outer, relations=tuple(relations))
    groups = groups_of(node, scope)
    before = scope
    scope = replace(scope, grouped=groups.present and groups.sound, keys=_key_columns(node, groups, scope))
    columns: list[Col] = []
    for position, item in enumerate(node["select_list"], start=1):
        if item["type"] == "STAR":
            columns += _star(item, scope)
            continue
        scope = replace(scope, laterals=tuple(columns))
        columns.append(_output(item, position, groups, scope, catalog))
    seen = replace(scope, laterals=tuple(columns))
    query = partial(_query, catalog=catalog)
    late = [node.get("having"), node.get("qualify"), *modifiers(node)]
    where, early = node.get("where_clause"), replace(before, laterals=tuple(columns))
    where_sound = is_sound(where, early, query)
    sound = are_sound(late, seen, query) and where_sound and sound
    sound = (
        sound
        and not renames(late, node["select_list"], scope)
        and not _distinguishes(node, groups, columns, seen, query)
    )
    from_rows = any(r.rows for r in relations)
    lists = any(not r.rows and not r.single for r in relations)
    scope.notes.ties.update(ties(where, before))
    apart = not hang_together([r for r in relations if r.rows], scope.notes.ties)
    scope.notes.listed |= (from_rows and (lists or apart)) or (groups.present and not groups.sound)
    sound = sound and not (from_rows and node.get("sample"))
    rows = not sound or (not groups.sound if groups.present else from_rows)
    table = Table(tuple(columns), rows, sound)
    if rows:
        measured = measured or is_measured(where, early, query) or any(is_measured(c, seen, query) for c in late)
        table = replace(table, measured=measured)
        # ROLLUP and its like give each row many times over, and number the copies.
        many = len(node.get("group_sets") or ()) > 1
        ordered = scope.outer is not None and orders_rows(node, columns, scope)
        return table.spoilt() if not sound or many or ordered or (from_rows and picks(node)) else table
    closed = replace(table, columns=_closed(columns, scope), single=_is_single(node, groups))
    return closed.spoilt() if orders_by_hidden(node, closed.columns, scope) else closed


def _is_single(node: Mapping[str, Any], groups: Groups) -> bool:
    """Whether a summary has one row: it groups by nothing, or stands alone and unpacks nothing."""
    if groups.present:
        once = not node.get("group_expressions") and not groups.all_others and len(node.get("group_sets") or ()) <= 1
        return once and not calls_any(node["select_list"], AGGREGATES | ONE)
    return node.get("from_table", {}).get("type", "EMPTY") == "EMPTY" and not calls_any(node["select_list"])


def _key_columns(node: Mapping[str, Any], groups: Groups, scope: Scope) -> frozenset[Col] | None:
    """Return the columns that may be named after grouping; raise for one that is named and may not be: it is looked for outside."""
    if not groups.present:
        return None
    keys = [k["column_names"] for k in groups.keys if k is not None and k["type"] == "COLUMN_REF"]
    columns = frozenset(c for c in (own([fold(n) for n in names], scope) for names in keys) if c is not None)
    aliases = {fold(item.get("alias") or "") for item in node["select_list"]}
    for name in loose([node.get("having"), node.get("qualify")], groups.names):
        found = own([fold(n) for n in name["column_names"]], scope)
        alias = len(name["column_names"]) == 1 and fold(name["column_names"][0]) in aliases
        if found is not None and found not in columns and not alias:
            raise UnknownColumnsError
    return columns


def _distinguishes(node: Mapping[str, Any], groups: Groups, columns: Iterable[Col], scope: Scope, query: Query) -> bool:
    """Whether DISTINCT or GROUP BY compares what identifies with something else; a key of a dataset may be grouped by."""
    distinct = any(m["type"] == "DISTINCT_MODIFIER" for m in node.get("modifiers") or ())
    keys = [k for k in groups.keys if k is not None]
    if any(k["type"] == "STAR" for k in keys):
        return True
    told = [resolve([fold(n) for n in k["column_names"]], scope) if k["type"] == "COLUMN_REF" else None for k in keys]
    shown = [found or exposure(key, scope, query) for key, found in zip(keys, told, strict=True)]
    scope.notes.tested |= any(c.level is Level.MEASURE for c in shown) or (
        distinct and not all(c.label or c.key for c in columns)
    )
    return (distinct and merges(columns)) or merges(shown)


def _closed(columns: Iterable[Col], scope: Scope) -> tuple[Col, ...]:
    """Return the columns of a summary as others see them: what shows a group tells nothing of a row any more."""
    place = frozenset({scope.notes.place()})
    levels = {True: Level.LABEL, False: Level.IDENTITY}
    return tuple(replace(c, level=levels[c.summary], places=c.places and place, key=False) for c in columns)


def _output(item: Mapping[str, Any], position: int, groups: Groups, scope: Scope, catalog: Catalog) -> Col:
    if calls(item, "unnest") and not _one_column(item):
        raise UnknownColumnsError
    query = partial(_query, catalog=catalog)
    told, fixed = exposure(item, scope, query), partial(is_fixed, scope=scope, query=query)
    name = item.get("alias") or (item["column_names"][-1] if item["type"] == "COLUMN_REF" else "")
    grouped = groups.counts and labels_only(item, scope) and groups.holds(item, position)
    shows_group = groups.sound and told.level < Level.IDENTITY and (grouped or is_summary(item, groups, scope, fixed))
    sources = frozenset(_sources(item, scope, catalog))
    passed = resolve([fold(n) for n in item["column_names"]], scope) if item["type"] == "COLUMN_REF" else None
    how = _how(item, passed)
    key = how == "copied" and passed is not None and passed.key
    # A constant alone is one value. Beside rows, or unpacked, it is many, to be held against a person's like any others.
    many = bool(scope.relations) or calls_any(item)
    places = told.places or (frozenset({scope.notes.place()}) if many else told.places)
    unique = key and passed is not None and passed.unique
    return Col(fold(name), sources, shows_group, told.level, how, places, key, unique)


def _one_column(item: Mapping[str, Any]) -> bool:
    """Whether an item with unnest is one column: of a struct it is as many as there are fields."""
    given = item.get("arguments") or []
    inner = given[0]["expression"] if len(given) == 1 else {}
    return item.get("function_name") == "unnest" and str(inner.get("function_name", "")).lower() in _LISTS


def _how(item: Mapping[str, Any], passed: Col | None) -> str:
    """Return how a column is made: one that is only passed on keeps what it is."""
    if item["type"] == "COLUMN_REF":
        # A field of a struct is no copy of the whole.
        return passed.how if passed is not None and passed.name == fold(item["column_names"][-1]) else "derived"
    return "aggregated" if has_aggregate(item) else "derived"


def _star(item: Mapping[str, Any], scope: Scope) -> list[Col]:
    if item.get("expr") is not None or item.get("replace_list") or item.get("rename_list") or item.get("columns"):
        raise UnknownColumnsError
    wanted = fold(item.get("relation_name") or "")
    left_out = {fold(str(name)) for name in item.get("exclude_list") or () if isinstance(name, str)}
    if len(left_out) != len(item.get("exclude_list") or ()) or item.get("qualified_exclude_list"):
        raise UnknownColumnsError
    relations = [r for r in scope.relations if not wanted or r.alias == wanted]
    fields = wanted and (not relations or any(c.name == wanted for r in scope.relations for c in r.columns))
    if fields or any((wanted and not r.whole) or r.repeats for r in relations):
        raise UnknownColumnsError
    return [c for r in relations for c in r.columns if c.name not in left_out]


def _from(node: Mapping[str, Any], scope: Scope, catalog: Catalog) -> tuple[list[Relation], bool, bool]:
    """Return what FROM names, whether nothing in it picks or enumerates rows, and whether what is measured chose them."""
    kind = node["type"]
    if kind == "EMPTY":
        return [], True, False
    if kind == "JOIN":
        return _join(node, scope, catalog)
    sound = not node.get("sample")
    aliases = node.get("column_name_alias")
    if kind == "SUBQUERY":
        table = _query(node["subquery"]["node"], within(scope, wall=True), catalog)
        return [_relation(node.get("alias") or "", table, aliases, scope)], sound and table.sound, table.measured
    if kind == "EXPRESSION_LIST":
        return [_relation(node.get("alias") or "valueslist", _values(node), aliases, scope)], sound, False
    if kind != "BASE_TABLE":
        raise UnknownColumnsError
    (name,) = path_of(node)
    table = scope.ctes.get(fold(name)) or _dataset(catalog, name, scope)
    scope.notes.outside += not table.fixed
    scope.notes.reach = min(scope.notes.reach, table.reach)
    return [_relation(node.get("alias") or name, table, aliases, scope)], sound and table.sound, table.measured


def _relation(alias: str, table: Table, aliases: Any, scope: Scope) -> Relation:
    """Return a table under a name. Each time it is named its values come from places of their own."""
    scope.notes.count(len(table.columns))
    moved = {place: scope.notes.place() for place in sorted(set().union(*(c.places for c in table.columns)))}
    columns = (replace(c, places=frozenset(moved[p] for p in c.places)) for c in renamed(table.columns, aliases))
    return Relation(fold(alias), tuple(columns), table.rows, single=table.single, mark=scope.notes.place())


def _values(node: Mapping[str, Any]) -> Table:
    if any(item.get("type") != "VALUE_CONSTANT" for row in node["values"] for item in row):
        raise UnknownColumnsError
    columns = [Col(f"col{i}", frozenset(), True, Level.LABEL, "derived") for i in range(len(node["values"][0]))]
    single = len(node["values"]) == 1
    return Table(tuple(replace(c, places=frozenset({0})) for c in columns), rows=False, sound=True, single=single)


def _dataset(catalog: Catalog, name: str, scope: Scope) -> Table:
    dataset = catalog.dataset(name)
    if dataset is None:
        raise UnknownColumnsError
    columns = [
        Col(
            fold(c.name),
            frozenset({f"{dataset.name}.{c.name}"}),
            level=_level(c),
            places=frozenset({0}),
            key=_level(c) is Level.IDENTITY,
            unique=c.key,
        )
        for c in dataset.columns
    ]
    return Table(tuple(columns), rows=True, sound=True)


def _level(column: Column) -> Level:
    if column.key or column.references or column.pii is Pii.DIRECT:
        return Level.IDENTITY
    return Level.LABEL if column.pii is Pii.NONE else Level.MEASURE


def _join(node: Mapping[str, Any], scope: Scope, catalog: Catalog) -> tuple[list[Relation], bool, bool]:
    left, left_sound, left_measured = _from(node["left"], scope, catalog)
    seen = replace(within(scope, wall=False), relations=tuple(left))
    right, right_sound, right_measured = _from(node["right"], seen, catalog)
    if node.get("ref_type") == "NATURAL":
        raise UnknownColumnsError
    using = [fold(str(n)) for n in node.get("using_columns") or ()]
    sides, sound = joined(left, right, using)
    if node.get("join_type") in {"SEMI", "ANTI"}:
        sides = left
    # Names that neither side has may mean what stands to the left of this join, before anything outside.
    both = replace(within(scope, wall=False) if scope.relations else scope, relations=(*left, *right))
    query = partial(_query, catalog=catalog)
    tied = ties(node.get("condition"), both)
    for name in using:
        tied += tie_of(
            [holder([r.alias, name], both) for r in (*left, *right) if any(c.name == name for c in r.columns)]
        )
    if str(node.get("join_type")) != "INNER":
        # A row that may be missing holds nothing together, and no condition on it keeps two of the left apart: it hangs on one.
        near = frozenset(r.mark for r in left)
        tied = [tie for tie in tied if len(tie & near) == 1][:1]
    scope.notes.ties.update(tied)
    sound = is_sound(node.get("condition"), both, query) and sound
    chosen = is_measured(node.get("condition"), both, query)
    if node.get("join_type") in {"SEMI", "ANTI"}:
        # As in NOT EXISTS, more than keys can be held against what is on the left.
        scope.notes.listed |= not joins_by_keys(node.get("condition"), both, query)
    outer, place = str(node.get("join_type")), len(left)
    if chosen and outer != "INNER":
        # What is measured of the right side must not be held against more than keys of the left.
        own_places = frozenset[int]().union(*(c.places for r in right for c in (*r.columns, *r.joined)))
        scope.notes.listed |= any(
            not joins_by_keys(part, both, query) and not exposure(part, both, query).places <= own_places
            for part in conjuncts(node.get("condition"))
        )
    if outer in {"LEFT", "OUTER", "FULL"} and (chosen or right_measured):
        sides = [*sides[:place], *missing(sides[place:])]
    if outer in {"RIGHT", "OUTER", "FULL"} and (chosen or left_measured):
        sides = [*missing(sides[:place]), *sides[place:]]
    return sides, sound and left_sound and right_sound, chosen or left_measured or right_measured


def _sources(node: Any, scope: Scope, catalog: Catalog) -> set[str]:
    if isinstance(node, dict):
        kind = node.get("type")
        if kind == "COLUMN_REF":
            return _column_sources([fold(n) for n in node["column_names"]], scope)
        if kind == "SUBQUERY":
            inner = _query(node["subquery"]["node"], within(scope, wall=False), catalog)
            below = _sources(node.get("child"), scope, catalog)
            return below.union(*(c.sources for c in inner.columns))
        if kind in {"STAR", "POSITIONAL_REFERENCE"}:
            raise UnknownColumnsError
        if kind == "LAMBDA":
            names = frozenset(fold(n) for n in names_below(node.get("lhs")))
            scope = replace(scope, locals=scope.locals | names)
    found: set[str] = set()
    for child in children(node):
        found |= _sources(child, scope, catalog)
    return found


def _column_sources(parts: list[str], scope: Scope) -> set[str]:
    found = resolve(parts, scope)
    if found is None and parts[0] in scope.locals:
        return set()
    if found is None:
        raise UnknownColumnsError
    return set(found.sources)
