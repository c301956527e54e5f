"""What an expression tells about single rows, and which conditions a summary may stand on.

A summary groups by what identifies nobody. That is worth nothing where a condition ties such a value to one that does: a
thousand numbers joined to a key are a thousand persons, one group each. So what identifies may be compared only with what
identifies, column with column, as joins do; and what is measured of a person not with another relation at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from aureus_jupyter.core.functions import AGGREGATES, PICKING, SUMMARIES
from aureus_jupyter.core.grouping import children, is_one
from aureus_jupyter.core.scopes import Col, Level, Scope, Table, joint, resolve, within
from aureus_jupyter.values.catalog import fold

__all__ = [
    "Query",
    "are_sound",
    "conjuncts",
    "exposure",
    "is_fixed",
    "is_measured",
    "is_sound",
    "joins_by_keys",
    "names_below",
    "pairs_soundly",
    "picks",
]

Query = Callable[[Any, Scope], Table]
"""Reads a subquery's node in the scope where it begins."""

_COUNTS = frozenset({"count", "approx_count_distinct"})
_NULLS = frozenset({"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"})
_PICKING = frozenset({"LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER"})
_NOBODY = Col("", frozenset(), level=Level.LABEL)
_SOMEBODY = Col("", frozenset())


def exposure(node: Any, scope: Scope, query: Query) -> Col:
    """Return what an expression tells, as a column without a name. Resolves every name below, also in its subqueries."""
    level, places = joint(_columns(node, scope, query))
    return Col("", frozenset(), level=level, places=places)


def is_sound(condition: Any, scope: Scope, query: Query) -> bool:
    """Whether a condition, each part of its conjunctions, neither picks single rows nor ties a group to one."""
    if isinstance(condition, dict) and condition.get("type") == "CONJUNCTION_AND":
        return are_sound(condition["children"], scope, query)
    if _joins_keys(condition, scope, query):
        return True
    level = exposure(condition, scope, query).level
    scope.notes.tested |= level > Level.LABEL
    return level < Level.IDENTITY


def is_measured(condition: Any, scope: Scope, query: Query) -> bool:
    """Whether a sound condition holds by what is measured of a person, be it in a subquery. Joins of keys do not."""
    if not isinstance(condition, dict):
        return False
    if condition.get("type") in {"CONJUNCTION_AND", "OPERATOR_NOT"}:
        return any(is_measured(child, scope, query) for child in condition["children"])
    child = condition.get("child")
    if condition.get("type") == "SUBQUERY" and (child is None or _is_key(_reference(child, scope))):
        return query(condition["subquery"]["node"], within(scope, wall=False)).measured
    if condition.get("type") == "COMPARE_EQUAL" and _is_key(_reference(condition["left"], scope)):
        return not _is_key(_reference(condition["right"], scope))
    return exposure(condition, scope, query).level > Level.LABEL


def conjuncts(condition: Any) -> list[Any]:
    """Return the parts of a conjunction, at any depth."""
    if isinstance(condition, dict) and condition.get("type") == "CONJUNCTION_AND":
        return [part for child in condition["children"] for part in conjuncts(child)]
    return [] if condition is None else [condition]


def joins_by_keys(condition: Any, scope: Scope, query: Query) -> bool:
    """Whether a condition is made of comparisons of keys and of nothing else."""
    if isinstance(condition, dict) and condition.get("type") == "CONJUNCTION_AND":
        return all(joins_by_keys(child, scope, query) for child in condition["children"])
    return condition is None or _joins_keys(condition, scope, query)


def are_sound(conditions: Iterable[Any], scope: Scope, query: Query) -> bool:
    """Whether all are. Each is looked at, also after one that is not: names that lead outside are noted on the way."""
    found = [is_sound(condition, scope, query) for condition in conditions]
    return all(found)


