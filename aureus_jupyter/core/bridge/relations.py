"""FROM: datasets, WITH parts, subqueries, functions, and the joins between them, each name resolved as the engine does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.calls import name_of, rows, unpacked
from aureus_jupyter.core.bridge.nodes import Node
from aureus_jupyter.core.bridge.places import Output, Place, Query, Relation, ambiguous
from aureus_jupyter.core.bridge.state import Bridge, place_of
from aureus_jupyter.errors import Refused, Span
from aureus_jupyter.values.catalog import fold

__all__ = ["from_clause", "values"]

_SIDES = {"": "INNER", "LEFT": "LEFT", "RIGHT": "RIGHT", "FULL": "OUTER"}
_HALVES = frozenset({"SEMI", "ANTI"})
_KINDS = frozenset({"", "INNER", "OUTER", "CROSS"}) | _HALVES
_JOIN_KEYS = frozenset({"this", "side", "kind", "method", "on", "using"})
_ALIAS_KEYS = frozenset({"this", "columns"})
Columns = tuple[tuple[str, Node], ...]


@dataclass(slots=True)
class _Side:
    """One side of a join: its node, what can be named, and what can be had by its name alone, in the order of `*`."""

    node: Node
    relations: list[Relation] = field(default_factory=list)
    columns: list[tuple[str, Node]] = field(default_factory=list)


def from_clause(b: Bridge, node: exp.Select, here: Place) -> Node:
    """Return a SELECT's FROM, and fill `here` with what it names."""
    first = node.args.get("from_")
    if first is None:
        return nodes.EMPTY
    b.check(first, frozenset({"this"}))
    tree: Node | None = None
    for start, joins in _items(first.this, node.args.get("joins") or []):
        side = _joined(b, start, joins, here)
        here.relations += side.relations
        here.columns += side.columns
        tree = side.node if tree is None else nodes.join(tree, side.node, "INNER")
    for view in node.args.get("laterals") or ():
        side = _relation(b, view, here)
        here.relations += side.relations
        here.columns += side.columns
        tree = nodes.join(tree, side.node, "LEFT" if view.args.get("outer") else "INNER") if tree else side.node
    return tree or nodes.EMPTY


def _items(first: exp.Expr, joins: Sequence[exp.Join]) -> list[tuple[exp.Expr, list[exp.Join]]]:
    """Return what commas separate: a comma binds less than JOIN does."""
    items: list[tuple[exp.Expr, list[exp.Join]]] = [(first, [])]
    for join in joins:
        if _is_comma(join):
            items.append((join.this, []))
        else:
            items[-1][1].append(join)
    return items


def _is_comma(join: exp.Join) -> bool:
    return not any(join.args.get(part) for part in ("side", "kind", "method", "on", "using"))


def _joined(b: Bridge, start: exp.Expr, joins: Sequence[exp.Join], here: Place) -> _Side:
    """Return a relation with all that is joined to it. `here` is what LATERAL sees to its left."""
    left = _relation(b, start, here)
    for join in [*_nested(b, start), *joins]:
        b.check(join, _JOIN_KEYS)
        seen = here.beside([*here.relations, *left.relations], [*here.columns, *left.columns])
        right = _joined(b, join.this, [], seen)
        left = _two(b, left, right, join, here)
    return left


def _nested(b: Bridge, node: exp.Expr) -> Sequence[exp.Join]:
    """Return the joins that stand between a relation and a later ON: `a JOIN b JOIN c ON ... ON ...`."""
    joins: Sequence[exp.Join] = node.args.get("joins") or ()
    if any(_is_comma(join) for join in joins):
        raise b.refused(node, "a comma inside of a join")
    return joins


