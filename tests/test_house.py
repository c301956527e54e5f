"""The house's own rules: what import loads, how long files are, what may not be in the tree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = "duckdb pandas sqlglot openai pydantic sqlalchemy pyarrow cryptography jsonschema yaml numpy papermill".split()
CODE = ("aureus_jupyter", "magics", "tests", ".ci/tools")


def sources(root: Path) -> list[Path]:
    """Every Python and TypeScript source of the project."""
    found = [p for folder in CODE for p in (root / folder).rglob("*.py")]
    found += list((root / "labextension" / "src").rglob("*.ts*")) + list(
        (root / "labextension" / "style").rglob("*.css")
    )
    return [p for p in found if "node_modules" not in p.parts]


def test_files_stay_short(root: Path) -> None:
    long = {str(p.relative_to(root)): n for p in sources(root) if (n := len(p.read_text("utf-8").splitlines())) > 400}
    assert long == {}


def test_packs_and_policies_are_data(root: Path) -> None:
    allowed = {".yaml", ".yml", ".md", ".sql", ".csv", ".parquet", ".json", ".txt", ".rego"}
    found = [p for folder in ("packs", "policies") for p in (root / folder).rglob("*") if p.is_file()]
    assert found
    assert [str(p.relative_to(root)) for p in found if p.suffix not in allowed and ".duckdb" not in p.name] == []


def test_no_machine_path_in_the_tree(root: Path) -> None:
    mark = re.compile(r"/(?:work|farm|root)/|/tmp/bash_")
    texts = [*sources(root), *root.glob("*.md"), root / "pyproject.toml", root / "Makefile"]
    assert [str(p.relative_to(root)) for p in texts if p != Path(__file__) and mark.search(p.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "code",
    [
        "import aureus_jupyter",
        "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); "
        "s.run_line_magic('load_ext', 'aureus_jupyter')",
    ],
)
def test_loading_loads_nothing_heavy(code: str, root: Path) -> None:
    probe = f"import sys; {code}; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    path = f"{root}:{root / 'magics'}"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        env={
            "PYTHONPATH": path,
            "HOME": "/nonexistent",
            "IPYTHONDIR": str(root / ".pytest_cache"),
            "PATH": "/usr/bin:/bin",
        },
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
