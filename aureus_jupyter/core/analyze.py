"""From text to facts: what a statement would read, or why nobody can say.

DuckDB's own tree is the judge; sqlglot is the second opinion on the tables. Where they disagree, nothing runs.
Other engines show no tree: what sqlglot reads is brought into the same layout (`core.bridge`), so that there is one analysis. Their
own reading of the statement is the second opinion when the adapter prepares it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from aureus_jupyter.core import opinion
from aureus_jupyter.core.bridge import Translation, translate
from aureus_jupyter.core.bridge.postgres import POSTGRES
from aureus_jupyter.core.bridge.rules import Rules, surface_of
from aureus_jupyter.core.bridge.spark import SPARK
from aureus_jupyter.core.failing import can_raise
from aureus_jupyter.core.kinds import Kind
from aureus_jupyter.core.lineage import Trace, trace
from aureus_jupyter.core.nearest import nearest_hint
from aureus_jupyter.core.placing import STAR, Where, places
from aureus_jupyter.core.reading import Reading, TableRef, read_tree
from aureus_jupyter.core.size import check_size
from aureus_jupyter.core.text import bind_names, check_cell, check_sql
from aureus_jupyter.errors import AureusError, Refused, Span, UserError
from aureus_jupyter.values.catalog import Catalog, Dataset, fold
from aureus_jupyter.values.facts import Facts, TableUse

__all__ = ["analyze", "bound_text", "check_parameters", "tree_of"]


_RULES = {"postgres": POSTGRES, "spark": SPARK}


@functools.lru_cache(maxsize=256)
def bound_text(sql: str, dialect: str) -> str:
    """Return `sql` with each `:name` spelled as the engine's own placeholder, character for character otherwise.

    Raises what `check_cell` and `check_sql` raise.
    """
    check_cell(sql)
    check_sql(sql)
    return bind_names(sql)[0] if dialect == "duckdb" else sql


_WORDS = frozenset(
    "all analyse analyze and any as asc both case cast check collate column constraint create default deferrable desc distinct do "
    "else end except fetch for foreign from grant group having in initially intersect into lateral leading limit not null offset "
    "on only or order placing primary qualify references returning select show some summarize symmetric table then to trailing "
    "union unique using variadic when where window with".split()
)
"""Names that a table cannot have without quotes, in DuckDB and in PostgreSQL."""


def analyze(
    sql: str,
    tree: Any,
    catalog: Catalog,
    dialect: str,
    shown: Callable[[], Catalog] = lambda: Catalog(datasets=()),
    parameters: Mapping[str, Kind] = MappingProxyType({}),
    denied: Callable[[Dataset], Refused | None] = lambda dataset: None,
) -> Facts:
    """Return the facts of `sql`, whose engine tree is `tree` (None where the engine has none).

    `shown` gives the part of the catalog whose names the one who asks may see: hints name no others, and none by default.
    `parameters` are the kinds of what is bound; what is not known can raise. `denied` gives what refuses a dataset whatever is
    read of it: nobody learns by an error which columns such a dataset has.
    Total: whatever goes wrong inside becomes a refusal with the code `unreadable`. Raises Refused or UserError only.
    """
    try:
        if dialect == "duckdb":
            return _duckdb(sql, tree, catalog, shown, parameters, denied)
        return _translated(sql, catalog, _RULES[dialect], shown, denied)
    except AureusError as error:
        if error.code == "syntax_error" and (name := _reserved(sql, shown())):
            error.hint = f'The dataset {name} has the name of a word of SQL: write "{name}" in double quotes.'
        raise
    except (Exception, RecursionError) as cause:
        raise Refused(
            "unreadable",
            f"the guard cannot read this statement ({type(cause).__name__})",
            hint="Write it in simpler parts with WITH, and please report its shape.",
        ) from None


def _reserved(sql: str, shown: Catalog) -> str:
    """Return a dataset's name that stands bare after FROM or JOIN, where SQL takes it for a word of its own; or nothing."""
    bare = {fold(name) for name in re.findall(r"\b(?:from|join)\s+([A-Za-z_]\w*)", sql, re.IGNORECASE)}
    return next((d.name for d in shown.datasets if fold(d.name) in bare & _WORDS), "")


