"""What the catalog knows: datasets, their columns, and the labels a contract puts on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from .canonical import digest_json

__all__ = ["Catalog", "Classification", "Column", "Dataset", "Metric", "Pii", "Question", "Slot", "Waiting", "fold"]


class Classification(StrEnum):
    """How sensitive a dataset or column is, least first. Unknown reads as restricted."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"


class Pii(StrEnum):
    """How directly a column identifies a person. `quasi` identifies in combination."""

    NONE = "none"
    QUASI = "quasi"
    DIRECT = "direct"
    SENSITIVE = "sensitive"


def fold(name: str) -> str:
    """Return an identifier in the form names are compared in: ASCII letters lowered, nothing else.

    Does not apply Unicode case folding: DuckDB and PostgreSQL lower only ASCII letters.
    """
    if name.isascii():
        return name.lower()
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a dataset, as its contract describes it.

    `type` is a DuckDB type name such as `VARCHAR` or `DECIMAL(18,2)`. `references` is `dataset.column` for a
    foreign key, or empty. `unit` is free text such as `EUR` or `days`.
    """

    name: str
    type: str
    nullable: bool = True
    classification: Classification = Classification.INTERNAL
    pii: Pii = Pii.NONE
    description: str = ""
    unit: str = ""
    key: bool = False
    references: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One governed table: the only name a cell can read, and everything policies may ask about it.

    `name` is what users write. `source` is where the engine finds it: a table name, `schema.table`, or a file
    name inside the connected folder. `version` is the contract's version. Durations are in the unit of the
    name; None means the contract does not say.
    """

    name: str
    pack: str
    source: str
    columns: tuple[Column, ...]
    description: str = ""
    classification: Classification = Classification.INTERNAL
    jurisdiction: str = ""
    domain: str = ""
    owner: str = ""
    approvers: tuple[str, ...] = ()
    freshness_hours: int | None = None
    retention_days: int | None = None
    version: str = ""
    contract_digest: str = ""
    tags: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """Return the column called `name`, compared as the engines compare, or None."""
        wanted = fold(name)
        return next((c for c in self.columns if fold(c.name) == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A dataset that no cell can reach because its contract is not active, and where the contract says so.

    Does not hold columns or labels: nobody has checked them. `file` is inside the pack; `line` is 0 where there is no status.
    """

    name: str
    status: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A typed gap in a verified question. `kind` is number, percent, date, text or choice."""

    name: str
    kind: str
    choices: tuple[str, ...] = ()
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question the pack's owners have checked, with its SQL and typed slots.

    `phrasings` hold slots as `{name}`; `sql` binds them as `:name` and never as text.
    """

    id: str
    phrasings: tuple[str, ...]
    sql: str
    slots: tuple[Slot, ...] = ()
    pack: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A measure with an agreed definition: an SQL expression over one dataset, and other names for it."""

    name: str
    sql: str
    dataset: str
    description: str = ""
    synonyms: tuple[str, ...] = ()


class _Changed(Mapping[str, Dataset]):
    """Datasets by folded name, each changed when it is asked for first."""

    def __init__(self, whole: Mapping[str, Dataset], change: Callable[[Dataset], Dataset]) -> None:
        self._whole, self._change = whole, change
        self._known: dict[str, Dataset] = {}

    def __getitem__(self, name: str) -> Dataset:
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._change(self._whole[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Every dataset a session may name, and one digest that changes when any contract does.

    `waiting` are those it may not name yet; none of them is among the datasets.
    """

    datasets: tuple[Dataset, ...]
    questions: tuple[Question, ...] = ()
    metrics: tuple[Metric, ...] = ()
    version: str = ""
    waiting: tuple[Waiting, ...] = ()
    index: Mapping[str, Dataset] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the datasets by folded name and derive the version. Raises ValueError on a name twice."""
        index = {fold(d.name): d for d in self.datasets}
        if len(index) != len(self.datasets):
            raise ValueError("two datasets share a name")
        object.__setattr__(self, "index", MappingProxyType(index))
        if not self.version:
            parts = [[d.name, d.source, d.contract_digest] for d in self.datasets]
            object.__setattr__(self, "version", digest_json(sorted(parts)))

    def through(self, change: Callable[[Dataset], Dataset]) -> Catalog:
        """Return the catalog as one sees it through `change`, which is asked for a dataset when that is named first.

        Lists no datasets: whoever iterates finds nothing, instead of what was not changed.
        """
        view = replace(self, datasets=(), version=self.version)
        object.__setattr__(view, "index", _Changed(self.index, change))
        return view

    def dataset(self, name: str) -> Dataset | None:
        """Return the dataset called `name`, compared as the engines compare, or None."""
        return self.index.get(fold(name))

    def waits(self, name: str) -> Waiting | None:
        """Return what keeps the dataset called `name` out of the catalog, or None when nothing of that name waits."""
        wanted = fold(name)
        return next((w for w in self.waiting if fold(w.name) == wanted), None)