def pairs_soundly(left: Col, right: Col) -> bool:
    """Whether two columns may be held equal: a key with a key, or what identifies nobody with the same."""
    return (left.label and right.label) or (_is_key(left) and _is_key(right))


def is_fixed(node: Mapping[str, Any], scope: Scope, query: Query) -> bool:
    """Whether a subquery is one value of a summary and the same for every row: it reads no name outside."""
    if node.get("subquery_type") != "SCALAR":
        return False
    before = scope.notes.outside
    inner = query(node["subquery"]["node"], within(scope, wall=False))
    one = len(inner.columns) == 1 and inner.columns[0].summary
    return scope.notes.outside == before and inner.sound and not inner.rows and one


def picks(node: Mapping[str, Any]) -> bool:
    """Whether a query takes some of its rows: a limit, the first of each group."""
    modifiers = node.get("modifiers") or ()
    return any(m["type"] in _PICKING or m.get("distinct_on_targets") for m in modifiers)


def _is_key(column: Col | None) -> bool:
    return column is not None and column.key


def _reference(node: Any, scope: Scope) -> Col | None:
    if not isinstance(node, dict) or node.get("type") != "COLUMN_REF":
        return None
    return resolve([fold(n) for n in node["column_names"]], scope)


def _joins_keys(node: Any, scope: Scope, query: Query) -> bool:
    """Whether it is `key = key`, `key IN (keys)` or EXISTS over what is sound itself."""
    if not isinstance(node, dict):
        return False
    if node.get("type") == "OPERATOR_NOT" and len(node.get("children") or ()) == 1:
        return _joins_keys(node["children"][0], scope, query)
    if node.get("type") == "COMPARE_EQUAL":
        return _is_key(_reference(node["left"], scope)) and _is_key(_reference(node["right"], scope))
    if node.get("type") != "SUBQUERY" or "subquery" not in node:
        return False
    inner = query(node["subquery"]["node"], within(scope, wall=False))
    if node.get("child") is None:
        return inner.sound and str(node.get("subquery_type")).endswith("EXISTS")
    child = _reference(node["child"], scope)
    keys = len(inner.columns) == 1 and _is_key(inner.columns[0])
    return inner.sound and keys and _is_key(child) and node.get("comparison_type") == "COMPARE_EQUAL"


def _columns(node: Any, scope: Scope, query: Query) -> Iterator[Col]:
    """Yield what stands below: each column, and a stand-in for what is no column and may tell one row from another."""
    if isinstance(node, dict):
        kind = node.get("type")
        if kind == "COLUMN_REF":
            parts = [fold(n) for n in node["column_names"]]
            if parts[0] not in scope.locals:
                yield _known(resolve(parts, scope), scope)
            return
        if node.get("class") == "WINDOW":
            over_groups = scope.grouped or (scope.relations and not any(r.rows for r in scope.relations))
            yield _placed(_NOBODY, scope) if over_groups else _SOMEBODY
        elif kind == "SUBQUERY" and "subquery" in node:
            yield from _of_subquery(node, scope, query)
            return
        elif kind == "LAMBDA":
            names = frozenset(fold(n) for n in names_below(node.get("lhs")))
            scope = replace(scope, locals=scope.locals | names)
        node = _without_counted(node, scope)
        if kind == "FUNCTION" and (name := str(node.get("function_name", "")).lower()) in AGGREGATES:
            yield from _of_aggregate(name, node, scope, query)
            return
    for child in children(node):
        yield from _columns(child, scope, query)


def _of_aggregate(name: str, node: Any, scope: Scope, query: Query) -> Iterator[Col]:
    """Yield what an aggregate tells: of a sound group a value of that group, else what its columns do."""
    found = list(_columns(list(children(node)), replace(scope, grouped=False), query))
    level, places = joint(found)
    apart = name in SUMMARIES and level > Level.LABEL and not _adds_up(name, node)
    if scope.grouped and name in SUMMARIES and level < Level.IDENTITY and not apart:
        # As any other column of the result is, it may be held against those.
        yield _placed(Col("", frozenset(), level=Level.LABEL, places=places), scope)
        return
    # The greatest of many, below, is no one person's whom a key names.
    scope.notes.tested |= name not in SUMMARIES and level > Level.LABEL
    yield from found
    if name in PICKING or apart:
        yield _SOMEBODY


