"""Making a pack's data once: whole or not at all, by one kernel at a time, and without reaching outside."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from aureus_jupyter.adapters.catalogs.seeds import ensure_seeds
from aureus_jupyter.errors import Unavailable


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "small" / "seeds").mkdir(parents=True)
    return tmp_path / "small"


def seed(pack: Path, *scripts: str) -> None:
    for number, script in enumerate(scripts):
        (pack / "seeds" / f"{number}.sql").write_text(script)


def made(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


COUNT = "create macro twice(i) as 2 * i; create table t as select twice(i) as i from range(getvariable('rows')) as r(i)"


def test_made_once_for_each_size_and_text(pack: Path, tmp_path: Path) -> None:
    seed(pack, COUNT)
    shares: list[float] = []
    first = ensure_seeds(pack, 10, tmp_path / "out", shares.append)
    before = first.stat().st_mtime_ns
    assert ensure_seeds(pack, 10, tmp_path / "out", shares.append) == first
    assert first.stat().st_mtime_ns == before
    assert shares == [1.0]
    other = ensure_seeds(pack, 11, tmp_path / "out")
    seed(pack, COUNT + " ")
    assert len({first, other, ensure_seeds(pack, 10, tmp_path / "out")}) == 3
    with duckdb.connect(str(first), read_only=True) as data:
        assert data.execute("select count(*), max(i) from t").fetchone() == (10, 18)
        assert data.execute("select count(*) from duckdb_functions() where not internal").fetchone() == (0,)


def test_an_empty_file_is_made_again(pack: Path, tmp_path: Path) -> None:
    seed(pack, COUNT)
    first = ensure_seeds(pack, 10, tmp_path / "out")
    first.write_bytes(b"")
    assert ensure_seeds(pack, 10, tmp_path / "out").stat().st_size > 0


@pytest.mark.parametrize(
    "script",
    [
        "select * from read_csv('/etc/passwd')",
        "create table t as select * from '/etc/passwd'",
        "copy (select 1) to 'x.csv'",
        "attach 'x.duckdb'",
        "set enable_external_access = true",
        "install httpfs",
        "selec 1",
        "create table t as select error('no')",
        "\0",
    ],
)
def test_what_cannot_be_made_leaves_nothing(script: str, pack: Path, tmp_path: Path) -> None:
    seed(pack, COUNT, script)
    with pytest.raises(Unavailable) as caught:
        ensure_seeds(pack, 10, tmp_path / "out")
    assert caught.value.code == "seeds_failed"
    assert made(tmp_path / "out") == []
    seed(pack, COUNT, "select 1")
    assert ensure_seeds(pack, 10, tmp_path / "out").is_file()


def test_no_seeds_no_text_no_folder(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        ensure_seeds(pack, 10, tmp_path / "out")
    assert caught.value.code == "seeds_missing"
    (pack / "seeds" / "1.sql").write_bytes(b"\xff")
    with pytest.raises(Unavailable) as caught:
        ensure_seeds(pack, 10, tmp_path / "out")
    assert caught.value.code == "seeds_failed"
    seed(pack, COUNT)
    (pack / "seeds" / "1.sql").unlink()
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as caught:
        ensure_seeds(pack, 10, tmp_path / "file")
    assert caught.value.code == "seeds_failed"


def test_an_interrupt_leaves_nothing(pack: Path, tmp_path: Path) -> None:
    seed(pack, COUNT, "select 1")

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_seeds(pack, 10, tmp_path / "out", stop)
    assert made(tmp_path / "out") == []
    assert ensure_seeds(pack, 10, tmp_path / "out").is_file()


def test_what_a_killed_kernel_left_is_cleared(pack: Path, tmp_path: Path) -> None:
    seed(pack, COUNT, "create table u as select 1")
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from aureus_jupyter.adapters.catalogs.seeds import ensure_seeds;"
        "ensure_seeds(Path(sys.argv[1]), 10, Path(sys.argv[2]), lambda share: os.kill(os.getpid(), signal.SIGKILL))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(pack), str(tmp_path / "out")], cwd=root, check=False)
    assert done.returncode == -9
    left = made(tmp_path / "out")
    assert left
    assert all(".making-" in name for name in left)
    whole = ensure_seeds(pack, 10, tmp_path / "out")
    assert made(tmp_path / "out") == [whole.name]


def test_kernels_at_once_make_it_once(pack: Path, tmp_path: Path) -> None:
    seed(pack, COUNT)
    shares: list[float] = []
    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(lambda _: ensure_seeds(pack, 200_000, tmp_path / "out", shares.append), range(6)))
    assert len(found) == 1
    assert shares == [1.0]
    assert made(tmp_path / "out") == [found.pop().name]


def test_where_files_cannot_be_locked_the_rename_is_enough(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr("fcntl.flock", refuse)
    seed(pack, COUNT)
    with ThreadPoolExecutor(3) as pool:
        (whole,) = set(pool.map(lambda _: ensure_seeds(pack, 50_000, tmp_path / "out"), range(3)))
    assert made(tmp_path / "out") == [whole.name]


def test_a_script_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    pack = tmp_path / "small"
    (pack / "seeds").mkdir(parents=True)
    (pack / "seeds" / "1.sql").write_text("CREATE TABLE a AS SELECT 1 AS x;")
    (pack / "seeds" / "2.sql").write_text("SELEC 1;")
    with pytest.raises(Unavailable) as caught:
        ensure_seeds(pack, 10, tmp_path / "made")
    assert caught.value.code == "seeds_failed"
    assert "seeds/2.sql" in caught.value.message
