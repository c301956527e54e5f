"""`aureus demo`: the demo notebook, headless, and its evidence verified."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from aureus_jupyter.app.build import trust_path
from aureus_jupyter.app.verify import verify_paths
from aureus_jupyter.errors import EvidenceError, Unavailable

__all__ = ["run_demo"]

_WANTED = ("allowed", "masked", "refused", "waiting")
_WORDS = {
    "allowed": "allowed",
    "masked": "masked and filtered",
    "refused": "refused",
    "waiting": "held: waits for an approval",
    "failed": "failed",
}


def run_demo(out: Path, rows: int = 0) -> int:
    """Run notebooks/demo.ipynb with papermill's engine `aureus` and print what each cell came to.

    Returns 0 when all four verdicts are there and every pack verifies. Raises Unavailable outside a checkout, EvidenceError
    when something does not verify.
    """
    source = Path(__file__).resolve().parents[2] / "notebooks" / "demo.ipynb"
    if not source.is_file():
        raise Unavailable(
            "no_demo",
            "the demo notebook comes with the source, not with the installed package",
            hint="Clone it: make demo",
        )
    out = out.resolve()
    target = out / "demo.ipynb"
    _clear(out)
    if rows:
        os.environ["AUREUS_SEED_ROWS"] = str(rows)
    began = time.monotonic()
    stopped = _execute(source, target)
    found = verify_paths([out / "demo.aureus"], _trust(source.parent))
    print(f"\nThe notebook ran headless in {time.monotonic() - began:.0f} s: {target}")
    print(
        f"papermill {'stops with ' + stopped if stopped else 'ended without an error'}, as a pipeline with a refused cell must.\n"
    )
    for one in sorted(found, key=lambda one: Path(one.path).stat().st_mtime_ns):
        print(
            f"  {'verified' if one.ok else 'BROKEN':9} {_WORDS.get(one.verdict, one.verdict):28} {_asked(Path(one.path))}"
        )
        for finding in one.findings:
            print(f"            {finding.file}: {finding.why}")
    print(f"\nEvidence: {out / 'demo.aureus'}")
    missing = [_WORDS[word] for word in _WANTED if word not in {one.verdict for one in found}]
    if missing or not all(one.ok for one in found):
        raise EvidenceError(
            "demo_failed",
            f"the demo did not show everything; missing: {', '.join(missing) or 'a sound signature'}",
            hint=f"Look into {target} for what each cell said.",
        )
    print(f"Check it yourself: .venv/bin/aureus verify {os.path.relpath(out / 'demo.aureus')}")
    print(f"{len(found)} runs, {len(found)} signed packs: verified")
    return 0


def _execute(source: Path, target: Path) -> str:
    """Run the notebook; return the name of the error papermill ends with, or nothing."""
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

    run: Any = execute_notebook
    try:
        run(
            str(source),
            str(target),
            engine_name="aureus",
            progress_bar=False,
            cwd=str(source.parent),
            kernel_name="python3",
        )
    except PapermillExecutionError as stopped:
        return type(stopped).__name__
    return ""


def _clear(out: Path) -> None:
    """Make the folder, without what an earlier demonstration left there. Raises Unavailable rather than remove anything else."""
    mark = out / ".aureus-demo"
    if not mark.exists() and any((out / name).exists() for name in ("demo.ipynb", "demo.aureus")):
        raise Unavailable(
            "demo_exists",
            f"{out} holds a notebook or evidence that no demonstration made, and it would be lost",
            hint="Name a folder of its own: aureus demo --out FOLDER",
        )
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out / "demo.aureus", ignore_errors=True)
    mark.touch()


def _trust(folder: Path) -> Path:
    from aureus_jupyter.adapters.config.load import load_settings

    return trust_path(load_settings(folder))


def _asked(pack: Path) -> str:
    """Return the beginning of what the cell asked."""
    try:
        text = str(json.loads((pack / "record.json").read_bytes())["cell"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"