def _two(b: Bridge, left: _Side, right: _Side, join: exp.Join, here: Place) -> _Side:
    word, kind = (str(join.args.get(part) or "").upper() for part in ("side", "kind"))
    method = str(join.args.get("method") or "").upper()
    halves = kind in _HALVES and "Join.half" not in b.rules.nodes
    if kind not in _KINDS or halves or word not in _SIDES or method not in {"", "NATURAL"}:
        # Where an engine has no such join, the word before JOIN is the name of the relation before it.
        raise b.refused(join, f"this kind of join ({' '.join((method, word, kind)).strip()})")
    kind = kind if kind in _HALVES else _SIDES[word]
    shared = _shared(b, left, right, join, method)
    both = here.beside([*left.relations, *right.relations], [*left.columns, *right.columns])
    on = join.args.get("on")
    condition = b.expression(b, on, both) if on is not None else None
    if shared:
        condition = nodes.both([nodes.compare("EQUAL", one, other) for _, one, other in shared])
    node = nodes.join(left.node, right.node, kind, condition)
    if kind in _HALVES:
        return _Side(node, left.relations, left.columns)
    names = {key for key, _, _ in shared}
    merged = [(key, _merged(kind, one, other)) for key, one, other in shared]
    rest = [column for column in (*left.columns, *right.columns) if column[0] not in names]
    return _Side(node, [*left.relations, *right.relations], [*merged, *rest])


def _shared(b: Bridge, left: _Side, right: _Side, join: exp.Join, method: str) -> list[tuple[str, Node, Node]]:
    """Return the columns that USING or NATURAL holds equal: their names, and what they mean on either side."""
    if method == "NATURAL":
        on_the_right = {key for key, _ in right.columns}
        keys = list(dict.fromkeys(key for key, _ in left.columns if key in on_the_right))
    else:
        keys = [b.rules.fold(name) for name in join.args.get("using") or ()]
    return [(key, _one(b, key, left), _one(b, key, right)) for key in keys]


def _one(b: Bridge, key: str, side: _Side) -> Node:
    hits = [node for name, node in side.columns if name == key]
    if not hits:
        raise b.unknown(key, [name for name, _ in side.columns])
    if len(hits) > 1:
        raise ambiguous(key)
    return hits[0]


def _merged(kind: str, left: Node, right: Node) -> Node:
    """Return what a column of USING shows: of a FULL join whichever side there is."""
    if kind == "OUTER":
        return nodes.operator("OPERATOR_COALESCE", left, right)
    return right if kind == "RIGHT" else left


# -- one relation ------------------------------------------------------------------------------------------------------


def _relation(b: Bridge, node: exp.Expr, here: Place) -> _Side:
    make = _RELATIONS.get(type(node))
    if make is None:
        raise b.refused(node)
    return make(b, node, here)


def _table(b: Bridge, node: exp.Table, here: Place) -> _Side:
    if isinstance(node.this, exp.Values):
        return _listed(b, node.this, here, node)
    if not isinstance(node.this, exp.Identifier):
        return _function(b, node, node.this, here)
    b.check(node, frozenset({"this", "db", "catalog", "alias", "joins", "sample"}))
    if node.args.get("db") or node.args.get("catalog"):
        raise Refused(
            "qualified_name",
            "a dataset's name has one part",
            hint=f"Write {node.this.name[:64]} alone.",
            span=place_of(node, b.text),
        )
    sample = _sample(b, node)
    key = b.rules.fold(node.this)
    part = here.parts.get(key)
    if part is not None:
        if not part.ready:
            raise b.refused(node, "a WITH part that is named before it is written, or in its own first half,")
        alias = b.name(part.name)
        columns = tuple((o.key, nodes.column(alias, o.alias)) for o in part.outputs)
        return _side(b, node, key, alias, nodes.table(part.name, alias, sample=sample), columns)
    at = node.this.meta.get("start")
    dataset = b.dataset(node.this.name, place_of(node, b.text) or Span(line=1, column=1))
    alias = b.name(fold(dataset.name))
    columns = tuple((b.rules.column_key(c.name), nodes.column(alias, fold(c.name))) for c in dataset.columns)
    made = nodes.table(node.this.name, alias, at, sample)
    return _side(b, node, key, alias, made, columns, dataset.name)


