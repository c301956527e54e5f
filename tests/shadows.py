"""A dataset of every kind of column, its shadow, and obligations on it, for the tests of masks and filters."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from aureus_jupyter.core.rewrite import rewrite
from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.obligations import Condition, Within
from aureus_jupyter.values.plan import Shadow
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Scalar, Verdict, VerdictKind

TYPES = {
    "t": "VARCHAR",
    "d": "DATE",
    "ts": "TIMESTAMP",
    "n": "DECIMAL(18,2)",
    "i": "INTEGER",
    "big": "BIGINT",
    "small": "SMALLINT",
    "f": "DOUBLE",
    "b": "BOOLEAN",
    "s": "STRUCT(a INTEGER)",
    "v": "INTERVAL",
}
X = Dataset(name="x", pack="p", source="x", columns=tuple(Column(name=n, type=t) for n, t in TYPES.items()))
SITE = Dataset(
    name="site",
    pack="p",
    source="sites.csv",
    columns=(Column(name="id", type="INTEGER"), Column(name="land", type="INTEGER"), Column(name="t", type="VARCHAR")),
)
CATALOG = Catalog(datasets=(X, SITE))
KEY = b"key of the tests"
FACTS = Facts(tables=(TableUse(dataset="x", columns=("t",)),), can_raise=True)


def plan_with(
    masks: list[Mask] | None = None, filters: list[Filter] | None = None, dialect: str = "duckdb", **more: Any
):
    verdict = Verdict(
        kind=VerdictKind.ALLOW,
        masks=tuple(masks or ()),
        filters=tuple(filters or ()),
        hidden=more.pop("hidden", ()),
        rows=more.pop("cap", None),
    )
    facts = replace(FACTS, can_raise=more.pop("can_raise", True))
    return rewrite("select :a from x", facts, verdict, more.pop("catalog", CATALOG), dialect, **more)


def text_of(shadow: Shadow) -> str:
    """The shadow's text over the tables of `raw`, with the key where an engine would put it."""
    others = {"sites.csv": "sites"}
    return shadow.select("raw", ("keys.inner_pad", "keys.outer_pad"), others, "keys")


def pseudonym(value: str) -> str:
    return hmac.new(KEY, value.encode(), hashlib.sha256).hexdigest()


def mask(column: str, method: MaskMethod, **more: Any) -> Mask:
    return Mask(policy="p", dataset="X", column=column, method=method, reason="r", **more)


def rule(column: str, op: Op, *values: Scalar, **more: Any) -> Filter:
    return Filter(policy="p", dataset="x", column=column, op=op, values=values, reason="r", **more)


def within(other: Within) -> Filter:
    return rule("i", Op.WITHIN, within=other)


def deep(levels: int) -> Within:
    inner = (Condition(column="id", op=Op.WITHIN, within=deep(levels - 1)),) if levels > 1 else ()
    return Within(dataset="site", column="id", conditions=inner)


def written(expression: str, **more: Any) -> Filter:
    return rule("", Op.EXPRESSION, expression=expression, **more)
