"""A governed answer is the answer over tables that hold what the reader may see, and changes with nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import psycopg
import pytest

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.adapters.engines.postgres import PostgresEngine
from aureus_jupyter.core.rewrite import without
from aureus_jupyter.errors import AureusError
from aureus_jupyter.ports import Limits
from aureus_jupyter.service.decisions import Decider
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import Effect, Ruling

from .oracle import KEY, World, hidden_changed, made, query, seen, tables

pytestmark = pytest.mark.slow

WORLDS = int(os.environ.get("ORACLE_WORLDS", "12"))
QUERIES = int(os.environ.get("ORACLE_QUERIES", "12"))
FIRST = int(os.environ.get("ORACLE_SEED", "20261128"))
ANA = Principal(name="ana")
Ask = Callable[[str], list[str]]


class Fixed:
    """A policy engine that rules what the world says, whoever asks."""

    version, timed = "v", False

    def __init__(self, world: World) -> None:
        self.world = world

    def rule(self, request: Any) -> list[Ruling]:
        names = {d.name for d in request.datasets}
        found = [Ruling(policy="p", effect=Effect.PERMIT, dataset=name) for name in names]
        found += [Ruling(policy="p", effect=Effect.MASK, mask=m) for m in self.world.masks if m.dataset in names]
        found += [Ruling(policy="p", effect=Effect.FILTER, filter=f) for f in self.world.filters if f.dataset in names]
        return found + [Ruling(policy="p", effect=Effect.HIDE, hide=h) for h in self.world.hides if h.dataset in names]


def governed(engine: Any, world: World) -> Ask:
    """Ask as a cell would; a refusal is told by its code and place."""
    decider = Decider(world.catalog, Fixed(world))

    def ask(sql: str) -> list[str]:
        try:
            decided = decider.decide(Draft(sql=sql, origin=Origin.SQL), engine, ANA, "review")
            assert decided.plan is not None, decided.verdict
            engine.prepare(decided.plan, decided.datasets)
            found = engine.run(decided.plan, {}, Limits(seconds=60)).to_arrow()
        except AureusError as error:
            return [f"{error.family} {error.code} {error.message} {error.span}"]
        return sorted(map(repr, (tuple(row.values()) for row in found.to_pylist())))

    return ask


def sources(world: World) -> dict[str, Any]:
    return {d.source: d for d in world.catalog.datasets}


def plain(world: World) -> World:
    """The world as the reader sees it, with nothing left to oblige to."""
    datasets = tuple(without(d, tuple(world.hides)) for d in world.catalog.datasets)
    return World(catalog=type(world.catalog)(datasets=datasets), rows=seen(world))


def on_duckdb(world: World, path: Path) -> DuckDBEngine:
    with duckdb.connect(str(path)) as raw:
        for statement in tables(sources(world), world.rows):
            raw.execute(statement)
    return DuckDBEngine.open(str(path), mask_key=KEY)


@pytest.fixture(scope="module")
def on_postgres(postgres: str) -> Iterator[Callable[[World], PostgresEngine]]:
    with psycopg.connect(postgres, autocommit=True) as boss:
        if not boss.execute("SELECT FROM pg_roles WHERE rolname = 'oracle'").fetchone():
            boss.execute("CREATE ROLE oracle LOGIN")
        opened = []

        def open_(world: World) -> PostgresEngine:
            boss.execute("DROP SCHEMA IF EXISTS oracle CASCADE; CREATE SCHEMA oracle; SET search_path = oracle")
            for statement in tables(sources(world), world.rows):
                boss.execute(statement)
            boss.execute(
                "GRANT USAGE ON SCHEMA oracle TO oracle; GRANT SELECT ON ALL TABLES IN SCHEMA oracle TO oracle"
            )
            opened.append(PostgresEngine.open(postgres.replace("bank@", "oracle@"), mask_key=KEY))
            return opened[-1]

        yield open_
        for engine in opened:
            engine.close()


def check(world: World, random: Random, opened: Callable[[World], Any]) -> int:
    """Compare three answers to each query: governed, over what may be seen, governed where the hidden differs."""
    statements = [query(world, random) for _ in range(QUERIES)]
    answers = []
    for one in (world, plain(world), hidden_changed(world, random)):
        engine = opened(one)
        ask = governed(engine, one)
        answers.append([ask(sql) for sql in statements])
        engine.close()
    for sql, ours, views, others in zip(statements, *answers, strict=True):
        assert ours == views, f"governed differs from what may be seen: {sql}"
        assert ours == others, f"the answer changes with what is hidden: {sql}"
    return sum(not answer or answer[0].startswith("(") for answer in answers[0])


@pytest.mark.parametrize("seed", range(FIRST, FIRST + WORLDS))
def test_duckdb_answers_what_may_be_seen(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    number = iter(range(9))
    answered = check(made(random), random, lambda world: on_duckdb(world, tmp_path / f"w{next(number)}.duckdb"))
    assert answered >= QUERIES * 0.8, "nearly all are answered: a refusal proves little"


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(FIRST, FIRST + max(1, WORLDS // 2)))
def test_postgres_answers_what_may_be_seen(seed: int, on_postgres: Callable[[World], PostgresEngine]) -> None:
    random = Random(seed)
    assert check(made(random), random, on_postgres) >= QUERIES * 0.8
