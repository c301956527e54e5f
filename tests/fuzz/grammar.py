"""Random SELECT statements over two datasets, weighted towards what could pass for a summary and is none."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["TABLES", "statement"]

TABLES = {
    "loan": ["loan_id", "borrower_id", "country", "grade", "rate"],
    "borrower": ["borrower_id", "full_name", "country", "age"],
}
KEYS = {"loan_id", "borrower_id"}
LABELS = {"country", "grade", "i"}
JOINS = ["join", "left join", "right join", "full join", "semi join", "anti join", "asof join", "positional join"]
AGGREGATES = ["sum", "avg", "count", "min", "max", "any_value", "first", "list", "median", "count distinct", "arg_max"]


@dataclass
class Relation:
    """A name in FROM and the columns behind it."""

    alias: str
    columns: list[str]


class Grammar:
    """One random statement. Deep nests become rarer with `depth`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.ctes: dict[str, list[str]] = {}
        self.count = 0

    def some(self, *choices: str) -> str:
        return self.rng.choice(choices)

    def odds(self, chance: float) -> bool:
        return self.rng.random() < chance

    def name(self, start: str) -> str:
        self.count += 1
        return f"{start}{self.count}"

    def alias(self, beside: Sequence[Relation]) -> str:
        """Return a relation's name: a new one, or one that a query around may have, which it then hides."""
        free = [name for name in ("l", "m", "v", "loan_id", "i") if name not in {r.alias for r in beside}]
        return self.rng.choice(free) if free and self.odds(0.3) else self.name("t")

    def source(self, depth: int, beside: Sequence[Relation] = ()) -> tuple[str, Relation]:
        """Return one relation of FROM."""
        alias, roll = self.alias(beside), self.rng.random()
        if self.ctes and roll < 0.2:
            name = self.rng.choice(sorted(self.ctes))
            return f"{name} {alias}", Relation(alias, self.ctes[name])
        if depth > 0 and roll < 0.45:
            text, columns = self.select(depth - 1, [])
            return f"({text}) {alias}", Relation(alias, columns)
        if roll < 0.53:
            return f"(values (1), (2), (3)) {alias}(i)", Relation(alias, ["i"])
        if roll < 0.58:
            return f"(select unnest(range(40)) as i) {alias}", Relation(alias, ["i"])
        table = self.rng.choice(sorted(TABLES))
        return f"{table} {alias}", Relation(alias, TABLES[table])

    def sources(self, depth: int, outer: Sequence[Relation]) -> tuple[str, list[Relation]]:
        text, first = self.source(depth)
        relations = [first]
        while self.odds(0.35) and len(relations) < 3:
            if depth > 0 and self.odds(0.15):
                alias = self.alias(relations)
                inner, columns = self.select(depth - 1, relations)
                text += f", lateral ({inner}) {alias}"
                relations.append(Relation(alias, columns))
                continue
            more, relation = self.source(depth, relations)
            if self.odds(0.1):
                third, other = self.source(0, [*relations, relation])
                on = self.condition(0, [*relations, relation, other])
                more = f"({more} join {third} on {on})"
                relations.append(other)
            shared = [c for c in relation.columns if any(c in r.columns for r in relations)]
            if self.odds(0.1):
                text += f", {more}"
            elif shared and self.odds(0.35):
                text += f" {self.some(*JOINS[:6])} {more} using ({self.rng.choice(shared)})"
            else:
                kind = self.some("join", *JOINS)
                on = "" if kind.startswith("positional") else f" on {self.condition(0, [*relations, relation])}"
                text += f" {kind} {more}{on}"
            if " semi " not in text and " anti " not in text:
                relations.append(relation)
        return text, relations

    def column(self, relations: Sequence[Relation], among: set[str] | None = None) -> str:
        found = [(r.alias, c) for r in relations for c in r.columns if among is None or c in among]
        if not found:
            return self.some("1", "2") if among is None or among == LABELS else self.column(relations)
        alias, column = self.rng.choice(found)
        return column if self.odds(0.1) else f"{alias}.{column}"

    def value(self, depth: int, relations: Sequence[Relation]) -> str:
        roll = self.rng.random()
        if roll < 0.55:
            return self.column(relations, self.rng.choice([None, LABELS, LABELS, KEYS]))
        if roll < 0.65:
            return self.some("1", "2", "'CZ'", "null")
        if roll < 0.8:
            return f"({self.value(depth, relations)} {self.some('+', '-', '*', '%')} {self.value(depth, relations)})"
        if roll < 0.86 and depth > 0:
            return f"({self.select(depth - 1, relations, width=1)[0]})"
        if roll < 0.93:
            return f"case when {self.condition(depth - 1, relations)} then {self.value(0, relations)} end"
        return self.some("coalesce({0}, {1})", "greatest({0}, {1})", "nullif({0}, {1})").format(
            self.value(0, relations), self.value(0, relations)
        )

    def condition(self, depth: int, relations: Sequence[Relation]) -> str:
        roll = self.rng.random()
        if roll < 0.3:
            return f"{self.column(relations, KEYS)} = {self.column(relations, KEYS)}"
        if roll < 0.45:
            return f"{self.column(relations, LABELS)} = {self.column(relations, LABELS)}"
        if depth > 0 and roll < 0.58:
            inner = self.select(depth - 1, relations if self.odds(0.4) else [], width=1)[0]
            return f"{self.column(relations, self.rng.choice([KEYS, LABELS]))} {self.some('in', 'not in')} ({inner})"
        if depth > 0 and roll < 0.7:
            return f"{self.some('', 'not ')}exists ({self.select(depth - 1, relations)[0]})"
        if roll < 0.8:
            return f"({self.condition(0, relations)} {self.some('and', 'or')} {self.condition(0, relations)})"
        return f"{self.value(depth, relations)} {self.some('=', '<', '>=', '<>')} {self.value(depth, relations)}"

    def aggregate(self, depth: int, relations: Sequence[Relation]) -> str:
        kind, value = self.rng.choice(AGGREGATES), self.value(0, relations)
        if kind == "count distinct":
            return f"count(distinct {value})"
        if kind == "arg_max":
            return f"arg_max({value}, {self.value(0, relations)})"
        order = f" order by {self.column(relations)}" if self.odds(0.08) else ""
        made = f"{kind}({value}{order})" if self.odds(0.85) else "count(*)"
        if self.odds(0.12):
            made += f" filter (where {self.condition(depth - 1, relations)})"
        return f"{made} over (order by {self.column(relations)})" if self.odds(0.06) else made

    def of_groups(self, depth: int, relations: Sequence[Relation]) -> str:
        """Return what holds aggregates against each other: a window over them, a share of a total, a count of some keys."""
        first, second = self.aggregate(0, relations), self.aggregate(0, relations)
        key, when = self.column(relations, KEYS), self.condition(0, relations)
        # No lag and no row_number: over equal values they follow the order rows happen to lie in, which is nobody's secret.
        partition = self.some("", f"partition by {self.column(relations, LABELS)} ")
        return self.some(
            f"{self.some('sum', 'max', 'min', 'count')}({first}) over ({partition}order by {second})",
            f"rank() over ({partition}order by {self.some(first, self.column(relations))})",
            f"{first} - {second}",
            f"{first} / ({self.select(max(0, depth - 1), relations if self.odds(0.3) else [], width=1)[0]})",
            f"count(distinct case when {when} then {key} end)",
            f"max(case when {when} then {self.column(relations, LABELS)} end)",
        )

    def items(self, depth: int, relations: Sequence[Relation], width: int | None) -> list[str]:
        items = []
        for _ in range(width or self.rng.choice([1, 2, 2, 3])):
            plain = self.odds(0.35)
            items.append(self.value(depth, relations) if plain else self.aggregate(depth, relations))
            if self.odds(0.12):
                items[-1] = self.of_groups(depth, relations)
            if self.odds(0.08):
                items[-1] = f"{self.aggregate(0, relations)} + {items[-1]}"
            if self.odds(0.02):
                items[-1] = "count(*) over ()"
        return items

    def grouping(self, depth: int, relations: Sequence[Relation], items: list[str]) -> str:
        roll = self.rng.random()
        if roll < 0.3:
            return ""
        if roll < 0.45:
            return " group by all"
        if roll < 0.55:
            return f" group by {self.rng.randint(1, len(items))}"
        keys = [
            self.column(relations, self.rng.choice([LABELS, LABELS, LABELS, None]))
            for _ in range(self.rng.choice([1, 1, 2]))
        ]
        if self.odds(0.15):
            keys.append(self.value(depth, relations))
        if self.odds(0.7):
            items.insert(0, keys[0])
        listed = ", ".join(keys)
        return (
            f" group by {self.some(*['{}'] * 5, 'rollup ({})', 'cube ({})', 'grouping sets (({}), ())').format(listed)}"
        )

    def select(self, depth: int, outer: Sequence[Relation], width: int | None = None) -> tuple[str, list[str]]:
        """Return a query and its columns' names."""
        text, relations = self.sources(depth, outer)
        seen = [*relations, *outer]
        items = self.items(depth, seen, width)
        grouping = self.grouping(depth, seen, items) if width is None else ""
        names = [self.some(self.name("c"), self.name("c"), "country", "loan_id", "i") for _ in items]
        if len(set(names)) < len(names):
            names = [self.name("c") for _ in items]
        listed = ", ".join(f"{item} as {name}" for item, name in zip(items, names, strict=True))
        if width is None and self.odds(0.07):
            listed, names = "*", [c for r in relations for c in r.columns]
        distinct = self.some("distinct ", f"distinct on ({self.column(relations)}) ") if self.odds(0.08) else ""
        made = f"select {distinct}{listed} from {text}"
        if self.odds(0.35):
            made += f" where {self.condition(depth, seen)}"
        made += grouping
        if grouping and self.odds(0.12):
            mixed = f"{self.aggregate(0, seen)} {self.some('=', '<')} {self.some(self.aggregate(0, seen), self.column(seen))}"
            made += f" having {mixed if self.odds(0.3) else self.condition(depth - 1, seen)}"
        if self.odds(0.05):
            made += f" qualify {self.condition(0, seen)}"
        if self.odds(0.18):
            made += f" order by {self.some(self.value(0, seen), self.rng.choice(names), str(self.rng.randint(1, len(names))))}"
        if self.odds(0.06):
            made += f" order by all limit {self.rng.randint(1, 5)}" if " order by " not in made else " limit 3"
        return made, names

    def statement(self) -> str:
        parts = []
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
            name = self.name("w")
            text, columns = self.select(1, [])
            parts.append(f"{name} as ({text})")
            self.ctes[name] = columns
        made, columns = self.select(2, [])
        if self.odds(0.08):
            made = f"select {columns[0]} from ({made}) q order by {self.rng.choice(columns)}{self.some('', ' limit 1')}"
        if self.odds(0.08):
            made = f"({made}) {self.some('union', 'union all', 'intersect', 'except')} ({self.select(1, [], len(columns))[0]})"
        return f"with {', '.join(parts)} {made}" if parts else made


def statement(rng: random.Random) -> str:
    """Return one random statement; the same for the same state of `rng`."""
    return Grammar(rng).statement()
