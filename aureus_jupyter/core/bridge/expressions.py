"""Expressions of sqlglot's tree as expressions of DuckDB's. Default deny: a class that is not in the table below refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from aureus_jupyter.core.bridge import nodes
from aureus_jupyter.core.bridge.calls import call, keyword, quantified
from aureus_jupyter.core.bridge.nodes import NOTHING, Node
from aureus_jupyter.core.bridge.places import Place
from aureus_jupyter.core.bridge.state import Bridge
from aureus_jupyter.core.bridge.structs import STRUCTS
from aureus_jupyter.core.bridge.types import cast, constant_of, interval
from aureus_jupyter.core.bridge.windows import window
from aureus_jupyter.values.catalog import fold

__all__ = ["expression"]

Maker = Callable[[Bridge, Any, Place], Node]

_OPERATORS = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.Pow: "^",
    exp.IntDiv: "//",
    exp.DPipe: "||",
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "xor",
    exp.BitwiseLeftShift: "<<",
    exp.BitwiseRightShift: ">>",
    exp.SimilarTo: "regexp_full_match",
    exp.RegexpLike: "regexp_matches",
    exp.RegexpILike: "regexp_matches",
    exp.ArrayContainsAll: "@>",
    exp.ArrayContainedBy: "<@",
    exp.ArrayOverlaps: "&&",
    exp.Overlaps: "list_has_any",
    exp.JSONBExtract: "->",
    exp.JSONBExtractScalar: "->>",
}
_COMPARISONS = {
    exp.EQ: "EQUAL",
    exp.NEQ: "NOTEQUAL",
    exp.LT: "LESSTHAN",
    exp.LTE: "LESSTHANOREQUALTO",
    exp.GT: "GREATERTHAN",
    exp.GTE: "GREATERTHANOREQUALTO",
    exp.NullSafeEQ: "NOT_DISTINCT_FROM",
    exp.NullSafeNEQ: "DISTINCT_FROM",
}


def expression(b: Bridge, node: Any, here: Place) -> Node:
    """Return an expression's node. Raises Refused for whatever is not on the lists."""
    if node is None:
        raise b.refused(exp.Null(), "nothing where something is due")
    known = _KNOWN.get(type(node)) or (STRUCTS.get(type(node)) if type(node).__name__ in b.rules.nodes else None)
    if known is None:
        raise b.refused(node)
    make, keys = known
    if keys is not None:
        b.check(node, keys)
    return make(b, node, here)


def _column(b: Bridge, node: exp.Column, here: Place) -> Node:
    if isinstance(node.this, exp.Star):
        # t.* where one value stands is the row as a whole.
        return b.resolved([node.args["table"]], here, node)
    parts = [part for part in node.parts if isinstance(part, exp.Identifier)]
    if len(parts) > 2 and not b.rules.fields:
        raise b.refused(node, "a column's name with a schema", "qualified_name")
    return b.resolved(parts, here, node)


def _dot(b: Bridge, node: exp.Dot, here: Place) -> Node:
    """Return a field of a value, or the column of a row that is taken as a whole and then apart."""
    if not isinstance(node.expression, exp.Identifier):
        raise b.refused(node)
    whole = b.expression(b, node.this, here)
    if whole["type"] == "COLUMN_REF" and len(whole["column_names"]) == 1:
        key, alias = b.rules.fold(node.expression), whole["column_names"][0]
        row = next((r for p in here.around() for r in p.relations if r.alias == alias), None)
        hits = [made for name, made in row.columns if name == key] if row is not None else []
        if row is not None and hits:
            # To the server the whole row is read all the same.
            b.stars.update({fold(row.dataset)} if row.dataset else ())
            return hits[0]
    return nodes.field(whole, node.expression.name)


def _operator(b: Bridge, node: exp.Binary, here: Place) -> Node:
    name = _OPERATORS[type(node)]
    return nodes.call(name, [b.expression(b, part, here) for part in (node.this, node.expression)])


def _unary(name: str) -> Maker:
    return lambda b, node, here: nodes.call(name, [b.expression(b, node.this, here)])


def _negative(b: Bridge, node: exp.Neg, here: Place) -> Node:
    return constant_of(b, node) or nodes.call("-", [b.expression(b, node.this, here)])


def _compared(b: Bridge, node: exp.Binary, here: Place) -> Node:
    kind = _COMPARISONS[type(node)]
    listed = quantified(b, node, here, kind)
    if listed is not None:
        return listed
    return nodes.compare(kind, b.expression(b, node.this, here), b.expression(b, node.expression, here))


def _connected(b: Bridge, node: exp.Connector, here: Place) -> Node:
    """Return a chain of AND or of OR as one. Chains may be long, so they are not followed by recursion."""
    kind, parts, waiting = type(node), list[Node](), [node.expression, node.this]
    while waiting:
        part = waiting.pop()
        if type(part) is kind:
            waiting += [part.expression, part.this]
        else:
            parts.append(b.expression(b, part, here))
    return nodes.both(parts, "AND" if kind is exp.And else "OR")


