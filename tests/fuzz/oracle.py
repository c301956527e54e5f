"""Random schemas, data, policies and queries, and what a reader may see of the data, computed row by row in Python.

Independent of the guard's own rewriting: masks and filters are applied to Python values, and the rows that are left become plain
tables. A governed query must answer what the same text answers over those tables.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from aureus_jupyter.values.catalog import Catalog, Column, Dataset
from aureus_jupyter.values.obligations import Condition, Filter, Hide, Mask, MaskMethod, Op, Within

__all__ = ["KEY", "World", "hidden_changed", "made", "query", "seen", "tables"]

KEY = b"the key of the oracle"
Row = dict[str, Any]

_TYPES = ("INTEGER", "VARCHAR", "DECIMAL(18,2)", "DATE", "BOOLEAN", "BIGINT")
_WORDS = ["", "a", "Ab-12", "ana@bank.cz", "x@y@z.org", "ŽLUŤ", "it's", "OSLO", "BERN", "1234567890"]
_DAYS = [date(1999, 12, 31) + timedelta(days=d) for d in (0, 1, 200, 9000)]
_VALUES: Mapping[str, Callable[[Random], Any]] = {
    "INTEGER": lambda r: r.randint(-20, 20),
    "BIGINT": lambda r: r.choice([0, 1, -7, 10**15, r.randint(-50, 50)]),
    "VARCHAR": lambda r: r.choice(_WORDS),
    "DECIMAL(18,2)": lambda r: Decimal(r.randint(-200_000, 200_000)) / 100,
    "DATE": lambda r: r.choice(_DAYS),
    "BOOLEAN": lambda r: r.random() < 0.5,
}


@dataclass(slots=True, kw_only=True)
class World:
    """Datasets, the rows of each, and what policies oblige to."""

    catalog: Catalog
    rows: dict[str, list[Row]]
    masks: list[Mask] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    hides: list[Hide] = field(default_factory=list)


def made(random: Random) -> World:
    """Return a random world of two or three datasets."""
    datasets = []
    for number in range(random.randint(2, 3)):
        kinds = [random.choice(_TYPES) for _ in range(random.randint(2, 5))]
        columns = [
            Column(name="k", type="INTEGER"),
            *(Column(name=f"c{i}_{number}", type=t) for i, t in enumerate(kinds)),
        ]
        datasets.append(Dataset(name=f"t{number}", pack="p", source=f"s{number}", columns=tuple(columns)))
    catalog = Catalog(datasets=tuple(datasets))
    rows = {d.name: [_row(d, random) for _ in range(random.randint(0, 25))] for d in datasets}
    world = World(catalog=catalog, rows=rows)
    for dataset in datasets:
        _oblige(world, dataset, random)
    return world


def _row(dataset: Dataset, random: Random) -> Row:
    row = {c.name: None if random.random() < 0.15 else _VALUES[c.type](random) for c in dataset.columns}
    return {**row, "k": random.randint(0, 6) if random.random() > 0.1 else None}


def _oblige(world: World, dataset: Dataset, random: Random) -> None:
    for column in dataset.columns[1:]:
        chance = random.random()
        if chance < 0.35:
            world.masks.append(_mask(dataset, column, random))
        elif chance < 0.45 and len(dataset.columns) > 2:
            world.hides.append(Hide(policy="p", dataset=dataset.name, column=column.name, reason="r"))
    for _ in range(random.choice([0, 1, 2, 3])):
        world.filters.append(_filter(world, dataset, random))
    if len({h.column for h in world.hides if h.dataset == dataset.name}) == len(dataset.columns) - 1:
        world.hides = [h for h in world.hides if h.dataset != dataset.name]


_METHODS: Mapping[str, Sequence[MaskMethod]] = {
    "VARCHAR": (
        MaskMethod.REDACT,
        MaskMethod.LAST,
        MaskMethod.PARTIAL,
        MaskMethod.EMAIL,
        MaskMethod.HASH,
        MaskMethod.CONSTANT,
    ),
    "DATE": (MaskMethod.YEAR, MaskMethod.MONTH),
    "INTEGER": (MaskMethod.ROUND, MaskMethod.BUCKET),
    "DECIMAL(18,2)": (MaskMethod.ROUND, MaskMethod.BUCKET),
    "BIGINT": (MaskMethod.ROUND,),
    "BOOLEAN": (),
}


def _mask(dataset: Dataset, column: Column, random: Random) -> Mask:
    return Mask(
        policy="p",
        dataset=dataset.name,
        column=column.name,
        method=random.choice((*_METHODS[column.type], MaskMethod.NULL)),
        reason="r",
        keep=random.randint(0, 3),
        start=random.randint(0, 2),
        step=random.choice(["7", "10", "0.5"]) if column.type.startswith("DEC") else random.choice(["7", "10"]),
        edges=tuple(random.choice([("0",), ("-10", "5"), ("-1000", "0", "3")])),
        value="hidden",
    )


def _condition(dataset: Dataset, random: Random) -> Condition:
    column = random.choice(dataset.columns)
    op = random.choice([Op.IN, Op.NOT_IN, Op.NOT_IN, Op.IS_NULL, Op.NOT_NULL, Op.LT, Op.GE])
    if op in {Op.IS_NULL, Op.NOT_NULL}:
        return Condition(column=column.name, op=op)
    values = [
        _told(_VALUES[column.type](random)) for _ in range(random.randint(0, 3) if op in {Op.IN, Op.NOT_IN} else 1)
    ]
    if column.type == "BOOLEAN" and op in {Op.LT, Op.GE}:
        op = Op.IN
    return Condition(column=column.name, op=op, values=tuple(values))


def _told(value: Any) -> Any:
    return value if isinstance(value, (int, str)) else str(value)


def _filter(world: World, dataset: Dataset, random: Random) -> Filter:
    others = [d for d in world.catalog.datasets if d.name != dataset.name]
    if random.random() < 0.4:
        other = random.choice(others)
        within = Within(
            dataset=other.name,
            column="k",
            conditions=tuple(_condition(other, random) for _ in range(random.randint(0, 2))),
        )
        return Filter(policy="p", dataset=dataset.name, column="k", op=Op.WITHIN, values=(), within=within, reason="r")
    one = _condition(dataset, random)
    any_of = random.choice(["", "alternatives"])
    return Filter(
        policy="p", dataset=dataset.name, column=one.column, op=one.op, values=one.values, reason="r", any_of=any_of
    )


# -- what a reader may see ----------------------------------------------------------------------------------------------------


def seen(world: World) -> dict[str, list[Row]]:
    """Return what is left of each dataset: filtered by raw values, then masked, without hidden columns."""
    return {
        d.name: [_shown(world, d, row) for row in world.rows[d.name] if _passes(world, d, row)]
        for d in world.catalog.datasets
    }


def hidden_changed(world: World, random: Random) -> World:
    """Return a world that differs in what the reader may not see only: hidden rows, hidden columns, values behind a mask."""
    within = {f.within.dataset for f in world.filters if f.within is not None}
    rows = {}
    for dataset in world.catalog.datasets:
        if dataset.name in within:  # what others are filtered by decides what is seen
            rows[dataset.name] = world.rows[dataset.name]
            continue
        kept = [
            _behind(world, dataset, row, random) for row in world.rows[dataset.name] if _passes(world, dataset, row)
        ]
        more = (_row(dataset, random) for _ in range(30))
        rows[dataset.name] = kept + [row for row in more if not _passes(world, dataset, row)]
    return replace(world, rows=rows)


def _behind(world: World, dataset: Dataset, row: Row, random: Random) -> Row:
    """Return a visible row with other values in hidden columns, and behind masks that tell nothing of them."""
    used = {f.column for f in world.filters if f.dataset == dataset.name}
    gone = {h.column for h in world.hides if h.dataset == dataset.name}
    blind = {
        m.column
        for m in world.masks
        if m.dataset == dataset.name and m.method in {MaskMethod.NULL, MaskMethod.CONSTANT}
    }
    dots = {m.column for m in world.masks if m.dataset == dataset.name and m.method is MaskMethod.REDACT}
    changed = {c.name for c in dataset.columns if c.name in (gone | blind) - used}
    changed |= {name for name in dots - used if row[name] is not None}
    types = {c.name: c.type for c in dataset.columns}
    return {name: _VALUES[types[name]](random) if name in changed else value for name, value in row.items()}


def _passes(world: World, dataset: Dataset, row: Row) -> bool:
    mine = [f for f in world.filters if f.dataset == dataset.name]
    grouped = [f for f in mine if f.any_of]
    return all(_holds(world, f, row) for f in mine if not f.any_of) and (
        not grouped or any(_holds(world, f, row) for f in grouped)
    )


def _holds(world: World, rule: Filter | Condition, row: Row) -> bool:
    value = row[rule.column]
    if rule.op is Op.WITHIN:
        within = rule.within
        assert within is not None
        others = [r for r in world.rows[within.dataset] if all(_holds(world, c, r) for c in within.conditions)]
        return value is not None and value in {r[within.column] for r in others}
    if rule.op in {Op.IS_NULL, Op.NOT_NULL}:
        return (value is None) is (rule.op is Op.IS_NULL)
    if value is None:
        return False
    values = [_like(v, value) for v in rule.values]
    if rule.op in {Op.IN, Op.NOT_IN}:
        return (value in values) is (rule.op is Op.IN)
    return bool(value < values[0]) if rule.op is Op.LT else bool(value >= values[0])


def _like(constant: Any, value: Any) -> Any:
    if isinstance(value, date):
        return date.fromisoformat(constant)
    return Decimal(constant) if isinstance(value, Decimal) else constant


def _shown(world: World, dataset: Dataset, row: Row) -> Row:
    gone = {h.column for h in world.hides if h.dataset == dataset.name}
    masks = {m.column: m for m in world.masks if m.dataset == dataset.name}
    return {n: _masked(masks[n], v) if n in masks else v for n, v in row.items() if n not in gone}


def _masked(mask: Mask, value: Any) -> Any:
    if mask.method is MaskMethod.CONSTANT:
        return mask.value
    return None if value is None else _HOW[mask.method](mask, value)


def _partial(mask: Mask, value: str) -> str:
    start = mask.start if mask.method is MaskMethod.PARTIAL else 0
    if len(value) <= start + mask.keep:
        return "•••"
    return value[:start] + "•••" + (value[-mask.keep :] if mask.keep else "")


def _toward_zero(mask: Mask, value: Any) -> Any:
    step = Decimal(mask.step)
    cut = int(abs(Decimal(value)) / step) * step
    whole = cut if value >= 0 else -cut
    return int(whole) if isinstance(value, int) else whole


def _bucket(mask: Mask, value: Any) -> Any:
    found = [Decimal(edge) for edge in mask.edges if Decimal(edge) <= value]
    return None if not found else int(found[-1]) if isinstance(value, int) else found[-1]


_HOW: Mapping[MaskMethod, Callable[[Mask, Any], Any]] = {
    MaskMethod.NULL: lambda mask, value: None,
    MaskMethod.REDACT: lambda mask, value: "•••",
    MaskMethod.LAST: _partial,
    MaskMethod.PARTIAL: _partial,
    MaskMethod.EMAIL: lambda mask, value: "•••@" + value.rpartition("@")[2] if "@" in value else "•••",
    MaskMethod.HASH: lambda mask, value: hmac.new(KEY, value.encode(), hashlib.sha256).hexdigest()[:16],
    MaskMethod.YEAR: lambda mask, value: value.replace(month=1, day=1),
    MaskMethod.MONTH: lambda mask, value: value.replace(day=1),
    MaskMethod.ROUND: _toward_zero,
    MaskMethod.BUCKET: _bucket,
}


# -- tables and queries -------------------------------------------------------------------------------------------------------


def tables(names: Mapping[str, Dataset], rows: Mapping[str, list[Row]], hides: Sequence[Hide] = ()) -> list[str]:
    """Return statements that make plain tables called as `names` says, one row in each INSERT where there are rows."""
    found = []
    for name, dataset in names.items():
        gone = {h.column for h in hides if h.dataset == dataset.name}
        columns = [c for c in dataset.columns if c.name not in gone]
        found.append(f"CREATE TABLE {name} ({', '.join(f'{c.name} {c.type}' for c in columns)})")
        values = [", ".join(_literal(row[c.name]) for c in columns) for row in rows[dataset.name]]
        if values:
            found.append(f"INSERT INTO {name} VALUES " + ", ".join(f"({v})" for v in values))
    return found


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, date):
        return f"DATE '{value}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).upper() if isinstance(value, bool) else str(value)


def query(world: World, random: Random) -> str:
    """Return a random query over the columns that the reader may know of, plain enough for DuckDB and PostgreSQL."""
    dataset = random.choice(world.catalog.datasets)
    gone = {h.column for h in world.hides if h.dataset == dataset.name}
    columns = [c for c in dataset.columns if c.name not in gone]
    return random.choice(_SHAPES)(world, dataset, columns, random)


def _test(alias: str, columns: Sequence[Column], random: Random) -> str:
    column = random.choice(columns)
    name = f"{alias}.{column.name}"
    value = _literal(_VALUES[column.type](random))
    forms = [
        f"{name} IS NULL",
        f"{name} IS NOT NULL",
        f"{name} = {value}",
        f"{name} IN ({value}, {value})",
        f"NOT ({name} = {value})",
    ]
    if column.type != "BOOLEAN":
        forms += [f"{name} > {value}", f"{name} BETWEEN {value} AND {value}", f"coalesce({name}, {value}) <= {value}"]
    if column.type == "VARCHAR":
        forms += [f"{name} LIKE '%a%'", f"length({name}) > 3", f"upper({name}) = 'OSLO'", f"{name} || 'x' = 'ax'"]
    one = random.choice(forms)
    return f"({one} {random.choice(['AND', 'OR'])} {_test(alias, columns, random)})" if random.random() < 0.3 else one


def _aggregate(alias: str, columns: Sequence[Column], random: Random) -> str:
    column = random.choice(columns)
    name = f"{alias}.{column.name}"
    forms = ["count(*)", f"count({name})", f"count(DISTINCT {name})"]
    if column.type != "BOOLEAN":
        forms += [f"min({name})", f"max({name})"]
    if column.type in {"INTEGER", "DECIMAL(18,2)"}:
        forms.append(f"sum({name})")
    return random.choice(forms)


def _plain(world: World, dataset: Dataset, columns: Sequence[Column], random: Random) -> str:
    star = random.random() < 0.3
    listed = "*" if star else ", ".join(c.name for c in random.sample(columns, random.randint(1, len(columns))))
    where = f" WHERE {_test('t', columns, random)}" if random.random() < 0.7 else ""
    return f"SELECT {random.choice(['', 'DISTINCT '])}{listed} FROM {dataset.name} AS t{where}"


def _grouped(world: World, dataset: Dataset, columns: Sequence[Column], random: Random) -> str:
    keys = random.sample(columns, random.randint(0, min(2, len(columns))))
    names = [f"t.{c.name}" for c in keys]
    listed = ", ".join([*names, *(f"{_aggregate('t', columns, random)} AS a{i}" for i in range(random.randint(1, 3)))])
    where = f" WHERE {_test('t', columns, random)}" if random.random() < 0.5 else ""
    group = f" GROUP BY {', '.join(names)}" if names else ""
    having = " HAVING count(*) > 1" if names and random.random() < 0.3 else ""
    return f"SELECT {listed} FROM {dataset.name} t{where}{group}{having}"


def _joined(world: World, dataset: Dataset, columns: Sequence[Column], random: Random) -> str:
    other = random.choice(world.catalog.datasets)
    gone = {h.column for h in world.hides if h.dataset == other.name}
    others = [c for c in other.columns if c.name not in gone]
    kind = random.choice(["JOIN", "LEFT JOIN", "FULL JOIN"])
    listed = f"t.{random.choice(columns).name} AS x, u.{random.choice(others).name} AS y"
    where = f" WHERE {_test('u', others, random)}" if random.random() < 0.5 else ""
    return f"SELECT {listed} FROM {dataset.name} t {kind} {other.name} u ON t.k = u.k{where}"


def _nested(world: World, dataset: Dataset, columns: Sequence[Column], random: Random) -> str:
    other = random.choice(world.catalog.datasets)
    inner = f"SELECT u.k FROM {other.name} u"
    least = f"t.k > (SELECT min(k) FROM {other.name})"
    test = random.choice(
        [f"t.k IN ({inner})", f"EXISTS ({inner} WHERE u.k = t.k)", least, f"NOT EXISTS ({inner} WHERE u.k = t.k)"]
    )
    return f"SELECT t.k, t.{random.choice(columns).name} AS c FROM {dataset.name} t WHERE {test}"


def _with(world: World, dataset: Dataset, columns: Sequence[Column], random: Random) -> str:
    inner = _plain(world, dataset, columns, random)
    return f"WITH {dataset.name} AS ({inner}) SELECT count(*) AS n FROM {dataset.name}"


def _union(world: World, dataset: Dataset, columns: Sequence[Column], random: Random) -> str:
    word = random.choice(["UNION ALL", "UNION", "EXCEPT", "INTERSECT"])
    other = random.choice(world.catalog.datasets)
    return f"SELECT k FROM {dataset.name} {word} SELECT k FROM {other.name}"


def _window(world: World, dataset: Dataset, columns: Sequence[Column], random: Random) -> str:
    name = f"t.{random.choice(columns).name}"
    over = [
        f"rank() OVER (ORDER BY {name})",
        f"count(*) OVER (PARTITION BY {name})",
        f"max(t.k) OVER (PARTITION BY {name})",
    ]
    made = random.choice(over)
    return f"SELECT t.k, {made} AS w FROM {dataset.name} t"


_SHAPES = (_plain, _grouped, _joined, _nested, _with, _union, _window)
