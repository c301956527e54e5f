"""A run in words: the one source for every form of output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aureus_jupyter.core.budgets import budget_words
from aureus_jupyter.core.evidence import outcome_word
from aureus_jupyter.core.report import changes, visible
from aureus_jupyter.core.reviews import review_words
from aureus_jupyter.values.canonical import short_digest
from aureus_jupyter.values.ids import short_id
from aureus_jupyter.values.run import Run
from aureus_jupyter.values.verdict import VerdictKind

__all__ = ["BADGES", "Card", "card_of"]

BADGES = {
    "allowed": ("✓", "Allowed", "#1b5e20"),
    "masked": ("◐", "Masked", "#0d47a1"),
    "refused": ("✕", "Refused", "#8e1b1b"),
    "waiting": ("⏸", "Waiting for approval", "#7a4100"),
    "failed": ("!", "Failed", "#8e1b1b"),
    "plan": ("?", "Dry run", "#0d47a1"),
}
"""Icon, word and background (white text on each is at least 7:1, WCAG 2.2 AAA)."""


LONGEST_VALUE = 500
"""Characters of one value that a preview shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a person reads about a run, before it takes a form. `rows` are preview cells as text, None for NULL."""

    run_id: str
    outcome: str
    title: str
    what: str
    why: tuple[str, ...]
    next: str
    changes: tuple[str, ...]
    columns: tuple[tuple[str, str, bool], ...]
    rows: tuple[tuple[str | None, ...], ...]
    row_count: int | None
    truncated: bool
    lineage: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    evidence: str
    digest: str
    question: str
    sql: str
    notices: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of `application/vnd.aureus.run.v1+json` (display/run.v1.schema.json)."""
        icon, word, _ = BADGES[self.outcome]
        return {
            "version": 1,
            "run": self.run_id,
            "outcome": self.outcome,
            "badge": {"icon": icon, "word": word},
            "title": self.title,
            "what": self.what,
            "why": list(self.why),
            "next": self.next,
            "changes": list(self.changes),
            "columns": [{"name": n, "type": t, "masked": m, "numeric": is_number(t)} for n, t, m in self.columns],
            "rows": [list(row) for row in self.rows],
            "rowCount": self.row_count,
            "truncated": self.truncated,
            "lineage": {"words": list(self.lineage), "edges": [list(edge) for edge in self.edges]},
            "evidence": {"path": self.evidence, "digest": self.digest},
            "question": self.question,
            "sql": self.sql,
            "notices": list(self.notices),
        }


def is_number(kind: str) -> bool:
    """Whether an engine type is shown right-aligned."""
    starts = (
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "U",
        "DECIMAL",
        "DOUBLE",
        "FLOAT",
        "NUMERIC",
        "REAL",
    )
    return kind.upper().startswith(starts) and not kind.upper().startswith(("UUID", "UNION"))


def card_of(
    run: Run, rows: list[list[str | None]] | None = None, notices: tuple[str, ...] = (), estimate: str = ""
) -> Card:
    """Return the card of a run. The same run gives the same card."""
    outcome = "plan" if estimate else outcome_word(run)
    result, draft = run.result, run.draft
    asked = draft is not None and draft.origin == "question"
    return Card(
        run_id=run.id,
        outcome=outcome,
        title=_title(run, outcome),
        what=estimate or _what(run, outcome),
        why=_why(run),
        next=_next(run, outcome),
        changes=changes(run),
        columns=tuple((c.name, c.type, c.masked) for c in result.columns) if result is not None else (),
        rows=tuple(tuple(_short(value) for value in row) for row in rows or ()),
        row_count=result.rows if result is not None else None,
        truncated=result.truncated if result is not None else False,
        lineage=_lineage(run),
        edges=_edges(run),
        evidence=_place(run),
        digest=short_digest(run.evidence_digest),
        question=draft.question if asked and draft is not None else "",
        sql=draft.sql if draft is not None and asked else (run.plan.rewritten() if estimate and run.plan else ""),
        # How a question became SQL is told with it: a person must know whether a model or the pack's owners wrote it.
        notices=(*notices, *((draft.note,) if asked and draft is not None and draft.note else ()), *_obliged(run)),
    )


def _obliged(run: Run) -> tuple[str, ...]:
    """Say who will look at the run, and what it takes, or took, out of budgets."""
    return (*review_words(run), *(budget_words(use, done=bool(run.events)) for use in run.budgets))


