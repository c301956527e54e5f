"""`make bench`: ours beside raw DuckDB and JupySQL, in one run, as ratios.

Cells: `run_cell_magic` in one shell; raw DuckDB, JupySQL's `%%sql` with a pandas result, and ours take turns, and medians are
compared. "First" statements are new to every cache; "repeated" ones are not. Loading and ten million rows: a process each.
"""

from __future__ import annotations

import atexit
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from reviewed import opened  # noqa: E402 - beside the tests, as it is theirs

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
SMALL_ROUNDS = 5 * ROUNDS
LINES = int(os.environ.get("BENCH_LINES", "1200000"))
ROWS = int(os.environ.get("BENCH_ROWS", "10000000"))

TABLES = f"""
CREATE TABLE region AS SELECT i::INTEGER AS r_key, 'REGION ' || i AS r_name FROM range(5) t(i);
CREATE TABLE nation AS SELECT i::INTEGER AS n_key, 'NATION ' || i AS n_name, (i % 5)::INTEGER AS r_key FROM range(25) t(i);
CREATE TABLE supplier AS SELECT i AS s_key, (hash(i) % 25)::INTEGER AS n_key FROM range({max(10, LINES // 600)}) t(i);
CREATE TABLE customer AS SELECT i AS c_key, (hash(i + 7) % 25)::INTEGER AS n_key FROM range({max(10, LINES // 40)}) t(i);
CREATE TABLE orders AS SELECT i AS o_key, (hash(i) % {max(10, LINES // 40)})::BIGINT AS c_key,
  (DATE '1992-01-01' + (hash(i + 3) % 2400)::INTEGER)::DATE AS o_date FROM range({LINES // 4}) t(i);
CREATE TABLE lineitem AS SELECT i AS l_key, (i // 4)::BIGINT AS o_key, (hash(i) % {max(10, LINES // 600)})::BIGINT AS s_key,
  (1 + hash(i + 1) % 50)::DOUBLE AS quantity, (900 + hash(i + 2) % 10000)::DOUBLE AS price, (hash(i + 4) % 11)::DOUBLE / 100 AS discount,
  (hash(i + 5) % 9)::DOUBLE / 100 AS tax, ['A', 'N', 'R'][1 + (hash(i + 6) % 3)::INTEGER] AS returnflag,
  ['O', 'F'][1 + (hash(i + 8) % 2)::INTEGER] AS linestatus,
  (DATE '1992-01-01' + (hash(i + 9) % 2500)::INTEGER)::DATE AS shipped FROM range({LINES}) t(i);
"""

QUERIES = {
    "small": "SELECT n_name, r_key FROM nation WHERE r_key = 2 ORDER BY n_name",
    "Q1-like": "SELECT returnflag, linestatus, sum(quantity) AS qty, sum(price) AS base, sum(price * (1 - discount)) AS disc,\n"
    "  sum(price * (1 - discount) * (1 + tax)) AS charge, avg(quantity) AS aq, avg(price) AS ap, count(*) AS n\n"
    "FROM lineitem WHERE shipped <= DATE '1998-09-02' GROUP BY returnflag, linestatus ORDER BY returnflag, linestatus",
    "Q5-like": "SELECT n_name, sum(price * (1 - discount)) AS revenue\n"
    "FROM customer JOIN orders USING (c_key) JOIN lineitem USING (o_key) JOIN supplier ON lineitem.s_key = supplier.s_key\n"
    "  AND customer.n_key = supplier.n_key JOIN nation ON supplier.n_key = nation.n_key JOIN region USING (r_key)\n"
    "WHERE r_name = 'REGION 2' AND o_date >= DATE '1994-01-01' AND o_date < DATE '1995-01-01' GROUP BY n_name ORDER BY revenue DESC",
}


def median_ms(times: list[float]) -> float:
    """Median in milliseconds."""
    return statistics.median(times) * 1000


