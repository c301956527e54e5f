"""Generate the parts of the documents that come from code, and check that they are current.

`python .ci/tools/docs_check.py` exits 1 when a part is stale or a link is dead; `--write` brings the parts up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "magics")]

PART = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(#[^)\s]*)?\)")


def run_states() -> str:
    """The run's state machine as a Mermaid diagram."""
    from aureus_jupyter.core.run_state import diagram

    return f"```mermaid\n{diagram()}\n```\n"


def error_codes() -> str:
    """Every stable error code with the places that raise it."""
    found: dict[str, set[str]] = {}
    calls = re.compile(
        r"\b(UserError|Refused|Held|Unavailable|EvidenceError|Bug)\(\s*\"(?P<code>[a-z0-9_]+)\"", re.DOTALL
    )
    for path in sorted((ROOT / "aureus_jupyter").rglob("*.py")) + sorted((ROOT / "magics").rglob("*.py")):
        for match in calls.finditer(path.read_text("utf-8")):
            found.setdefault(match["code"], set()).add(match[1])
    rows = [f"| `{code}` | {', '.join(sorted(kinds))} |" for code, kinds in sorted(found.items())]
    return "\n".join(["| code | family |", "|---|---|", *rows]) + "\n"


PARTS: dict[str, Callable[[], str]] = {"run-states": run_states, "error-codes": error_codes}


def documents() -> list[Path]:
    """Every Markdown file of the project that is not installed or generated."""
    skipped = {".venv", "node_modules", "golden", ".git", "labextension", ".ipynb_checkpoints"}
    found = [p for p in ROOT.rglob("*.md") if not skipped.intersection(p.relative_to(ROOT).parts)]
    return sorted(p for p in found if not any(part.endswith(".aureus") for part in p.parts))


def main(arguments: list[str]) -> int:
    """Check or write every generated part, and check every relative link."""
    problems: list[str] = []
    for path in documents():
        text = path.read_text("utf-8")
        fresh = PART.sub(lambda m: m[1] + PARTS[m["name"]]() + m[4], text)
        if fresh != text and "--write" in arguments:
            path.write_text(fresh, "utf-8")
        elif fresh != text:
            problems.append(f"{path.relative_to(ROOT)}: a generated part is stale; run .ci/tools/docs_check.py --write")
        for match in LINK.finditer(re.sub(r"```.*?```", "", fresh, flags=re.DOTALL)):
            target = match["target"]
            if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
                problems.append(f"{path.relative_to(ROOT)}: dead link {target}")
    print("\n".join(problems) or f"{len(documents())} documents are current")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
