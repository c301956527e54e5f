"""Whether a statement holds an expression that can raise on some row, over DuckDB's own tree.

An optimizer may run the user's predicate on rows that a filter hides; if it can raise, its error is one bit about a hidden row.
Only what is known never to raise is let through: comparisons of kinds that meet without a cast, and functions on a list. What
stands above an aggregate or a window is never pushed below a filter, so its kind does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from aureus_jupyter.core.functions import AGGREGATES
from aureus_jupyter.core.kinds import (
    ANY,
    BOOL,
    DOUBLE,
    INT,
    TEXT,
    Kind,
    kind_of_literal,
    kind_of_type,
    meet,
)
from aureus_jupyter.core.reading import ctes_of, path_of
from aureus_jupyter.values.catalog import Dataset, fold

__all__ = ["SAFE", "can_raise"]

Node = Mapping[str, Any]

_DATES: Kind = frozenset(["DATE", "TIMESTAMP"])
_PART = (
    "year month day quarter week weekday dayofweek dayofmonth dayofyear isodow isoyear weekofyear hour minute second"
)
SAFE: Mapping[str, tuple[Kind, Kind]] = MappingProxyType(
    {
        **dict.fromkeys("lower upper lcase ucase trim ltrim rtrim".split(), (TEXT, TEXT)),
        **dict.fromkeys("length len char_length character_length strlen".split(), (TEXT, INT)),
        **dict.fromkeys("contains starts_with ends_with prefix suffix".split(), (TEXT, BOOL)),
        **dict.fromkeys("~~ !~~ ~~* !~~*".split(), (TEXT, BOOL)),
        **dict.fromkeys(_PART.split(), (_DATES, INT)),
        **dict.fromkeys("dayname monthname".split(), (_DATES, TEXT)),
        **dict.fromkeys("isnan isinf isfinite".split(), (DOUBLE, BOOL)),
        **dict.fromkeys("today current_date".split(), (ANY, frozenset(["DATE"]))),
        **dict.fromkeys("concat concat_ws".split(), (ANY, TEXT)),
        **dict.fromkeys("nullif greatest least".split(), (ANY, None)),
    }
)
"""Functions that answer on every row, by what each argument must be and what comes of it; None: what the arguments are."""

_COUNTS = frozenset(
    "count count_star count_if countif approx_count_distinct row_number rank dense_rank rank_dense ntile".split()
)
_TRUTHS = frozenset(["bool_and", "bool_or"])
_MEASURES = frozenset("stddev stddev_pop stddev_samp variance var_pop var_samp corr percent_rank cume_dist".split())
_ONE_OF = frozenset("min max any_value arbitrary first last mode lag lead first_value last_value nth_value".split())
_COMPARED = frozenset({"COMPARE_IN", "COMPARE_NOT_IN"})
_WIDE = MappingProxyType({"VARCHAR": "", "TEXT": "", "DOUBLE": "double", "BIGINT": "int"})
"""What may be cast to a type on every row: everything, or what has the class."""


def can_raise(tree: Node, datasets: Iterable[Dataset], parameters: Mapping[str, Kind]) -> bool:
    """Return whether any expression of the statement could raise on a row.

    `parameters` are the kinds of what is bound. Never says no for what it does not know.
    """
    walk = _Walk(datasets, parameters)
    try:
        for statement in tree["statements"]:
            walk.learn(statement["node"])
            walk.query(statement["node"])
    except (AttributeError, IndexError, KeyError, TypeError):
        return True  # a layout that nobody has looked at
    return walk.fails


class _Walk:
    """One pass over a statement. `fails` is true from the first thing on that can raise, or that is not known.

    In its own query an aggregate meets everything, because what compares it is never pushed below it; with `exact` it is what
    it is, because outside that query it is compared with rows that nobody has filtered yet.
    """

    exact = False

    def __init__(self, datasets: Iterable[Dataset], parameters: Mapping[str, Kind]) -> None:
        self.parameters = parameters
        self.fails = False
        self.kinds: dict[str, Kind] = {}
        for dataset in datasets:
            for column in dataset.columns:
                self._name(fold(column.name), kind_of_type(column.type))

    def _name(self, name: str, kind: Kind) -> None:
        """Remember what a name means; one that means two kinds is not known."""
        self.kinds[name] = kind if self.kinds.get(name, kind) == kind else None

    def note(self, failing: bool) -> None:
        """Remember that something can raise."""
        self.fails = self.fails or failing

    def learn(self, node: Any) -> None:
        """Find what names mean: again, until what one of them lost takes nothing more from another."""
        before: dict[str, Kind] = {}
        while before != self.kinds:
            before = dict(self.kinds)
            self.names(node)

    def names(self, node: Any) -> None:
        """Take every alias of the statement for a name: what it stands for may be meant wherever the name is used."""
        if isinstance(node, list):
            for item in node:
                self.names(item)
        elif isinstance(node, dict):
            for value in node.values():
                self.names(value)
            if node.get("alias") and "class" in node:
                self._name(fold(str(node["alias"])), _Quiet(self).expression(node))
            for name in (*(node.get("column_name_alias") or ()), *_cte_names(node)):
                self.kinds[fold(str(name))] = None

    def query(self, node: Any) -> None:
        """Look at a query and all below it."""
        for _, value in ctes_of(node):
            self.query(value.get("query_node") or value["query"]["node"])
        if node.get("type") not in {"SELECT_NODE", "SET_OPERATION_NODE"}:
            self.fails = True  # recursion, and what else there may be
            return
        for modifier in node.get("modifiers") or ():
            self.all(part for part in _parts(modifier))
        if node["type"] == "SET_OPERATION_NODE":
            self._set_operation(node)
            return
        self.source(node.get("from_table"))
        for member in ("where_clause", "having", "qualify"):
            self.condition(node.get(member))
        self.all([*(node.get("select_list") or ()), *(node.get("group_expressions") or ())])

    def _set_operation(self, node: Node) -> None:
        """Columns of one place must meet: the engine casts them to one type."""
        sides = [self._columns(child) for child in node.get("children") or ()]
        if None in sides or len({len(side or ()) for side in sides}) != 1 or "BY_NAME" in str(node.get("setop_type")):
            self.fails = True
            return
        for kinds in zip(*(side or () for side in sides), strict=True):
            self.note(meet(kinds) is None)

    def _columns(self, node: Any) -> list[Kind] | None:
        """Look at one side and return the kinds of its columns, or None where a star hides them."""
        self.query(node)
        if node.get("type") == "SET_OPERATION_NODE":
            return self._columns((node.get("children") or [{}])[0])
        listed = node.get("select_list") or ()
        if any(item.get("class") == "STAR" for item in listed):
            return None
        return [self.expression(item) for item in listed]

    def source(self, node: Any) -> None:
        """Look at what stands in FROM."""
        kind = node.get("type") if isinstance(node, dict) else "EMPTY"
        if kind == "SUBQUERY":
            self.query(node["subquery"]["node"])
        elif kind == "JOIN":
            self.source(node.get("left"))
            self.source(node.get("right"))
            self.condition(node.get("condition"))
            named = [self.kinds.get(fold(str(name))) for name in node.get("using_columns") or ()]
            self.note(None in named or node.get("ref_type") == "NATURAL")
        elif kind not in {"EMPTY", "BASE_TABLE"}:
            self.fails = True

    def condition(self, node: Any) -> None:
        """Look at an expression that is taken for true or false."""
        if node:
            self.note(meet([self.expression(node), BOOL]) is None)

    def all(self, nodes: Iterable[Any]) -> list[Kind]:
        """Look at expressions and return what they are."""
        return [self.expression(node) for node in nodes]

    def expression(self, node: Any) -> Kind:
        """Look at an expression and return what it is."""
        look = _LOOKS.get(str(node.get("class")))
        if look is None:
            self.fails = True
            return None
        return look(self, node)

    def met(self, nodes: Iterable[Any]) -> Kind:
        """Look at expressions that the engine brings to one type, and return what they are together."""
        found = meet(self.all(nodes))
        self.note(found is None)
        return found


class _Quiet(_Walk):
    """Asks what an expression is once it has left its query, without judging it: that is done where it stands."""

    exact = True

    def __init__(self, of: _Walk) -> None:
        self.parameters, self.kinds, self.fails = of.parameters, of.kinds, False

    def query(self, node: Any) -> None:
        """Does not look below."""


def _cte_names(node: Node) -> Iterator[str]:
    for _, value in ctes_of(node) if "cte_map" in node else ():
        yield from value.get("aliases") or ()


def _parts(modifier: Node) -> Iterator[Node]:
    """Return the expressions of ORDER BY, LIMIT, OFFSET and DISTINCT ON."""
    yield from (order["expression"] for order in modifier.get("orders") or ())
    yield from (modifier[name] for name in ("limit", "offset") if modifier.get(name))
    yield from modifier.get("distinct_on_targets") or ()


def _column(walk: _Walk, node: Node) -> Kind:
    path = [fold(str(part)) for part in node.get("column_names") or ("",)]
    # Before a dot may stand a column whose field is meant.
    return None if any(part in walk.kinds for part in path[:-1]) else walk.kinds.get(path[-1])


def _conjunction(walk: _Walk, node: Node) -> Kind:
    for child in node.get("children") or ():
        walk.condition(child)
    return BOOL


def _comparison(walk: _Walk, node: Node) -> Kind:
    walk.met([node["left"], node["right"]])
    return BOOL


def _between(walk: _Walk, node: Node) -> Kind:
    walk.met([node["input"], node["lower"], node["upper"]])
    return BOOL


def _operator(walk: _Walk, node: Node) -> Kind:
    kind, children = node.get("type"), node.get("children") or ()
    if kind == "OPERATOR_NOT":
        return _conjunction(walk, node)
    if kind in {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"}:
        walk.all(children)
        return BOOL
    if kind in _COMPARED:
        walk.met(children)
        return BOOL
    if kind == "OPERATOR_COALESCE":
        return walk.met(children)
    walk.fails = True
    return None


def _case(walk: _Walk, node: Node) -> Kind:
    checks = node.get("case_checks") or ()
    for check in checks:
        walk.condition(check["when_expr"])
    return walk.met([*(check["then_expr"] for check in checks), node["else_expr"]])


def _cast(walk: _Walk, node: Node) -> Kind:
    name = ".".join(path_of(node.get("type_expr") or {})).upper()
    plain = not (node.get("type_expr") or {}).get("children")
    target, found = (kind_of_type(name) if plain else None), walk.expression(node["child"])
    if node.get("try_cast"):
        return target
    if found is None or target is None or (found != ANY and not _becomes(found, name, target)):
        walk.fails = True
    return target


def _becomes(found: frozenset[str], name: str, target: frozenset[str]) -> bool:
    """Whether a value can be cast to the type on every row; a constant text that is a day becomes one."""
    wide = _WIDE.get(name)
    return (wide is not None and (not wide or wide in found)) or ("text" in found and target < found)


def _function(walk: _Walk, node: Node) -> Kind:
    name = path_of(node)[-1].lower() if path_of(node) else ""
    arguments = [argument["expression"] for argument in node.get("arguments") or ()]
    if node.get("filter"):
        walk.condition(node["filter"])
    if name in AGGREGATES:
        found = walk.all([*arguments, *_parts(node.get("order_bys") or {})])
        return _aggregate(name, found[:1]) if walk.exact else ANY
    wanted, made = SAFE.get(name, (None, None))
    # What is matched against a computed pattern, or against one that ends in its escape, can raise.
    if wanted is None or (name.endswith(("~~", "~~*")) and arguments[1].get("class") != "CONSTANT"):
        walk.fails = True
        return None
    if made is None:
        return walk.met(arguments)
    walk.note(any(kind is None or meet([kind, wanted]) is None for kind in walk.all(arguments)))
    return made


def _aggregate(name: str, first: list[Kind]) -> Kind:
    """Return what an aggregate or a window gives, as far as that is plain."""
    if name in _COUNTS:
        return INT
    if name in _TRUTHS:
        return BOOL
    if name in _MEASURES:
        return DOUBLE
    return first[0] if name in _ONE_OF and first else None


def _window(walk: _Walk, node: Node) -> Kind:
    """A window is made of visible rows, and nothing above it is pushed below."""
    found = walk.all([argument["expression"] for argument in node.get("arguments") or ()])
    walk.all([*(node.get("partitions") or ()), *(order["expression"] for order in node.get("orders") or ())])
    walk.all([node[name] for name in ("start_expr", "end_expr", "offset_expr", "default_expr") if node.get(name)])
    walk.condition(node.get("filter_expr"))
    return _aggregate(path_of(node)[-1].lower(), found[:1]) if walk.exact else ANY


def _subquery(walk: _Walk, node: Node) -> Kind:
    inner = node["subquery"]["node"]
    walk.query(inner)
    kind = node.get("subquery_type")
    if kind in {"EXISTS", "NOT_EXISTS"}:
        return BOOL
    listed: list[Any] = inner.get("select_list") or []
    made = _Quiet(walk).expression(listed[0]) if len(listed) == 1 else None
    if kind == "ANY":
        walk.note(meet([walk.expression(node["child"]), made]) is None)
        return BOOL
    # A scalar subquery of more than one row raises: an aggregate without groups has one.
    one = len(listed) == 1 and listed[0].get("class") == "FUNCTION" and path_of(listed[0])[-1].lower() in AGGREGATES
    walk.note(not one or bool(inner.get("group_expressions")) or inner.get("type") != "SELECT_NODE")
    return made


def _star(walk: _Walk, node: Node) -> Kind:
    """A star stands for columns as they are; what is computed in it, or chosen by a text, is not looked at."""
    walk.note(any(node.get(name) for name in ("replace_list", "expr", "columns")))
    return None


_LOOKS: Mapping[str, Callable[[_Walk, Node], Kind]] = MappingProxyType(
    {
        "CONSTANT": lambda walk, node: kind_of_literal(node.get("literal") or {}),
        "PARAMETER": lambda walk, node: walk.parameters.get(str(node.get("identifier"))),
        "COLUMN_REF": _column,
        "STAR": _star,
        "CONJUNCTION": _conjunction,
        "COMPARISON": _comparison,
        "BETWEEN": _between,
        "OPERATOR": _operator,
        "CASE": _case,
        "CAST": _cast,
        "FUNCTION": _function,
        "WINDOW": _window,
        "SUBQUERY": _subquery,
    }
)