def _sample(b: Bridge, node: exp.Expr) -> Any:
    sample = node.args.get("sample")
    if sample is None:
        return None
    if "TableSample" not in b.rules.nodes:
        raise b.refused(sample)
    if any(sample.find_all(exp.Column, exp.Query, exp.Anonymous)):
        raise b.refused(sample, "a computed size of a sample")
    return {"method": "System"}


def _side(b: Bridge, node: exp.Expr, key: str, alias: str, made: Node, columns: Columns, dataset: str = "") -> _Side:
    """Return a relation under the name and with the columns' names that its alias gives it."""
    given = node.args.get("alias")
    if given is not None:
        b.check(given, _ALIAS_KEYS)
        key = b.rules.fold(given.this) if given.this is not None else key
        names = given.args.get("columns") or []
        if len(names) > len(columns) or not all(isinstance(name, exp.Identifier) for name in names):
            raise b.refused(node, "this list of columns' names")
        renamed = [b.rules.fold(name) for name in names]
        columns = tuple((renamed[i] if i < len(renamed) else name, c) for i, (name, c) in enumerate(columns))
    return _Side(made, [Relation(key, alias, columns, dataset)], list(columns))


def _query(b: Bridge, node: exp.Subquery, here: Place, lateral: exp.Lateral | None = None) -> _Side:
    """Return a query in FROM, or joins in brackets. Without LATERAL it does not see what stands beside it."""
    if _is_joins(node):
        return _bracketed(b, node, here)
    b.check(node, frozenset({"this", "alias", "with_", "order", "limit", "offset", "joins", "sample"}))
    outside = here if lateral or b.rules.lateral_always else here.beside([], [])
    query = b.query(b, node, outside.below())
    alias = b.name("")
    made = nodes.query_of(alias, query.node)
    made["sample"] = _sample(b, node)
    return _side(b, lateral or node, "", alias, made, _columns_of(query, alias))


def _is_joins(node: exp.Subquery) -> bool:
    """Whether it is joins in brackets, and no query."""
    inner = node.this
    while isinstance(inner, exp.Subquery) and not inner.args.get("joins"):
        inner = inner.this
    return isinstance(inner, exp.Table) or bool(inner.args.get("joins") and not isinstance(inner, exp.Select))


def _bracketed(b: Bridge, node: exp.Subquery, here: Place) -> _Side:
    b.check(node, frozenset({"this", "alias", "joins"}))
    side = _joined(b, node.this, [], here)
    if node.args.get("alias") is None:
        return side
    # Under a name of its own, what is inside of the brackets cannot be named any more.
    items, outputs = [], []
    for key, made in side.columns:
        item = b.name(key)
        items.append({**made, "alias": item})
        outputs.append(Output(key, key, item))
    alias = b.name("")
    columns = _columns_of(Query({}, tuple(outputs)), alias)
    return _side(b, node, "", alias, nodes.query_of(alias, nodes.select(items, side.node)), columns)


def _columns_of(query: Query, alias: str) -> Columns:
    return tuple((o.key, nodes.column(alias, o.alias)) for o in query.outputs)


def _lateral(b: Bridge, node: exp.Lateral, here: Place) -> _Side:
    b.check(node, frozenset({"this", "view", "outer", "alias", "ordinality"}))
    if isinstance(node.this, exp.Subquery):
        return _query(b, node.this, here, node)
    return _function(b, node, node.this, here)


def _function(b: Bridge, node: exp.Expr, inner: Any, here: Place) -> _Side:
    """Return a function in FROM as the query that unpacks what it gives. It sees what stands to its left."""
    b.check(node, frozenset({"this", "alias", "ordinality", "view", "outer", "joins"}))
    if not isinstance(inner, exp.Anonymous):
        raise b.refused(node, "what stands in FROM here")
    name = name_of(b, inner)
    below = here.below()
    if name in b.rules.rows:
        items = [rows(b, inner, below)]
        titles = b.rules.row_columns.get(name, (name,))
        given = node.args.get("alias")
        names = given.args.get("columns") or () if given is not None and name in b.rules.growing else ()
        titles = (*titles, *("" for _ in names[len(titles) :]))
        items *= len(titles)
    elif name in b.rules.aggregates:
        raise b.refused(node, "an aggregate in FROM")
    else:
        items, titles = [b.expression(b, inner, below)], (name,)
    return _unpacked(b, node, items, titles, name)


