"""Every attack on a summary-only dataset is refused, and every legitimate summary answered with what the raw table holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from ward import Ward, ward_at

from aureus_jupyter.adapters.engines.duckdb import DuckDBEngine
from aureus_jupyter.core.text import bind_names
from aureus_jupyter.errors import AureusError

CORPUS: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "corpus" / "summaries_only.yaml").read_text("utf-8")
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ward_at(tmp_path_factory.mktemp("ward") / "ward.duckdb")


@pytest.fixture(scope="module")
def engine(path: Path) -> Iterator[DuckDBEngine]:
    made = DuckDBEngine.open(str(path), mask_key=b"k" * 32)
    yield made
    made.close()


@pytest.fixture(scope="module")
def raw(path: Path, engine: DuckDBEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    other = ward_at(tmp_path_factory.mktemp("raw") / "raw.duckdb")
    with duckdb.connect(str(other), read_only=True) as con:
        yield con


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(CORPUS["attacks"]) >= 60
    assert len(CORPUS["legitimate"]) >= 30
    assert len({attack["family"] for attack in CORPUS["attacks"]}) >= 20


@pytest.mark.parametrize("attack", CORPUS["attacks"], ids=lambda a: f"{a['family']}: {a['sql'][-1]}")
def test_attack(attack: dict[str, Any], engine: DuckDBEngine, tmp_path: Path) -> None:
    ward = Ward(engine, tmp_path / "ward")
    values = attack.get("values", {})
    for sql in attack["sql"][:-1]:
        ward.ask(sql, values)
    with pytest.raises(AureusError) as caught:
        ward.ask(attack["sql"][-1], values)
    assert caught.value.code == attack["code"]
    assert caught.value.hint


@pytest.mark.parametrize("asked", CORPUS["legitimate"], ids=lambda a: a["sql"][-1])
def test_legitimate(asked: dict[str, Any], engine: DuckDBEngine, raw: Any, tmp_path: Path) -> None:
    ward = Ward(engine, tmp_path / "ward")
    values = asked.get("values", {})
    for sql in asked["sql"]:
        assert ward.ask(sql, values) == raw.execute(bind_names(sql)[0], values or None).fetchall()