def _duckdb(
    sql: str,
    tree: Any,
    catalog: Catalog,
    shown: Callable[[], Catalog],
    parameters: Mapping[str, Kind],
    denied: Callable[[Dataset], Refused | None],
) -> Facts:
    bound = bound_text(sql, "duckdb")
    reading = read_tree(bound, tree)
    datasets = _datasets(reading.tables, catalog, shown)
    check_size(tree, catalog)
    ours = frozenset(fold(ref.name) for ref in reading.tables)
    theirs = opinion.tables(bound, "duckdb")
    if theirs is not None and theirs != ours:
        raise Refused(
            "readers_disagree",
            "two readers of this statement see different tables",
            hint="Give every WITH part a name that is no dataset's name, and write tables without quotes.",
        )
    found_at = places(tree)
    uses = tuple(_use(dataset, reading, found_at) for dataset in datasets)
    _check_columns(reading, datasets, shown, denied)
    found = trace(tree, catalog)
    reading.can_raise = can_raise(tree, datasets, parameters)
    return _facts(reading, uses, found)


def _facts(reading: Reading, uses: tuple[TableUse, ...], found: Trace) -> Facts:
    return Facts(
        tables=uses,
        functions=tuple(sorted(reading.functions)),
        parameters=tuple(sorted(reading.parameters)),
        outputs=found.outputs,
        aggregated=found.aggregated or not uses,  # what reads no dataset shows no row of one
        joins=reading.joins,
        has_filter=reading.has_filter,
        can_raise=reading.can_raise,
    )


def tree_of(sql: str, tree: Any, catalog: Catalog, dialect: str) -> Any:
    """Return the tree a statement is judged by: the engine's own, or what its text comes to in that layout.

    None for a dialect that has neither. Does not read the tree. Raises Refused and UserError.
    """
    rules = _RULES.get(dialect)
    if rules is None:
        return tree
    return _translation(sql, catalog, rules, lambda: Catalog(datasets=()), lambda dataset: None).tree


def _translation(
    sql: str,
    catalog: Catalog,
    rules: Rules,
    shown: Callable[[], Catalog],
    denied: Callable[[Dataset], Refused | None],
) -> Translation:
    named: dict[str, Dataset] = {}

    def dataset(name: str, span: Span) -> Dataset:
        (found,) = _datasets([TableRef(name, name, span)], catalog, shown)
        named[found.name] = found
        return found

    def unknown(name: str, known: Iterable[str]) -> AureusError:
        for refusal in filter(None, map(denied, named.values())):
            return refusal
        seen = {fold(c.name) for d in shown().datasets for c in d.columns}
        near = [key for key in known if fold(key) in seen]
        return UserError(
            "unknown_column",
            f"nothing that can be named here has a column {_safe(name)}",
            hint=nearest_hint(name, near, "See %aureus catalog and the dataset's name for its columns."),
        )

    return translate(sql, rules, dataset, unknown)


def _translated(
    sql: str,
    catalog: Catalog,
    rules: Rules,
    shown: Callable[[], Catalog],
    denied: Callable[[Dataset], Refused | None],
) -> Facts:
    bound_text(sql, rules.name)
    made = _translation(sql, catalog, rules, shown, denied)
    check_size(made.tree, catalog)  # first: what is named once and used often stands in the tree as often
    reading = read_tree(sql, made.tree, surface_of(rules))
    reading.stars |= made.stars
    found_at = places(made.tree)
    uses = tuple(_use(dataset, reading, found_at) for dataset in _datasets(reading.tables, catalog, shown))
    found = trace(made.tree, catalog)
    outputs = tuple(replace(o, name=name) for o, name in zip(found.outputs, made.names, strict=False))
    facts = _facts(reading, uses, Trace(outputs=outputs, aggregated=found.aggregated and made.sure))
    return replace(facts, functions=tuple(sorted(made.functions)), can_raise=facts.can_raise or made.raises)


def _datasets(refs: Iterable[TableRef], catalog: Catalog, shown: Callable[[], Catalog]) -> tuple[Dataset, ...]:
    """Resolve every table, in order of first use. Raises Refused `unknown_dataset` or `contract_not_active`."""
    found: dict[str, Dataset] = {}
    for ref in refs:
        dataset = catalog.dataset(ref.name)
        if dataset is None:
            raise _unreachable(ref, catalog, shown)
        found.setdefault(fold(dataset.name), dataset)
    return tuple(found.values())


