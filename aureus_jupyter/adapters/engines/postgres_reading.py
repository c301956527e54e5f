"""The server's own reading of a statement: a temporary view of it, asked for its dependencies, and rolled back.

Nothing is planned and nothing runs, so no part of the statement can be pruned or folded away before it is seen.
`pg_depend` records all that is not part of the server itself, but never a built-in object; those are read from the
rule's stored tree, whose field names for relations, functions and types are the same from PostgreSQL 12 on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aureus_jupyter.core.dependencies import Dependencies
from aureus_jupyter.core.text import pieces, spell_names
from aureus_jupyter.values.plan import Parameter

__all__ = ["parameter_types", "read_dependencies"]

# The lowest number of a system column, which the stored sets of columns count from (FirstLowInvalidHeapAttributeNumber).
_LOWEST = -7

_QUESTION = r"""
WITH ours AS (SELECT unnest(%(shadows)s::oid[]) AS oid),
rule AS MATERIALIZED (
  SELECT r.oid, r.ev_class, r.ev_action::text AS tree FROM pg_rewrite r
  WHERE r.ev_class = (SELECT c.oid FROM pg_class c
                      WHERE c.relname = %(view)s AND c.relnamespace = pg_my_temp_schema())),
kinds AS MATERIALIZED (
  SELECT DISTINCT t.oid, t.typelem, t.typbasetype, t.typarray FROM pg_attribute a JOIN ours ON ours.oid = a.attrelid
  JOIN pg_type t ON t.oid = a.atttypid WHERE a.attnum > 0),
own AS MATERIALIZED (
  SELECT oid FROM kinds UNION SELECT typelem FROM kinds UNION SELECT typbasetype FROM kinds
  UNION SELECT typarray FROM kinds UNION SELECT t.oid FROM pg_type t JOIN ours ON ours.oid = t.typrelid)
SELECT 'relation', m[1], '' FROM rule, regexp_matches(tree, ' :relid (\d+) ', 'g') AS n(k),
  LATERAL (SELECT ARRAY[k[1], '']) AS o(m) WHERE m[1]::oid <> ev_class
UNION
SELECT 'columns', m[1], m[2]
  FROM rule, regexp_matches(tree, ' :relid (\d+) (?:(?! :relid | :selectedCols ).)* :selectedCols \(b([ \d]*)\)', 'g') AS n(m)
  WHERE m[1]::oid <> ev_class
UNION
SELECT 'function', CASE WHEN p.pronamespace = 'pg_catalog'::regnamespace THEN p.proname::text
                        ELSE p.pronamespace::regnamespace || '.' || p.proname END, ''
  FROM rule, regexp_matches(tree, ' :(?:funcid|aggfnoid|winfnoid) (\d+) ', 'g') AS n(m)
  LEFT JOIN pg_proc p ON p.oid = m[1]::oid
  WHERE NOT EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = m[1]::oid)
UNION
SELECT 'type', CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname::text
                    ELSE t.typnamespace::regnamespace || '.' || t.typname END, ''
  FROM rule, regexp_matches(tree, ' :(?:consttype|resulttype|funcresulttype) (\d+) ', 'g') AS n(m)
  LEFT JOIN pg_type t ON t.oid = m[1]::oid
  WHERE m[1]::oid NOT IN (SELECT oid FROM own)
UNION
SELECT 'names', m[1], ''
  FROM rule, regexp_matches(tree, ' :eref \{ALIAS :aliasname ' || %(view)s || ' :colnames \(((?:\\.|[^\\)])*)\)') AS n(m)
UNION
SELECT 'foreign', (pg_identify_object(d.refclassid, d.refobjid, 0)).type, ''
  FROM pg_depend d JOIN rule ON d.classid = 'pg_rewrite'::regclass AND d.objid = rule.oid
  WHERE NOT CASE d.refclassid
    WHEN 'pg_class'::regclass THEN d.refobjid = rule.ev_class OR d.refobjid IN (SELECT oid FROM ours)
    WHEN 'pg_type'::regclass THEN d.refobjid IN (SELECT oid FROM own)
    WHEN 'pg_operator'::regclass THEN EXISTS (SELECT FROM pg_amop o WHERE o.amopopr = d.refobjid)
    WHEN 'pg_collation'::regclass THEN
      (SELECT c.collnamespace FROM pg_collation c WHERE c.oid = d.refobjid) = 'pg_catalog'::regnamespace
    ELSE false END
"""


def parameter_types(parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """Return the type the driver gives each value, `unknown` where the server is to find it."""
    return {name: _type(value) for name, value in parameters.items()}


def _type(value: Parameter) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return "float8"
    if isinstance(value, int):
        sizes = ((15, "int2"), (31, "int4"), (63, "int8"))
        return next((name for bits, name in sizes if -(2**bits) <= value < 2**bits), "numeric")
    return "unknown"


def read_dependencies(
    connection: Any, sql: str, types: Mapping[str, str], view: str, shadows: Sequence[int]
) -> Dependencies:
    """Return what the server says `sql` depends on, with parameters of these types.

    Expects an open transaction in which names mean the shadows, to be rolled back: it leaves the view `view` there.
    Raises what the driver raises. Does not judge.
    """
    # One row and one column of our own: a statement's columns may share a name, or have none.
    inner = _without_parameters(sql, types)
    text = f'CREATE TEMPORARY VIEW pg_temp."{view}" AS SELECT 1 AS one FROM ({inner}\n) AS "{view}"'
    # Prepared, because the extended protocol takes one statement and no more.
    connection.execute(text, prepare=True)
    rows = connection.execute(_QUESTION, {"view": view, "shadows": list(shadows)}).fetchall()

    def named(kind: str) -> frozenset[str]:
        return frozenset(name or "an unnamed object" for what, name, _ in rows if what == kind)

    return Dependencies(
        relations=_relations(rows),
        functions=named("function"),
        types=named("type"),
        foreign=named("foreign"),
        names=tuple(name for what, names, _ in rows if what == "names" for name in _tokens(names)),
    )


def _tokens(listed: str) -> list[str]:
    """Return the texts of a list in a stored tree: each in quotes, what would end it behind a backslash (outToken in outfuncs.c)."""
    found = re.findall(r"(?:\\.|[^\\ ])+", listed, re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL) for token in found]


def _relations(rows: Sequence[tuple[str, str, str]]) -> dict[int, frozenset[int]]:
    """Return each relation's columns; all of them (0) where the server's tree does not say which."""
    sets: dict[int, list[frozenset[int]]] = {int(name): [] for kind, name, _ in rows if kind == "relation"}
    for kind, name, places in rows:
        if kind == "columns":
            sets[int(name)].append(frozenset(int(place) + _LOWEST for place in places.split()))
    return {oid: frozenset().union(*known) if known else frozenset({0}) for oid, known in sets.items()}


def _without_parameters(sql: str, types: Mapping[str, str]) -> str:
    """Return the statement without its last semicolons, each parameter a NULL of its type.

    A view takes no parameter. A NULL of the type `unknown` is resolved from its place, as a parameter without a type is.
    """
    kept = list(pieces(sql))
    while kept and (kept[-1].kind in {"space", "comment"} or sql[kept[-1].start : kept[-1].end] == ";"):
        kept.pop()
    text = sql[: kept[-1].end] if kept else ""
    return spell_names(text, lambda name: f"CAST(NULL AS pg_catalog.{types.get(name, 'unknown')})", lambda other: other)
