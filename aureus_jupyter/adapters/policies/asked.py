"""What a policy is asked: one dataset of a statement, with what the statement uses of it, by whom and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from aureus_jupyter.values.catalog import Column, Dataset, fold
from aureus_jupyter.values.facts import TableUse
from aureus_jupyter.values.verdict import DecisionRequest

__all__ = ["Asked", "words"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One dataset of a request, with what the statement uses of it."""

    request: DecisionRequest
    dataset: Dataset
    use: TableUse

    def used(self) -> Iterator[Column]:
        """Return the columns the statement may use."""
        names = {fold(name) for name in self.use.columns}
        return (c for c in self.dataset.columns if fold(c.name) in names)

    def shown(self) -> Iterator[Column]:
        """Return the columns whose values may come into the result: all that are used where that is not known."""
        outputs = self.request.facts.outputs
        if not outputs:
            return self.used()
        sources = {fold(source) for output in outputs for source in output.sources}
        return (c for c in self.used() if fold(f"{self.dataset.name}.{c.name}") in sources)

    def now(self) -> datetime:
        """Return when it is asked. Raises ValueError when nobody said: then no rule about time may be passed over."""
        return datetime.fromisoformat(self.request.at).astimezone(UTC)

    def today(self) -> date:
        """Return the day, in UTC."""
        return self.now().date()


def words(text: str, asked: Asked) -> str:
    """Fill {dataset}, {purpose}, {owner} and {principal} in a policy's words; anything else stays."""
    request = asked.request
    known = {
        "dataset": asked.dataset.name,
        "purpose": request.purpose or "none",
        "owner": asked.dataset.owner or "its owner",
        "principal": request.principal.name,
    }
    for key, value in known.items():
        text = text.replace("{" + key + "}", value)
    return text
