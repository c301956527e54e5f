"""Built-ins: arrays, sets, objects, walks and graphs. Source: Open Policy Agent, "Policy Reference"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure
from aureus_jupyter.adapters.policies.opa.machine import Builtin, Run, lookup
from aureus_jupyter.adapters.policies.opa.operands import array_of, integer, items_of, object_of, set_of
from aureus_jupyter.adapters.policies.opa.terms import Array, Object, Set, boolean

__all__ = ["COLLECTIONS"]


def _slice(run: Run, value: Any, start: Any, stop: Any) -> Any:
    items = array_of(value, 1)
    last = min(max(integer(stop, 3), 0), len(items))
    first = min(max(integer(start, 2), 0), last)
    return Array(items[first:last])


def _flatten(run: Run, value: Any) -> Any:
    made: list[Any] = []
    for item in array_of(value):
        made.extend(item) if item.__class__ is Array else made.append(item)
    return Array(made)


def _intersection(run: Run, value: Any) -> Any:
    sets = [set_of(item) for item in set_of(value).ordered()]
    return Set(set.intersection(*sets)) if sets else Set()


def _union(run: Run, value: Any) -> Any:
    return Set(set().union(*(set_of(item) for item in set_of(value))))


def _get(run: Run, value: Any, path: Any, otherwise: Any) -> Any:
    held: Any = object_of(value)
    if path.__class__ is not Array:
        found = held.get(path)
        return otherwise if found is None else found
    for key in path:
        held = lookup(held, key)
        if held is None:
            return otherwise
    return held


def _keys_named(value: Any) -> set[Any]:
    if value.__class__ in (Array, Set, Object):
        return set(value)
    raise BuiltinFailure("operand 2 must be one of object, set and array")


def _remove(run: Run, value: Any, keys: Any) -> Any:
    named = _keys_named(keys) if object_of(value) is not None else set()
    return Object((k, v) for k, v in value.items() if k not in named)


def _filter(run: Run, value: Any, keys: Any) -> Any:
    held = object_of(value)
    named = _keys_named(keys)
    return Object((k, v) for k, v in held.items() if k in named)


def _merge(a: Object, b: Object) -> Object:
    made = dict(a)
    for key, value in b.items():
        old = made.get(key)
        made[key] = _merge(old, value) if old.__class__ is Object and value.__class__ is Object else value
    return Object(made)


def _union_n(run: Run, value: Any) -> Any:
    made = Object()
    for item in array_of(value):
        made = _merge(made, object_of(item))
        run.charge(len(made) >> 2)
    return made


def _subset(run: Run, outer: Any, inner: Any) -> Any:
    if not _comparable(outer, inner):
        raise BuiltinFailure("both arguments of object.subset must be of the same type, or array and set")
    return boolean(_holds(run, outer, inner))


def _comparable(outer: Any, inner: Any) -> bool:
    kinds = (outer.__class__, inner.__class__)
    return kinds in {(Object, Object), (Set, Set), (Array, Array), (Array, Set)}


def _holds(run: Run, outer: Any, inner: Any) -> bool:
    run.charge(1 + (len(inner) >> 3))
    if outer.__class__ is Object:
        return all(k in outer and _member_holds(run, outer[k], v) for k, v in inner.items())
    if outer.__class__ is Set:
        return bool(inner <= outer)
    if inner.__class__ is Set:
        return len(inner & set(outer)) == len(inner) and bool(outer)
    return _run_of(run, outer, inner)


def _member_holds(run: Run, outer: Any, inner: Any) -> bool:
    if outer == inner:
        return True
    return outer.__class__ is inner.__class__ and _comparable(outer, inner) and _holds(run, outer, inner)


def _run_of(run: Run, outer: list[Any], inner: list[Any]) -> bool:
    """Whether an array holds another's elements one after the other."""
    run.charge((len(outer) * max(len(inner), 1)) >> 4)
    width = len(inner)
    return any(outer[at : at + width] == inner for at in range(len(outer) - width + 1))


def _walk(run: Run, value: Any) -> Any:
    return Array(Array((path, held)) for path, held in _steps(run, Array(), value))


def _steps(run: Run, path: Array, value: Any) -> Iterator[tuple[Array, Any]]:
    run.charge(1 + (len(path) >> 2))
    yield path, value
    kind = value.__class__
    if kind is Object:
        pairs = [(k, value[k]) for k in value.ordered()]
    elif kind is Array:
        pairs = list(enumerate(value))
    else:
        pairs = [(k, k) for k in value.ordered()] if kind is Set else []
    for key, item in pairs:
        yield from _steps(run, Array([*path, key]), item)


def _edges(value: Any) -> list[Any]:
    return items_of(value) if value.__class__ in (Array, Set) else []


def _reachable(run: Run, graph: Any, start: Any) -> Any:
    held, queue = object_of(graph, 1), list(items_of(start, 2))
    reached: set[Any] = set()
    while queue:
        run.charge(1)
        node = queue.pop()
        if node in held and node not in reached:
            reached.add(node)
            queue.extend(_edges(held[node]))
    return Set(reached)


def _reachable_paths(run: Run, graph: Any, start: Any) -> Any:
    held = object_of(graph, 1)
    found = Set.opened()
    for node in items_of(start, 2):
        if node not in held:
            continue
        if not _edges(held[node]):
            found.put(Array([node]))
        for other in _edges(held[node]):
            _paths(run, held, other, (node,), found)
    return found


def _paths(run: Run, graph: Object, node: Any, path: tuple[Any, ...], found: Set) -> None:
    run.charge(1 + len(path))
    if node not in graph or node in path:
        found.put(Array(path))
        return
    longer = (*path, node)
    if not _edges(graph[node]):
        found.put(Array(longer))
    for other in _edges(graph[node]):
        _paths(run, graph, other, longer, found)


COLLECTIONS: Final[dict[str, Builtin]] = {
    "and": lambda run, a, b: Set(set_of(a, 1) & set_of(b, 2)),
    "array.concat": lambda run, a, b: Array([*array_of(a, 1), *array_of(b, 2)]),
    "array.flatten": _flatten,
    "array.reverse": lambda run, a: Array(reversed(array_of(a))),
    "array.slice": _slice,
    "graph.reachable": _reachable,
    "graph.reachable_paths": _reachable_paths,
    "intersection": _intersection,
    "object.filter": _filter,
    "object.get": _get,
    "object.keys": lambda run, a: Set(object_of(a)),
    "object.remove": _remove,
    "object.subset": _subset,
    "object.union": lambda run, a, b: _merge(object_of(a, 1), object_of(b, 2)),
    "object.union_n": _union_n,
    "or": lambda run, a, b: Set(set_of(a, 1) | set_of(b, 2)),
    "set_diff": lambda run, a, b: Set(set_of(a, 1) - set_of(b, 2)),
    "union": _union,
    "walk": _walk,
}
