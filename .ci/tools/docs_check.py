"""Generate the parts of the documents that come from code, and check that they are current.

`python .ci/tools/docs_check.py` exits 1 when a part is stale or a link is dead; `--write` brings the parts up to date.
"""

from __future__ import annotations

import ast
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "magics")]

import guard_tables  # noqa: E402 - beside this file

PART = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(#[^)\s]*)?\)")


def run_states() -> str:
    """The run's state machine as a Mermaid diagram."""
    from aureus_jupyter.core.run_state import diagram

    return f"```mermaid\n{diagram()}\n```\n"


CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*\Z")
FAMILIES = {"UserError", "Refused", "Held", "Unavailable", "EvidenceError", "Bug"}
FINDING = "finding of `aureus verify`"
INDIRECT = {
    "duckdb_errors.py": "UserError",
    "postgres_errors.py": "UserError",
    "approval.py": "Refused",
    "decide.py": "Refused",
    "reading.py": "Refused",
    "check.py": FINDING,
    "verify.py": FINDING,
    "sealing.py": "in evidence",
}
"""What a code is that a table or a helper holds, by the file it stands in."""


def codes() -> dict[str, set[str]]:
    """Every stable code with what it is: given to an error, or standing before its message in a call or a table."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "aureus_jupyter").rglob("*.py")) + sorted((ROOT / "magics").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for code, kind in _codes_of(node, path.name):
                found.setdefault(code, set()).add(kind)
    return found


def _codes_of(node: ast.AST, file: str) -> Iterator[tuple[str, str]]:
    parts = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
    name = ""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        told = [k.value for k in node.keywords if k.arg == "code"] + (parts[:1] if name in FAMILIES else [])
        told += parts[1:2] if name == "_nothing" else []
        yield from (
            (code, name if name in FAMILIES else INDIRECT.get(file, "error"))
            for part in told
            if CODE.match(code := _text(part))
        )
    for first, second in itertools.pairwise(parts if name not in FAMILIES else []):
        code, message = _text(first), _text(second)
        if "_" in code and CODE.match(code) and (isinstance(second, ast.JoinedStr) or " " in message):
            yield code, INDIRECT.get(file, "error")


def _text(node: ast.expr) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return ""
    return node.value if CODE.match(node.value) or " " in node.value else ""


def error_codes() -> str:
    """Every stable error code with what carries it."""
    rows = [
        f"| `{code}` | {', '.join(sorted(kinds - {'error'} or kinds))} |" for code, kinds in sorted(codes().items())
    ]
    return "\n".join(["| code | family |", "|---|---|", *rows]) + "\n"


def settings() -> str:
    """Every setting a person may set, with its variable, its default and what it is for."""
    from aureus_jupyter.adapters.config.checked import NAMES
    from aureus_jupyter.values.settings import ABOUT, Settings

    plain = Settings()
    defaults = {name: str(value) if (value := getattr(plain, name)) not in ("", (), None) else "" for name in NAMES}
    rows = [f"| `{name}` | `AUREUS_{name.upper()}` | {defaults[name]} | {ABOUT[name]} |" for name in NAMES]
    return "\n".join(["| setting | variable | default | what it is for |", "|---|---|---|---|", *rows]) + "\n"


def policy_language() -> str:
    """Every effect and condition of a policy, from its JSON Schema."""
    from aureus_jupyter.adapters.policies.language import tables

    return tables()


PARTS: dict[str, Callable[[], str]] = {
    "run-states": run_states,
    "error-codes": error_codes,
    "settings": settings,
    "policy-language": policy_language,
    "guard-functions": guard_tables.functions,
    "guard-refused": guard_tables.refused,
    "guard-nodes": guard_tables.nodes,
}


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