def timed(act: Callable[[], Any]) -> float:
    """Seconds one call takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def cells(folder: Path) -> dict[str, dict[str, float]]:
    """Milliseconds per query and contender."""
    import duckdb
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from traitlets.config import Config

    for name in ("raw", "peer", "ours"):
        with duckdb.connect(str(folder / f"{name}.duckdb")) as made:
            made.execute(TABLES)
    from aureus_jupyter.app.onboarding import onboard_location

    onboard_location(str(folder / "ours.duckdb"), folder / "pack", "bench")
    opened(folder / "pack")
    # Nothing else than the cells is measured, and nothing is written when Python ends.
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    atexit.unregister(shell.atexit_operations)
    raw = duckdb.connect(str(folder / "raw.duckdb"), read_only=True)
    shell.run_line_magic("load_ext", "sql")
    shell.run_line_magic("config", "SqlMagic.autopandas = True")
    shell.run_line_magic("config", "SqlMagic.feedback = 0")
    shell.user_ns["peer"] = duckdb.connect(str(folder / "peer.duckdb"), read_only=True)
    shell.run_line_magic("sql", "peer --alias peer")
    shell.run_line_magic("load_ext", "aureus_jupyter")
    fresh = [0]

    def first(sql: str) -> Callable[[], Any]:
        fresh[0] += 1
        return lambda: shell.run_cell_magic("aureus", f"--pack {folder / 'pack'} r <<", f"{sql}\n-- {fresh[0]}")

    found: dict[str, dict[str, float]] = {}
    with capture_output():
        for name, sql in QUERIES.items():
            acts: dict[str, Callable[[], Any]] = {
                "raw": lambda sql=sql: raw.execute(sql).df(),
                "peer": lambda sql=sql: shell.run_cell_magic("sql", "r <<", sql),
                "repeated": lambda sql=sql: shell.run_cell_magic("aureus", f"--pack {folder / 'pack'} r <<", sql),
            }
            for act in [*acts.values(), first(sql)]:
                act()
            times: dict[str, list[float]] = {key: [] for key in (*acts, "first")}
            # The shortest cells are the ones whose times scatter most.
            for _ in range(SMALL_ROUNDS if name == "small" else ROUNDS):
                for key, act in acts.items():
                    times[key].append(timed(act))
                times["first"].append(timed(first(sql)))
            found[name] = {key: median_ms(values) for key, values in times.items()}
    return found


LOAD = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
s = InteractiveShell.instance()
t = time.perf_counter()
s.run_line_magic('load_ext', sys.argv[1])
print(time.perf_counter() - t)
"""

WAYS = {"raw": "raw .df()", "arrow": "raw through Arrow", "ours": "ours"}

MANY = """
import sys, time
from pathlib import Path
which, path, pack = sys.argv[1:4]
sql = 'SELECT * FROM big'
if which == 'ours':
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    s = InteractiveShell.instance()
    s.run_line_magic('load_ext', 'aureus_jupyter')
    with capture_output():
        s.run_cell_magic('aureus', f'--pack {pack} r <<', 'SELECT count(*) AS n FROM big')
        t = time.perf_counter(); s.run_cell_magic('aureus', f'--pack {pack} r <<', sql); took = time.perf_counter() - t
    frame = s.user_ns['r']
else:
    import duckdb, pandas, pyarrow
    con = duckdb.connect(path, read_only=True)
    ask = lambda text: con.execute(text).df() if which == 'raw' else con.execute(text).to_arrow_table().to_pandas()
    ask('SELECT 1')
    t = time.perf_counter(); frame = ask(sql); took = time.perf_counter() - t
# The peak of this program alone: what the kernel reports for a child at its end counts the parent's memory as well.
peak = next(int(line.split()[1]) for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM'))
n = int(sys.argv[4])
assert len(frame) == n and int(frame['id'].sum()) == n * (n - 1) // 2 and frame['c'].iloc[-1] == f'code {(n - 1) % 977}'
print(took, peak)
"""