def _adds_up(name: str, node: Mapping[str, Any]) -> bool:
    """Whether a sum of what is measured is one number: shifted or written side by side, values stay apart in it."""
    given = [a.get("expression") or a for a in node.get("arguments") or ()]
    return name != "product" and all(is_one(a, _SMOOTH) for a in given) and sum(map(_products, given)) < 2


_SMOOTH = frozenset({"+", "-", "*", "/", "round", "abs"})


def _products(node: Any) -> int:
    """Count the multiplications of what is no constant: a row of them makes powers, which stand apart in a sum."""
    if not isinstance(node, dict):
        return sum(map(_products, node)) if isinstance(node, list) else 0
    factors = [a.get("expression") or a for a in node.get("arguments") or ()]
    here = node.get("function_name") == "*" and all(names_below(factor) for factor in factors)
    return here + sum(map(_products, children(node)))


def _placed(value: Col, scope: Scope) -> Col:
    """Return a value of a group with a place: held against one person's, it is as another relation's."""
    return value if value.places else replace(value, places=frozenset({scope.notes.place()}))


def _known(column: Col | None, scope: Scope) -> Col:
    if column is None:
        scope.notes.escaped = True
        return _SOMEBODY
    return column


def _of_subquery(node: Mapping[str, Any], scope: Scope, query: Query) -> Iterator[Col]:
    """Yield what a value or a list from a subquery tells. Held against a list, what is measured of a person picks it out."""
    if is_fixed(node, scope, query):
        yield _NOBODY
        return
    inner, told = _watched(node["subquery"]["node"], scope, query)
    child = list(_columns(node.get("child"), scope, query))
    held = any(not column.label for column in child)
    yield from child
    yield _SOMEBODY if inner.rows or not inner.sound or held or told else _NOBODY
    yield from inner.columns


def _watched(node: Any, scope: Scope, query: Query) -> tuple[Table, bool]:
    """Read a subquery, and whether it reads a column outside that is no label: its value is then about that row."""
    notes, before = scope.notes, scope.notes.told
    notes.told = False
    inner = query(node, within(scope, wall=False, watched=True))
    told, notes.told = notes.told, before or notes.told
    return inner, told


def _without_counted(node: Mapping[str, Any], scope: Scope) -> Any:
    """Leave out a key that is only counted, or only asked whether it is there. What is computed may be there for one person."""
    if node.get("type") == "FUNCTION" and str(node.get("function_name", "")).lower() in _COUNTS:
        arguments = [a.get("expression") or a for a in node.get("arguments") or ()]
        counted = [_counted(a) for a in arguments]
        if all(_is_key(_reference(key, scope)) for key, _ in counted):
            return {k: v for k, v in node.items() if k != "arguments"} | {"conditions": [when for _, when in counted]}
    if node.get("type") in _NULLS and all(_is_key(_reference(c, scope)) for c in node.get("children") or ()):
        return None
    return node


def _counted(node: Any) -> tuple[Any, Any]:
    """Return what is counted and when: `case when condition then key end` counts as a filter does."""
    checks = node.get("case_checks") or []
    if len(checks) == 1 and (node["else_expr"].get("literal") or {}).get("kind") == "NULL_LITERAL":
        return checks[0]["then_expr"], checks[0]["when_expr"]
    return node, None


def names_below(node: Any) -> set[str]:
    """Return the last part of every name below, which is what a lambda's parameters are."""
    if isinstance(node, dict) and node.get("type") == "COLUMN_REF":
        return {node["column_names"][-1]}
    return set().union(*(names_below(child) for child in children(node)))