def _short(value: str | None) -> str | None:
    """Cut a long value: a notebook stores a preview three times, and a document in a cell would be most of its file."""
    if value is None or (value.isprintable() and len(value) <= LONGEST_VALUE):
        return value
    return visible(value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…")


def _place(run: Run) -> str:
    """Return the evidence folder as seen from the notebook's own folder, so that outputs hold no machine's paths."""
    folder = run.cell.notebook.replace("\\", "/").rpartition("/")[0]
    path = run.evidence.replace("\\", "/")
    return path.removeprefix(folder + "/") if folder else path


_PLANS = {
    VerdictKind.ALLOW: "Nothing was read: this is what would run",
    VerdictKind.APPROVAL: "Nothing was read: this would wait for a yes",
    VerdictKind.DENY: "Nothing was read: this would be refused",
}


def _title(run: Run, outcome: str) -> str:
    if run.result is not None:
        rows = run.result.rows
        return f"{rows:,} row{'' if rows == 1 else 's'} from {_datasets(run) or 'no dataset'}"
    titles = {
        "refused": "Nothing was read",
        "waiting": f"Request {short_id(run.request or run.id)} waits for a yes",
        "failed": "Nothing was returned",
        "plan": _PLANS[run.verdict.kind if run.verdict is not None else VerdictKind.DENY],
    }
    return titles.get(outcome, "")


def _datasets(run: Run) -> str:
    return ", ".join(use.dataset for use in run.facts.tables) if run.facts is not None else ""


def _what(run: Run, outcome: str) -> str:
    purpose = f" for the purpose {run.cell.purpose}" if run.cell.purpose else ""
    if outcome in {"allowed", "masked"}:
        how = "Policy changed what you see." if outcome == "masked" else "Policy changed nothing."
        return f"{run.principal.name} read {_datasets(run) or 'no dataset'}{purpose}. {how}"
    if outcome == "waiting" or _denied(run):
        return f"{run.principal.name} asked to read {_datasets(run) or 'no dataset'}{purpose}."
    if run.failure is not None:
        return run.failure.message[:1].upper() + run.failure.message[1:] + "."
    return ""


def _denied(run: Run) -> bool:
    """Whether a policy's own reason is the failure: it is told under Why, with the policy's name, and not twice."""
    reasons = run.verdict.reasons if run.verdict is not None else ()
    return run.failure is not None and any(r.message == run.failure.message for r in reasons)


def _why(run: Run) -> tuple[str, ...]:
    if run.verdict is None or run.verdict.kind == "allow":
        return ()
    return tuple(f"{r.message} (policy {r.policy})" for r in run.verdict.reasons)


def _next(run: Run, outcome: str) -> str:
    if outcome == "waiting" and run.verdict is not None:
        approvers = " or ".join(run.verdict.approvers)
        asked = run.request or run.id
        return (
            f"Ask {approvers} to approve request {asked}: aureus approve {_place(run).replace(run.id, asked) or asked}. "
            f"Then run this cell again, or %aureus resume {asked}."
        )
    if run.failure is not None:
        return run.failure.hint
    if outcome == "plan" and run.verdict is not None and run.verdict.kind is VerdictKind.DENY:
        return run.verdict.reasons[0].hint
    return ""


def _lineage(run: Run) -> tuple[str, ...]:
    """One sentence per result column, or per dataset where columns are not known."""
    if run.facts is None or run.plan is None:
        return ()
    if run.facts.outputs:
        names = [c.name for c in run.result.columns] if run.result is not None else []
        shown = []
        for place, output in enumerate(run.facts.outputs):
            name = names[place] if place < len(names) else output.name
            shown.append(
                f"{name or 'column ' + str(place + 1)}: {output.how} from {', '.join(output.sources) or _NO_SOURCE[output.how]}"
            )
        return tuple(shown)
    return tuple(f"from {u.dataset}: {', '.join(u.columns) or 'rows only'}" for u in run.facts.tables)


_NO_SOURCE = {"aggregated": "rows", "copied": "constants", "derived": "constants"}


def _edges(run: Run) -> tuple[tuple[str, str], ...]:
    """Pairs (dataset, result column), for the drawing."""
    if run.facts is None or run.result is None:
        return ()
    names = [c.name for c in run.result.columns]
    found = {
        (source.partition(".")[0], names[place]): None
        for place, output in enumerate(run.facts.outputs)
        if place < len(names)
        for source in output.sources
    }
    return tuple(found)