def _unnest(b: Bridge, node: exp.Unnest, here: Place) -> _Side:
    b.check(node, frozenset({"expressions", "alias", "offset", "joins"}))
    b.functions.add("unnest")
    below = here.below()
    items = [unpacked([b.expression(b, item, below)]) for item in node.expressions]
    return _unpacked(b, node, items, ("unnest",) * len(items), "unnest")


def _unpacked(b: Bridge, node: exp.Expr, items: list[Node], titles: Sequence[str], name: str) -> _Side:
    """Return a function's rows as a query. A single column without a name has the relation's."""
    if node.args.get("ordinality") or node.args.get("offset"):
        items = [*items, unpacked([nodes.constant("INTEGER", "1")])]
        last = node.args.get("offset")
        titles = (*titles, b.rules.fold(last) if isinstance(last, exp.Identifier) else "ordinality")
    given = node.args.get("alias")
    bare = given.this if given is not None else None
    if bare is not None and titles[0] == name and titles.count(name) == 1:
        titles = (b.rules.fold(bare), *titles[1:])
    alias = b.name("")
    outputs = [Output(title, title, b.name(title)) for title in titles]
    made = [{**item, "alias": o.alias} for item, o in zip(items, outputs, strict=True)]
    query = Query(nodes.select(made, nodes.EMPTY), tuple(outputs))
    return _side(b, node, name, alias, nodes.query_of(alias, query.node), _columns_of(query, alias))


def values(b: Bridge, node: exp.Values, here: Place) -> Query:
    """Return VALUES as a query. Its columns have the engine's names for them."""
    b.check(node, frozenset({"expressions", "alias", "joins"}))
    lines = [_line(b, row, here) for row in node.expressions]
    if len({len(line) for line in lines}) != 1:
        raise b.refused(node, "VALUES with lines of different lengths")
    alias = b.name("")
    outputs, items = [], []
    for place in range(len(lines[0])):
        title = f"{b.rules.values}{place + b.rules.first_value}"
        outputs.append(Output(title, title, b.name(title)))
        items.append({**nodes.column(alias, f"col{place}"), "alias": outputs[-1].alias})
    source = {"type": "EXPRESSION_LIST", "alias": alias, "values": lines, "sample": None}
    return Query(nodes.select(items, source), tuple(outputs))


def _line(b: Bridge, row: exp.Expr, here: Place) -> list[Node]:
    items = row.expressions if isinstance(row, exp.Tuple) else [row]
    found = []
    for item in items:
        made = b.expression(b, item, here)
        if made["type"] == "OPERATOR_CAST" and made["child"]["type"] == "VALUE_CONSTANT":
            # A value with its type, such as DATE '2020-01-01', is a value; reading it may fail.
            b.raises, made = True, made["child"]
        found.append(made)
    return found


def _listed(b: Bridge, node: exp.Values, here: Place, named: exp.Table | None = None) -> _Side:
    if named is not None:
        b.check(named, frozenset({"this", "alias", "joins"}))
    outside = here if b.rules.lateral_always else here.beside([], [])
    query = values(b, node, outside.below())
    alias = b.name("")
    return _side(b, named or node, "", alias, nodes.query_of(alias, query.node), _columns_of(query, alias))


_RELATIONS: dict[type[exp.Expr], Callable[[Bridge, Any, Place], _Side]] = {
    exp.Table: _table,
    exp.Subquery: _query,
    exp.Lateral: _lateral,
    exp.Unnest: _unnest,
    exp.Values: _listed,
}
