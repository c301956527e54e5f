"""The corpus's verdict: a table by family, and each failure in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aureus_jupyter.testing.corpus import Attack, Legitimate

__all__ = ["Line", "Report", "table"]

_ENDS = ("refused", "governed", "harmless", "same rows", "failed", "known", "pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How one case ended on one dialect. `end` is what it came to, `problems` what was wrong with that."""

    case: Attack | Legitimate
    end: str
    problems: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the case counts against the guard, or against the corpus."""
        return self.end == "failed"


@dataclass(slots=True)
class Report:
    """All lines of one run."""

    lines: list[Line] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)

    def add(self, case: Attack | Legitimate, problems: Sequence[str]) -> None:
        """Add a case that was run. One that is known to fail must fail: else its mark is to be taken away."""
        if case.known:
            stale = "is marked as known and does not fail any more: take the mark away"
            self.lines.append(
                Line(case=case, end="known" if problems else "failed", problems=tuple(problems) or (stale,))
            )
        elif problems:
            self.lines.append(Line(case=case, end="failed", problems=tuple(problems)))
        else:
            end = case.expect if isinstance(case, Attack) else "same rows"
            self.lines.append(Line(case=case, end=end))

    def wait(self, case: Attack | Legitimate) -> None:
        """Add a case that needs what is not built yet."""
        self.lines.append(Line(case=case, end="pending", problems=(f"needs {case.needs}",)))

    @property
    def failures(self) -> list[Line]:
        """Return what failed."""
        return [line for line in self.lines if line.failed]

    @property
    def holds(self) -> bool:
        """Whether nothing failed, and no database was changed by what was run on it."""
        return not self.failures and not self.moved

    def text(self) -> str:
        """Return the table, what is known to get through, what waits, and what failed."""
        parts = [table(self.lines)]
        parts += [_said("KNOWN", line) for line in self.lines if line.end == "known"]
        parts += [f"PENDING {feature}: {count}" for feature, count in _waiting(self.lines)]
        if self.reordered:
            parts.append(
                f"NOTE {len(self.reordered)} statements without ORDER BY gave the same rows in another order in A and B: the "
                "engine's planner sees how many rows a raw table holds."
            )
        parts += [f"FAILED {world}: the database is not as it was before the attacks" for world in self.moved]
        parts += [_said("FAILED", line) for line in self.failures]
        return "\n".join(parts)


def _waiting(lines: Iterable[Line]) -> list[tuple[str, int]]:
    needs = [line.case.needs for line in lines if line.end == "pending"]
    return [(feature, needs.count(feature)) for feature in sorted(set(needs))]


def _said(word: str, line: Line) -> str:
    case = line.case
    why = f" [{case.known}]" if word == "KNOWN" else ""
    return f"{word} {case.dialect} {case.family}: {case.id}{why}: {'; '.join(line.problems)}"


def table(lines: Sequence[Line]) -> str:
    """Return the lines' ends, counted by family."""
    keys = sorted({(isinstance(line.case, Legitimate), line.case.dialect, line.case.family) for line in lines})
    head = ["", "family", "cases", *_ENDS]
    rows = [head]
    for legitimate, dialect, family in keys:
        ends = [
            line.end
            for line in lines
            if (isinstance(line.case, Legitimate), line.case.dialect, line.case.family) == (legitimate, dialect, family)
        ]
        rows.append([dialect, family, str(len(ends)), *(str(ends.count(end) or "") for end in _ENDS)])
    every = [line.end for line in lines]
    rows.append(["", "all", str(len(every)), *(str(every.count(end) or "") for end in _ENDS)])
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