BIG = """
import sys, duckdb
duckdb.connect(sys.argv[1]).execute(sys.argv[2])
print(0)
"""


def child(code: str, *arguments: str) -> list[float]:
    """Run code in a process of its own and return the numbers it prints last."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return [float(part) for part in done.stdout.strip().splitlines()[-1].split()]


def loading() -> tuple[float, float]:
    """Seconds to load our extension and JupySQL's, medians of fresh processes in turn."""
    ours, peer = [], []
    for _ in range(5):
        ours += child(LOAD, "aureus_jupyter")
        peer += child(LOAD, "sql")
    return statistics.median(ours), statistics.median(peer)


def many(folder: Path) -> dict[str, list[float]]:
    """Seconds and peak kilobytes for ten million rows to a data frame, best of three each, in turn."""
    path, pack = folder / "big.duckdb", folder / "bigpack"
    child(
        BIG,
        str(path),
        f"CREATE TABLE big AS SELECT i AS id, (hash(i) % 1000)::INTEGER AS a, (hash(i + 1) % 100000)::DOUBLE / 7 AS b, "
        f"(DATE '2000-01-01' + (i % 9000)::INTEGER)::DATE AS d, 'code ' || (i % 977) AS c, i % 3 = 0 AS f FROM range({ROWS}) t(i)",
    )
    from aureus_jupyter.app.onboarding import onboard_location

    onboard_location(str(path), pack, "big")
    opened(pack)
    found: dict[str, list[float]] = {}
    for _ in range(3):
        for which in ("raw", "arrow", "ours"):
            took, memory = child(MANY, which, str(path), str(pack), str(ROWS))
            best = found.get(which, [took, memory])
            found[which] = [min(best[0], took), min(best[1], memory)]
    return found


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    sys.path[:0] = [str(ROOT), str(ROOT / "magics")]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "magics")])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ.update(
            JUPYTER_DATA_DIR=str(folder / "data"),
            IPYTHONDIR=str(folder / "ipython"),
            AUREUS_PRINCIPAL="bench",
            AUREUS_ROLES="analyst",
            AUREUS_PURPOSE="analysis",
        )
        os.chdir(folder)
        ours, peer = loading()
        big = many(folder)
        table = cells(folder)
        os.chdir(ROOT)
    title = f"cell (ms, medians of {SMALL_ROUNDS} or {ROUNDS})"
    print(f"\n{title:32} {'raw':>9} {'JupySQL':>9} {'first':>9} {'repeated':>9}   ratios to JupySQL")
    checks = []
    for name, row in table.items():
        once, again = row["first"] / row["peer"], row["repeated"] / row["peer"]
        numbers = " ".join(f"{row[key]:9.2f}" for key in ("raw", "peer", "first", "repeated"))
        print(f"{name:32} {numbers}   first {once:.2f}, repeated {again:.2f}")
        checks += [
            (f"{name}: repeated <= 1.0 x JupySQL", again, again <= 1.0),
            (f"{name}: first <= 2.0 x JupySQL", once, once <= 2.0),
        ]
    print(f"\n%load_ext: ours {ours * 1000:.0f} ms, JupySQL {peer * 1000:.0f} ms")
    checks.append(("%load_ext <= 0.25 x JupySQL", ours / peer, ours / peer <= 0.25))
    speed, memory = big["raw"][0] / big["ours"][0], big["ours"][1] / big["raw"][1]
    shown = [f"{WAYS[way]} {took:.2f} s and {peak / 1024:.0f} MB" for way, (took, peak) in big.items()]
    print(f"{ROWS:,} rows to a data frame: {', '.join(shown)}")
    checks += [
        ("10 M rows: speed >= 0.95 x raw", speed, speed >= 0.95),
        ("10 M rows: memory <= 1.1 x raw", memory, memory <= 1.1),
    ]
    print()
    for what, ratio, met in checks:
        print(f"{'met ' if met else 'MISS'} {what:42} {ratio:.2f}")


if __name__ == "__main__":
    main()