def _not(b: Bridge, node: exp.Not, here: Place) -> Node:
    inner = b.expression(b, node.this, here)
    if inner["type"] == "OPERATOR_IS_NULL":
        return {**inner, "type": "OPERATOR_IS_NOT_NULL"}
    return nodes.operator("OPERATOR_NOT", inner)


def _is(b: Bridge, node: exp.Is, here: Place) -> Node:
    value, wanted = b.expression(b, node.this, here), node.expression
    if isinstance(wanted, exp.Null):
        return nodes.operator("OPERATOR_IS_NOT_NULL" if node.args.get("negate") else "OPERATOR_IS_NULL", value)
    if not isinstance(wanted, exp.Boolean):
        raise b.refused(node, "this form of IS")
    made = nodes.compare("NOT_DISTINCT_FROM", value, nodes.constant("BOOLEAN", str(wanted.this).lower()))
    return nodes.operator("OPERATOR_NOT", made) if node.args.get("negate") else made


def _in(b: Bridge, node: exp.In, here: Place) -> Node:
    value = b.expression(b, node.this, here)
    query = node.args.get("query")
    if query is None and not node.expressions:
        raise b.refused(node, "IN before nothing")
    if query is not None:
        return nodes.subquery("ANY", b.query(b, query, here.below()).node, value, "COMPARE_EQUAL")
    return nodes.operator("COMPARE_IN", value, *(b.expression(b, item, here) for item in node.expressions))


def _between(b: Bridge, node: exp.Between, here: Place) -> Node:
    value, low, high = (b.expression(b, node.args[part], here) for part in ("this", "low", "high"))
    return nodes.between(value, low, high)


def _like(name: str) -> Maker:
    def make(b: Bridge, node: exp.Binary, here: Place) -> Node:
        pattern = node.expression
        # A pattern that ends in the sign which escapes the next one is an error, and a computed one may.
        b.raises |= not (isinstance(pattern, exp.Literal) and not str(pattern.this).endswith("\\"))
        made = nodes.call(name, [b.expression(b, node.this, here), b.expression(b, pattern, here)])
        return nodes.operator("OPERATOR_NOT", made) if node.args.get("negate") else made

    return make


def _escape(b: Bridge, node: exp.Escape, here: Place) -> Node:
    inner = b.expression(b, node.this, here)
    return nodes.call("like_escape", [inner, b.expression(b, node.expression, here)])


def _case(b: Bridge, node: exp.Case, here: Place) -> Node:
    against = node.this
    checks = []
    for branch in node.args["ifs"]:
        b.check(branch, frozenset({"this", "true"}))
        when = b.expression(b, branch.this, here)
        if against is not None:
            when = nodes.compare("EQUAL", b.expression(b, against, here), when)
        checks.append({"when_expr": when, "then_expr": b.expression(b, branch.args["true"], here)})
    default = node.args.get("default")
    other = NOTHING if default is None else b.expression(b, default, here)
    return {"class": "CASE", "type": "CASE_EXPR", "alias": "", "case_checks": checks, "else_expr": other}


def _subquery(b: Bridge, node: exp.Subquery, here: Place) -> Node:
    return nodes.subquery("SCALAR", b.query(b, node, here.below()).node)


def _exists(b: Bridge, node: exp.Exists, here: Place) -> Node:
    return nodes.subquery("EXISTS", b.query(b, node.this, here.below()).node)


def _row(b: Bridge, node: exp.Tuple, here: Place) -> Node:
    return nodes.call("row", [b.expression(b, item, here) for item in node.expressions])


def _list(b: Bridge, node: exp.Array, here: Place) -> Node:
    return nodes.call("list_value", [b.expression(b, item, here) for item in node.expressions])


def _element(b: Bridge, node: exp.Bracket, here: Place) -> Node:
    made = b.expression(b, node.this, here)
    for item in node.expressions:
        if isinstance(item, exp.Slice):
            b.check(item, frozenset({"this", "expression"}))
            bounds = [part for part in (item.this, item.expression) if part is not None]
            made = nodes.operator("ARRAY_SLICE", made, *(b.expression(b, part, here) for part in bounds))
        else:
            made = nodes.operator("ARRAY_EXTRACT", made, b.expression(b, item, here))
            b.raises = True
    return made


def _json(b: Bridge, node: exp.JSONExtract, here: Place) -> Node:
    path = node.expression
    # What sqlglot has read as a path is written down; anything else is an expression.
    inner = nodes.constant("STRING", "") if isinstance(path, exp.JSONPath) else b.expression(b, path, here)
    return nodes.call("->", [b.expression(b, node.this, here), inner])


def _zone(b: Bridge, node: exp.AtTimeZone, here: Place) -> Node:
    b.functions.add("timezone")
    return nodes.call("timezone", [b.expression(b, node.args["zone"], here), b.expression(b, node.this, here)])


