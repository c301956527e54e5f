"""What the application needs from the outside, as protocols.

An adapter implements one of these and nothing else in the package knows which. Every method may raise
`Unavailable` when the outside is missing or broke; any other exception is treated as a failure that denies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from .values.approval import ApprovalRequest
from .values.budgets import Charge, Standing, Wish
from .values.catalog import Catalog, Dataset
from .values.draft import Draft
from .values.evidence import Envelope, PackFile, TrustedKey
from .values.plan import Parameter, Plan
from .values.run import Run
from .values.verdict import DecisionRequest, Ruling

__all__ = [
    "ApprovalBox",
    "CatalogSource",
    "Clock",
    "Copilot",
    "CopilotContext",
    "Engine",
    "Ids",
    "Ledger",
    "Limits",
    "PolicyEngine",
    "Progress",
    "RawColumn",
    "RawTable",
    "SecondReading",
    "Signer",
]
__all__ += ["LineageSink", "OverlapLedger", "ResultTable", "RunStore"]

Progress = Callable[[float], None]
"""Called with the share done, 0 to 1, or -1 when unknown; only for work that takes over a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one statement may cost. Seconds, rows, bytes; None is unlimited."""

    seconds: float | None = 300.0
    rows: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawColumn:
    """A physical column as the engine reports it."""

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A physical table or file the connection holds. `source` is what `Dataset.source` names."""

    source: str
    columns: tuple[RawColumn, ...]
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondReading:
    """How the engine's own parser reads a statement. The judge: where it disagrees with ours, we refuse.

    `tables` are the names the statement reads that are not its own CTEs, as written, each with its qualifiers.
    `functions` are every function's name, lowered. `nodes` are the kinds of the tree's nodes.
    `tree` is the engine's own syntax tree as plain JSON values where it has one (DuckDB: the parsed answer of
    `json_serialize_sql`), else None.
    """

    statements: int
    tables: tuple[tuple[str, ...], ...]
    functions: tuple[str, ...]
    nodes: tuple[str, ...]
    tree: Any = None


class ResultTable(Protocol):
    """Rows of one result, held once (Arrow) and converted on request."""

    @property
    def columns(self) -> tuple[RawColumn, ...]: ...
    @property
    def rows(self) -> int: ...
    @property
    def truncated(self) -> bool: ...
    def digest(self) -> tuple[str, str]:
        """Return (digest, method): over column names, types and all values in result order."""
        ...

    def preview(self, rows: int) -> list[list[str | None]]:
        """Return the first rows as text for display; None is SQL NULL."""
        ...

    def to_pandas(self) -> Any: ...
    def to_arrow(self) -> Any: ...
    def to_polars(self) -> Any: ...


@runtime_checkable
class Engine(Protocol):
    """One connection to data. Not for two threads at once, except `cancel`."""

    @property
    def dialect(self) -> str:
        """`duckdb` or `postgres`: which rules the analysis and the rewrite use."""
        ...

    @property
    def description(self) -> str:
        """What the connection is, without any secret."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """What a person should know about the connection, such as that its account can write. Names no data."""
        ...

    def tables(self) -> Sequence[RawTable]:
        """Return what the connection holds, for onboarding. Not what a cell may read."""
        ...

    def read(self, sql: str) -> SecondReading:
        """Parse `sql` with the engine's own parser. Does not run or bind it. Raises UserError on a syntax error."""
        ...

    def prepare(self, plan: Plan, datasets: Sequence[Dataset]) -> None:
        """Make the plan's shadows, bind the statement over them, and check that it reads only those.

        `datasets` are the contracts of all that the shadows read, also of what only their filters compare with.

        Raises `Refused` (code `binder_disagrees`) when the binder sees another table, `UserError` when the
        statement does not bind. Keeps what it made for the next statement with the same shadows.
        """
        ...

    def estimate(self, plan: Plan, parameters: Mapping[str, Parameter]) -> str:
        """Return the estimated cost in words after `prepare`. Reads no rows."""
        ...

    def scanned(self, plan: Plan, parameters: Mapping[str, Parameter]) -> int | None:
        """Return how many raw rows the plan would scan, after `prepare`: an upper bound where there is one, else an estimate.

        None is not known; what counts scanned rows is then refused. Counts rows that policy hides, so it is told to nobody
        from whom rows are hidden. Reads no value of any row.
        """
        ...

    def run(
        self,
        plan: Plan,
        parameters: Mapping[str, Parameter],
        limits: Limits,
        progress: Progress | None = None,
    ) -> ResultTable:
        """Run the plan after `prepare`. Raises UserError on a data error (class and hint, never a value),
        `Unavailable` when the engine is gone or a limit is hit, KeyboardInterrupt after an interrupt.
        """
        ...

    def cancel(self) -> None:
        """Stop what runs, from any thread. No error when nothing runs."""
        ...

    def close(self) -> None:
        """Release the connection. A second call does nothing."""
        ...