def _unreachable(ref: TableRef, catalog: Catalog, shown: Callable[[], Catalog]) -> Refused:
    waiting = catalog.waits(ref.name)
    if waiting is None:
        known = [d.name for d in shown().datasets]
        return Refused(
            "unknown_dataset",
            f"{_safe(ref.name)} is not a dataset of the catalog",
            hint=nearest_hint(ref.name, known, "See %aureus catalog for the datasets you can read."),
            span=ref.span,
        )
    status = f"has the status {_safe(waiting.status)}" if waiting.status else "has no status"
    change = f"make its line {waiting.line} read" if waiting.line else "add a line to it"
    return Refused(
        "contract_not_active",
        f"the contract of {_safe(ref.name)} {status}, and a dataset can be read only once its contract is active",
        hint=f"Review {waiting.file} of the pack, or ask the pack's owner to. When all in it is right, {change}: status: active",
        span=ref.span,
    )


def _safe(name: str) -> str:
    """Return a name the user wrote, short and without signs that could pretend to be text of ours."""
    kept = "".join(c if c.isalnum() or c in "_ .-" else "?" for c in name[:64])
    return f"“{kept}”"


def _use(dataset: Dataset, reading: Reading, found_at: Mapping[str, frozenset[Where]]) -> TableUse:
    """Collect the columns of `dataset` that any name of the statement can mean. Never fewer than it uses."""
    aliases = {fold(r.alias) for r in reading.tables if fold(r.name) == fold(dataset.name)} | {fold(dataset.name)}
    columns = {fold(c.name) for c in dataset.columns}
    star = fold(dataset.name) in reading.stars
    used: set[str] = set()
    for path in reading.names:
        if path[0] in columns:
            used.add(path[0])
        # A schema or a database may stand before the table: main.loan.pd.
        for part, following in zip(path, (*path[1:], None), strict=True):
            if part in aliases:
                star = star or following is None
                used.update({following or ""} & columns)
    names = tuple(c.name for c in dataset.columns if star or fold(c.name) in used)
    everywhere = found_at.get(STAR, frozenset()) if star else frozenset()
    # What is used and stands nowhere that was looked at may stand anywhere.
    at = {name: (found_at.get(fold(name), frozenset()) | everywhere) or frozenset(Where) for name in names}
    return TableUse(
        dataset=dataset.name,
        columns=names,
        star=star,
        places=tuple((name, tuple(where.value for where in Where if where in at[name])) for name in names),
    )


def _check_columns(
    reading: Reading,
    datasets: tuple[Dataset, ...],
    shown: Callable[[], Catalog],
    denied: Callable[[Dataset], Refused | None],
) -> None:
    """Refuse `alias.column` where the alias means one dataset only and the contract has no such column."""
    means: dict[str, set[str]] = {}
    for ref in reading.tables:
        means.setdefault(fold(ref.alias), set()).add(fold(ref.name))
    by_name = {fold(d.name): d for d in datasets}
    for path in sorted(reading.names):
        targets = means.get(path[0], set())
        if len(path) < 2 or len(targets) != 1 or path[0] in reading.derived:
            continue
        dataset = by_name[next(iter(targets))]
        own = {fold(c.name) for c in dataset.columns}
        if path[1] in own or any(path[0] in {fold(c.name) for c in d.columns} for d in datasets):
            continue
        if denied(dataset) is not None:
            continue  # the policies say so, whatever its columns are
        seen = shown().dataset(dataset.name)
        names = [c.name for c in seen.columns] if seen is not None else []
        raise UserError(
            "unknown_column",
            f"the dataset {dataset.name} has no column {_safe(path[1])}",
            hint=nearest_hint(path[1], names, f"See %aureus catalog {dataset.name}."),
        )


def check_parameters(wanted: Iterable[str], given: Iterable[str]) -> None:
    """Refuse a statement whose parameters are not exactly the given ones.

    Raises UserError `missing_parameter` or `unknown_parameter`.
    """
    wanted, given = list(wanted), list(given)
    for name in wanted:
        if name not in given and name.isdigit():
            raise UserError(
                "missing_parameter",
                "the statement has a parameter without a name, ? or $1",
                hint="Give it one: WHERE days > :days, with --params days=90 on the %%aureus line.",
            )
        if name not in given:
            raise UserError(
                "missing_parameter",
                f"the statement uses :{name} and no value for it was given",
                hint=f"Add --params {name}=VALUE to the %%aureus line.",
            )
    for name in given:
        if name not in wanted:
            raise UserError(
                "unknown_parameter",
                f"a value for :{name} was given and the statement does not use it",
                hint=nearest_hint(name, wanted, "Remove it, or use it in the statement."),
            )