def _collated(b: Bridge, node: exp.Collate, here: Place) -> Node:
    if not isinstance(node.expression, (exp.Identifier, exp.Var, exp.Column)):
        raise b.refused(node)
    return nodes.collate(b.expression(b, node.this, here))


def _parameter(b: Bridge, node: exp.Placeholder, here: Place) -> Node:
    """Return a parameter by its name; one without a name by its number, so that it can be said that it needs one."""
    if not isinstance(node.this, str) and not node.args.get("jdbc"):
        raise b.refused(node)
    return {"class": "PARAMETER", "type": "VALUE_PARAMETER", "alias": "", "identifier": str(node.this or "1")}


def _numbered(b: Bridge, node: exp.Parameter, here: Place) -> Node:
    if not isinstance(node.this, exp.Literal) or node.this.is_string:
        # To sqlglot @x and ${x} are parameters; to an engine they may be an operator, or another text.
        raise b.refused(node)
    return {"class": "PARAMETER", "type": "VALUE_PARAMETER", "alias": "", "identifier": node.this.name}


def _written(b: Bridge, node: exp.Expr, here: Place) -> Node:
    return constant_of(b, node) or NOTHING


def _side_by_side(b: Bridge, node: exp.Concat, here: Place) -> Node:
    """Return texts that stand side by side, which are one."""
    return nodes.call("concat", [b.expression(b, item, here) for item in node.expressions])


def _inner(b: Bridge, node: exp.Paren, here: Place) -> Node:
    if isinstance(node.this, exp.Column) and isinstance(node.this.this, exp.Star):
        raise b.refused(node, "a star in brackets")
    return b.expression(b, node.this, here)


_PAIR = frozenset({"this", "expression"})
_ONE = frozenset({"this"})
_JSON_KEYS = _PAIR | {"only_json_types", "json_query"}
_LITERAL = frozenset({"this", "is_string"})

_KNOWN: dict[type[exp.Expr], tuple[Maker, frozenset[str] | None]] = {
    **dict.fromkeys(_OPERATORS, (_operator, _PAIR | {"safe", "typed"})),
    **dict.fromkeys(_COMPARISONS, (_compared, _PAIR)),
    **dict.fromkeys((exp.Literal, exp.ByteString, exp.RawString, exp.Null, exp.Boolean), (_written, _LITERAL)),
    **dict.fromkeys(
        (exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp), (keyword, _ONE)
    ),
    **dict.fromkeys((exp.JSONExtract, exp.JSONExtractScalar), (_json, _JSON_KEYS)),
    **dict.fromkeys((exp.Extract, exp.StrPosition), (keyword, _PAIR | {"substr"})),
    **dict.fromkeys((exp.Substring, exp.Overlay), (keyword, _PAIR | {"start", "length", "from_", "for_"})),
    exp.Trim: (keyword, _PAIR | {"position"}),
    exp.Column: (_column, frozenset({"this", "table", "db", "catalog"})),
    exp.Dot: (_dot, _PAIR),
    exp.Neg: (_negative, _ONE),
    exp.BitwiseNot: (_unary("~"), _ONE),
    exp.And: (_connected, _PAIR),
    exp.Or: (_connected, _PAIR),
    exp.Not: (_not, _ONE),
    exp.Is: (_is, _PAIR | {"negate"}),
    exp.In: (_in, frozenset({"this", "query", "expressions"})),
    exp.Between: (_between, frozenset({"this", "low", "high", "symmetric"})),
    exp.Like: (_like("~~"), _PAIR | {"negate"}),
    exp.ILike: (_like("~~*"), _PAIR | {"negate"}),
    exp.Escape: (_escape, _PAIR),
    exp.Case: (_case, frozenset({"this", "ifs", "default"})),
    exp.Subquery: (_subquery, frozenset({"this", "with_", "order", "limit", "offset"})),
    exp.Exists: (_exists, _ONE),
    exp.Tuple: (_row, frozenset({"expressions"})),
    exp.Array: (_list, frozenset({"expressions", "bracket_notation"})),
    exp.Bracket: (_element, frozenset({"this", "expressions"})),
    exp.AtTimeZone: (_zone, frozenset({"this", "zone"})),
    exp.Collate: (_collated, _PAIR),
    exp.Placeholder: (_parameter, frozenset({"this", "jdbc"})),
    exp.Parameter: (_numbered, _ONE),
    exp.Concat: (_side_by_side, frozenset({"expressions", "safe", "coalesce"})),
    exp.Paren: (_inner, _ONE),
    exp.Cast: (cast, frozenset({"this", "to"})),
    exp.TryCast: (cast, frozenset({"this", "to", "safe", "requires_string"})),
    exp.Interval: (interval, frozenset({"this", "unit"})),
    exp.Anonymous: (call, frozenset({"this", "expressions"})),
    **dict.fromkeys((exp.Window, exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls), (window, None)),
}
