"""Built-ins: json.filter, json.remove and json.patch. Source: Open Policy Agent, "Policy Reference"; RFC 6901 and RFC 6902."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.arithmetic import to_int
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure
from aureus_jupyter.adapters.policies.opa.machine import Builtin, Run, lookup
from aureus_jupyter.adapters.policies.opa.operands import array_of, items_of, object_of, text_of
from aureus_jupyter.adapters.policies.opa.terms import NULL, Array, Object, Set, is_number

__all__ = ["JSON_EDITS"]

Path = list[Any]


def _paths(value: Any) -> list[Path]:
    return [_path(item) for item in items_of(value, 2)]


def _path(value: Any) -> Path:
    if value.__class__ is Array:
        return list(value)
    if value.__class__ is not str:
        raise BuiltinFailure("operand 2 must hold paths: texts, or arrays of keys")
    if not value:
        return []
    return [part.replace("~1", "/").replace("~0", "~") for part in value.lstrip("/").split("/")]


def _tree(paths: Sequence[Path]) -> dict[Any, Any]:
    """Return paths as a tree, where a leaf is NULL and nothing below a leaf counts."""
    root: dict[Any, Any] = {}
    for path in paths:
        node: Any = root
        for key in path[:-1]:
            node = node.setdefault(key, {})
            if node is NULL:
                break
        if path and node is not NULL:
            node[path[-1]] = NULL
    return root


def _removed(value: Any, tree: Any) -> Any:
    """Return a value without what the tree names, or None where the value itself is named."""
    if tree is NULL:
        return None
    if tree is None or value.__class__ not in (Object, Array, Set):
        return value
    if value.__class__ is Object:
        pairs = ((k, _removed(v, tree.get(k))) for k, v in value.items())
        return Object((k, v) for k, v in pairs if v is not None)
    if value.__class__ is Array:
        kept = (_removed(v, tree.get(str(index))) for index, v in enumerate(value))
        return Array(v for v in kept if v is not None)
    kept = (_removed(v, tree.get(v)) for v in value)
    return Set(v for v in kept if v is not None)


def _remove(run: Run, value: Any, paths: Any) -> Any:
    run.charge(object_of(value, 1).size >> 3)
    return _removed(value, _tree(_paths(paths)))


def _filtered(value: Any, tree: Any) -> Any:
    if tree is NULL or value.__class__ not in (Object, Array, Set):
        return value
    if value.__class__ is Object:
        return Object((k, _filtered(v, tree[k])) for k, v in value.items() if k in tree)
    if value.__class__ is Array:
        return Array(_filtered(v, tree[str(i)]) for i, v in enumerate(value) if str(i) in tree)
    return Set(_filtered(v, tree[v]) for v in value if v in tree)


def _filter(run: Run, value: Any, paths: Any) -> Any:
    run.charge(object_of(value, 1).size >> 3)
    return _filtered(value, _tree(_paths(paths)))


def _index(length: int, key: Any) -> int:
    if key.__class__ is str:
        if key == "-":
            return length
        if not (key.isascii() and key.isdigit()) or (key != "0" and key[0] == "0"):
            raise BuiltinFailure("invalid string for indexing")
        return int(key[:12])
    whole = to_int(key) if is_number(key) else None
    if whole is None:
        raise BuiltinFailure("invalid type for indexing")
    return whole


def _found(value: Any, path: Path) -> Any:
    for key in path:
        if value.__class__ is Array:
            index = _index(len(value), key)
            value = value[index] if 0 <= index < len(value) else None
        else:
            value = lookup(value, key)
        if value is None:
            raise BuiltinFailure("a path that does not exist")
    return value


def _edited(value: Any, path: Path, item: Any) -> Any:
    """Return a copy of a value with `item` put at a path, or with what is there taken away where `item` is None."""
    if not path:
        return item
    if value is None:
        raise BuiltinFailure("a path that does not exist")
    if len(path) == 1:
        return _child_edited(value, path[0], item)
    inner = _edited(_found(value, path[:1]), path[1:], item)
    if value.__class__ is Set:
        return Set([*(v for v in value if v != path[0]), inner])
    copy: Any = Object(value) if value.__class__ is Object else list(value)
    copy[path[0] if value.__class__ is Object else _index(len(value), path[0])] = inner
    return Object(copy) if value.__class__ is Object else Array(copy)


def _child_edited(value: Any, key: Any, item: Any) -> Any:
    if value.__class__ is Object:
        if item is None and key not in value:
            raise BuiltinFailure("a path that does not exist")
        kept = {k: v for k, v in value.items() if k != key}
        return Object(kept if item is None else {**kept, key: item})
    if value.__class__ is Array:
        index = _index(len(value), key)
        if not 0 <= index <= len(value) - (1 if item is None else 0):
            raise BuiltinFailure("an index out of bounds")
        return Array([*value[:index], *([] if item is None else [item]), *value[index + (item is None) :]])
    if value.__class__ is not Set or (item is None and key not in value) or (item is not None and key != item):
        raise BuiltinFailure("a path that does not exist")
    return Set(v for v in value if v != key) if item is None else Set([*value, item])


def _needed(operation: Object, name: str) -> Any:
    value = operation.get(name)
    if value is None:
        raise BuiltinFailure(f"missing required attribute {name}")
    return value


def _patch(run: Run, value: Any, operations: Any) -> Any:
    for operation in array_of(operations, 2):
        run.charge(1 + (getattr(value, "size", 0) >> 4))
        value = _patched(value, object_of(operation, 2))
    return value


def _patched(value: Any, operation: Object) -> Any:
    path = _path(_needed(operation, "path"))
    word = text_of(_needed(operation, "op"))
    if word == "add":
        return _edited(value, path, _needed(operation, "value"))
    if word == "remove":
        return _edited(value, path, None)
    if word == "replace":
        return _edited(_edited(value, path, None), path, _needed(operation, "value"))
    if word in ("move", "copy"):
        source = _path(_needed(operation, "from"))
        item = _found(value, source)
        return _edited(_edited(value, source, None) if word == "move" else value, path, item)
    if word != "test":
        raise BuiltinFailure("unrecognized op")
    if _found(value, path) != _needed(operation, "value"):
        raise BuiltinFailure("a test of the patch failed")
    return value


JSON_EDITS: Final[dict[str, Builtin]] = {"json.filter": _filter, "json.patch": _patch, "json.remove": _remove}