@runtime_checkable
class PolicyEngine(Protocol):
    """Answers one decision request with rulings. An exception denies.

    A set of policies that is empty, or of which any part cannot be read, permits nothing: the engine cannot be made, or
    answers nothing, or raises. `testing.policies` checks what is written here.
    """

    @property
    def version(self) -> str:
        """A digest that changes when any rule does, and only then."""
        ...

    @property
    def timed(self) -> bool:
        """Whether a rule asks for the time. Otherwise an answer stands however late it is asked again."""
        ...

    def rule(self, request: DecisionRequest) -> Sequence[Ruling]:
        """Return every ruling of every policy that applies to a dataset of the request; the core adds them up.

        One call judges the whole statement. The answer is a function of the request's content: not of an earlier request,
        nor of the order of tables, columns, roles or functions. Each ruling is about a dataset and columns of the
        request. What a policy obliges to is always ruled, also beside a need for approval; a filter by an attribute that the
        principal does not have lets no row through. A policy that cannot be evaluated raises; it is never passed over.
        """
        ...


@runtime_checkable
class CatalogSource(Protocol):
    """Where contracts and verified questions come from. `testing.catalogs` checks what is written here."""

    def load(self) -> Catalog:
        """Return the whole catalog as it is now, or raise Unavailable: never the part that could be read.

        Unchanged contracts give an equal catalog with the same version; a changed contract gives another version, through the
        digest of its text. A label that is missing or not known reads as the stricter case: restricted.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CopilotContext:
    """What a copilot may know: the catalog as the principal may see it, and why the last draft failed.

    Holds no row value. `feedback` are structured errors of earlier rounds, oldest first. `tokens` is how many tokens of a
    model this draft may take at most; None is no such bound.
    """

    catalog: Catalog
    dialect: str
    purpose: str
    feedback: tuple[tuple[str, str], ...] = ()
    tokens: int | None = None


@runtime_checkable
class Copilot(Protocol):
    """Turns a question into a draft. Never runs anything."""

    @property
    def name(self) -> str: ...

    @property
    def tokens_spent(self) -> int:
        """Return the tokens of a model taken so far, by every draft together, those that failed too; it only grows."""
        ...

    def draft(self, question: str, context: CopilotContext) -> Draft:
        """Raises UserError when it cannot answer (with the nearest questions), Unavailable when it broke."""
        ...


@runtime_checkable
class RunStore(Protocol):
    """Where runs are journalled and evidence is sealed: one folder beside one notebook.

    Safe beside other processes that use the same place; one object is not for two threads at once. What the disk or the
    network does not allow is an EvidenceError or Unavailable, never an exception of the store's own libraries. Never
    writes through a link that stands where a file or folder of the store belongs. `testing.stores` checks what is written here.
    """

    def append(self, run: Run, expected: int) -> None:
        """Keep a run as it stands, with its events beyond the first `expected`, so that it survives this process.

        Raises EvidenceError `journal_conflict` unless `expected` of its events are kept already: of writers that come at once,
        one goes on. What is refused leaves nothing behind, and no run where there was none.
        """
        ...

    def seal(self, run_id: str, files: Sequence[PackFile]) -> str:
        """Write a pack whole or not at all; return its folder's path, the last part of which is the run's id.

        The bytes are kept as they are. Raises EvidenceError: `pack_exists` (a pack is never replaced), `bad_pack` (no file, a
        name twice, or one that is not `is_plain_name`). When it raises anything but `pack_exists`, there is no pack.
        """
        ...

    def interrupted(self) -> Sequence[Run]:
        """Return the runs whose process is gone and which were never sealed, as they stood, oldest first.

        Of one that cannot be read any more only the id is known. Each is returned until it is sealed. A run whose process is
        alive, here or elsewhere, is not one of them.
        """
        ...

    def packs(self) -> Sequence[str]:
        """Return the paths of sealed packs, oldest first. A link is not a pack, whatever it leads to."""
        ...


@runtime_checkable
class ApprovalBox(Protocol):
    """Where requests wait and answers arrive, outside the kernel. A run store is one too: `%aureus resume` needs both."""

    def ask(self, request: ApprovalRequest, run: Run) -> None:
        """Keep a request so that an approver and another kernel find it. Raises EvidenceError.

        Asked again for the same run, the last request counts; an answer that is there already stays.
        """
        ...

    def waiting(self, request: ApprovalRequest) -> str:
        """Return the id of the oldest request that asks the very same, its run apart, and has no answer; or an empty text."""
        ...

    def answers(self, digest: str) -> Iterable[tuple[str, bytes, Envelope]]:
        """Return (request id, exact bytes, envelope) of every answer to `digest`, newest request first.

        Passes over what cannot be read: a broken answer must not be able to hide a good one. Verifies no signature.
        """
        ...


@runtime_checkable
class Ledger(Protocol):
    """What has been spent out of budgets, once for all kernels that share it. `testing.ledgers` checks what is written here.

    A pot is a policy and a measure; a budget counts in it what was charged in its last `seconds`, to the one who asks or, when
    it is shared, to everybody. Windows, limits and who shares are the budget's own, so that a policy that changes refills
    nothing. The ledger's time never runs back: `now` counts only where it is later than every charge. Amounts are exact.
    Safe beside other processes. What cannot be read or written is Unavailable, never an exception of another library.
    """

    def look(self, principal: str, wishes: Sequence[Wish], now: datetime) -> Sequence[Standing]:
        """Return how the budgets stand for the wishes, in their order (`core.budgets.granted`). Changes nothing."""
        ...

    def reserve(self, run_id: str, principal: str, wishes: Sequence[Wish], now: datetime) -> Sequence[Standing]:
        """Charge the run with all the wishes if all fit, each pot once, and return how the budgets stood before.

        When one does not fit nothing is charged. What another process spends at the same moment counts before or after, never
        not at all. A charge stays in full until it is settled. Raises Unavailable `ledger_conflict` when the run was charged
        in one of the pots already.
        """
        ...

    def settle(self, run_id: str, charges: Sequence[Charge]) -> None:
        """Put what the run really took in the place of its reservations in these pots, once; at the time of the reservation.

        A pot that the run has no open reservation in is passed over.
        """
        ...


@runtime_checkable
class Signer(Protocol):
    """Signs bytes with one key. `testing.signers` checks what is written here."""

    @property
    def key_id(self) -> str:
        """The digest of the public part as the trust file holds it: the same for as long as the key is."""
        ...

    def public(self) -> TrustedKey:
        """Return the public part for a trust file, with an owner and roles. Holds nothing of the private part."""
        ...

    def sign(self, payload_type: str, payload: bytes) -> Envelope:
        """Return exactly these bytes with a signature by this key over their pre-authentication encoding (`core.dsse.pae`).

        Two signatures of the same bytes need not be equal. Raises EvidenceError or Unavailable when the key is out of reach.
        """
        ...


@runtime_checkable
class OverlapLedger(Protocol):
    """Which summaries were answered, so that no two tell of a few persons by their difference. One for all kernels; never forgets."""

    def record(self, owner: str, entry: str, check: Callable[[Sequence[str]], None]) -> None:
        """Give `check` every entry of `owner`, oldest first; keep `entry` on disk when it returns, and not when it raises.

        No other entry of the owner comes between; one that is there is not checked again. Raises Unavailable `ledger_unusable`.
        """
        ...


@runtime_checkable
class LineageSink(Protocol):
    """Takes a sealed run's lineage elsewhere. Its failure never fails a run."""

    def emit(self, run: Run) -> None: ...


@runtime_checkable
class Clock(Protocol):
    """The time. `now` is aware UTC and may step back; `monotonic` is in seconds and does not."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


@runtime_checkable
class Ids(Protocol):
    """Entropy for run ids."""

    def entropy(self, size: int) -> bytes: ...
