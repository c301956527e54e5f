"""The plugin that holds core, values and errors to full coverage: it fails when they are not, and pytest still speaks last."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = "def sign(number):\n    if number < 0:\n        return -1\n    return 1\n"
TEST = "from aureus_jupyter.{where} import sign\ndef test_it():\n    assert [sign(n) for n in {numbers}] == {signs}\n"


def run(folder: Path, root: Path, where: str, numbers: str, signs: str) -> subprocess.CompletedProcess[str]:
    package = folder / "aureus_jupyter"
    for name in ("", "core", "adapters"):
        (package / name).mkdir(exist_ok=True)
        (package / name / "__init__.py").touch()
    (package / Path(*where.split("."))).with_suffix(".py").write_text(CODE, "utf-8")
    (folder / "test_it.py").write_text(TEST.format(where=where, numbers=numbers, signs=signs), "utf-8")
    (folder / "pyproject.toml").write_text("[tool.coverage.run]\nbranch = true\nsource = ['aureus_jupyter']\n", "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "coverage_floor",
        "--coverage-floor",
        "--cov",
        "--cov-report=",
    ]
    env = {k: v for k, v in os.environ.items() if not k.startswith("COV_")} | {
        "PYTHONPATH": str(root / ".ci" / "tools")
    }
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("where", "numbers", "signs", "code"),
    [
        ("core.sign", "[-1, 1]", "[-1, 1]", 0),
        ("core.sign", "[1]", "[1]", 1),
        ("errors", "[1]", "[1]", 1),
        ("adapters.sign", "[1]", "[1]", 0),
    ],
)
def test_the_floor(tmp_path: Path, root: Path, where: str, numbers: str, signs: str, code: int) -> None:
    done = run(tmp_path, root, where, numbers, signs)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout.strip().splitlines()[-1].startswith("1 passed in ")
    assert ("must be wholly covered" in done.stdout) == bool(code)
