"""A cell's way from text to sealed evidence. The only place that calls the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from aureus_jupyter.core.analyze import bound_text
from aureus_jupyter.core.evidence import without_secrets
from aureus_jupyter.core.reviews import check_why
from aureus_jupyter.core.run_state import advance
from aureus_jupyter.errors import AureusError, Refused
from aureus_jupyter.ports import (
    Clock,
    Copilot,
    Engine,
    Ids,
    Ledger,
    Limits,
    OverlapLedger,
    Progress,
    ResultTable,
    RunStore,
    Signer,
)
from aureus_jupyter.service.approvals import Approvals
from aureus_jupyter.service.decisions import Decided, Decider, decision_digest
from aureus_jupyter.service.drafting import DraftError, draft_and_decide, is_models
from aureus_jupyter.service.ends import both, bug, check_cap, held, interrupted, interrupted_late, kind_of
from aureus_jupyter.service.labels import result_info
from aureus_jupyter.service.outcome import Outcome
from aureus_jupyter.service.sealing import seal
from aureus_jupyter.service.shield import Shield, shielded
from aureus_jupyter.service.spending import Account, Metered
from aureus_jupyter.service.summaries import Gate
from aureus_jupyter.values.draft import Cell, Draft
from aureus_jupyter.values.evidence import PackFile
from aureus_jupyter.values.ids import run_id, utc_text
from aureus_jupyter.values.plan import Plan
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Event, EventKind, Failure, Run, State
from aureus_jupyter.values.verdict import VerdictKind

__all__ = ["Desk", "Runner"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything one cell runs against."""

    engine: Engine
    connection: str
    decider: Decider
    copilot: Copilot
    store: RunStore
    signer: Callable[[], Signer]
    approvals: Approvals
    clock: Clock
    ids: Ids
    principal: Principal
    pack: str
    limits: Limits
    ledger: Callable[[], Ledger]
    environment: tuple[tuple[str, str], ...] = ()
    rows_in_evidence: Callable[[ResultTable], Sequence[PackFile]] | None = None
    overlaps: OverlapLedger | None = None


class _StoppedError(Exception):
    """A step ended the run; carries the run as it stands and the error to give."""

    def __init__(self, run: Run, error: AureusError) -> None:
        super().__init__(error.code)
        self.run = run
        self.error = error


class Runner:
    """Runs one cell at a time against a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._account = self._new_account()

    def run(self, cell: Cell, progress: Progress | None = None, resumes: str = "") -> Outcome:
        """Run a cell to its end and seal its evidence. Never raises for what a cell, a policy or an engine can do.

        The rows are given only when their evidence is written: no evidence, no data.
        """
        run = self._new(cell)
        table: ResultTable | None = None
        error: AureusError | None = None
        extra: Sequence[PackFile] = ()
        with shielded() as shield:
            try:
                # An interrupt ends the work and nothing else: what follows writes down what the work came to.
                with shield.lifted():
                    run, decided, extra = self._clear(run, resumes)
                    run, table, rows = self._execute(run, decided, progress)
                    extra = [*extra, *rows]
            except _StoppedError as stopped:
                run, error = stopped.run, stopped.error
            except KeyboardInterrupt:
                run, error = self._fail(run, EventKind.WITHDRAWN, interrupted())
            except Exception as cause:
                run, error = self._fail(run, EventKind.ERRORED, bug(cause))
            shield.hold()
            run = replace(run, budgets=self._account.settle(run))
            return self._seal(run, table, error, extra, shield)

    def dry_run(self, cell: Cell) -> Outcome:
        """Judge a cell and estimate its cost. Touches no data and leaves no evidence; a model that is asked costs its tokens."""
        run = self._new(cell)
        try:
            run, decided = self._judge(run)
            if decided.plan is None:
                return Outcome(run=run, error=None, estimate="This would be refused. Nothing would run.")
            self._prepare(run, decided)
            return self._planned(run, decided)
        except _StoppedError as stopped:
            return Outcome(run=stopped.run, error=stopped.error)
        except AureusError as error:
            return Outcome(run=run, error=error)
        except KeyboardInterrupt:
            return Outcome(run=run, error=interrupted())
        except Exception as cause:
            return Outcome(run=run, error=bug(cause))
        finally:
            self._account.settle(run)

    def _planned(self, run: Run, decided: Decided) -> Outcome:
        """Say what a statement would take, and whether that is there. Charges nothing."""
        assert decided.plan is not None, "only what is not denied has a plan"
        try:
            check_why(run)
            if decided.verdict.kind is VerdictKind.ALLOW:
                scanned = self._scanned(run, decided.plan)
                run = replace(run, budgets=self._account.look(decided.verdict, decided.plan.rows, scanned))
        except Refused as refused:
            told = f"This would be refused now: {refused.message}. {refused.hint}"
            return Outcome(run=run, estimate=told)
        return Outcome(run=run, estimate=self._estimate(run, decided.plan))

    def _scanned(self, run: Run, plan: Plan) -> Callable[[], int | None]:
        parameters = dict(run.draft.parameters) if run.draft is not None else {}
        return lambda: self.desk.engine.scanned(plan, parameters)

    def _estimate(self, run: Run, plan: Plan) -> str:
        """Return what the plan would cost, where that tells nothing about rows that are not the user's to see."""
        if run.verdict is None or run.verdict.kind is not VerdictKind.ALLOW:
            return "This would wait for a yes; there is no estimate before it."
        if run.verdict.summaries:
            return "This would run if its groups are large enough. There is no estimate: it would tell their size."
        if run.verdict.filters:
            return "This would run. There is no estimate: it would count rows that policy hides."
        return self.desk.engine.estimate(plan, dict(run.draft.parameters) if run.draft is not None else {})

    # -- steps -----------------------------------------------------------------------------------------------------

    def _now(self) -> str:
        return utc_text(self.desk.clock.now())

    def _event(self, kind: EventKind, digest: str = "", detail: str = "", actor: str = "") -> Event:
        return Event(kind=kind, at=self._now(), actor=actor or "aureus", digest=digest, detail=detail)

    def _new_account(self) -> Account:
        return Account(self.desk.ledger, self.desk.principal.name, self.desk.clock.now)

    def _new(self, cell: Cell) -> Run:
        desk = self.desk
        # Of its own for each run: what one has reserved must not pass for another's.
        self._account = self._new_account()
        return Run(
            id=run_id(desk.clock.now(), desk.ids.entropy(6)),
            cell=cell,
            principal=desk.principal,
            pack=desk.pack,
            connection=desk.connection,
            catalog_version=desk.decider.catalog.version,
            environment=desk.environment,
        )

    def _judge(self, run: Run) -> tuple[Run, Decided]:
        """Read and decide. Stops the run when the statement cannot be judged."""
        desk, cell = self.desk, run.cell

        def decide(draft: Draft) -> Decided:
            decided = desk.decider.decide(draft, desk.engine, desk.principal, cell.purpose, cell.max_results)
            if is_models(draft) and decided.plan is not None:
                # A column the model made up shows only here, while it can still be asked again.
                self._bind(decided)
            return decided

        try:
            draft, decided = draft_and_decide(
                cell,
                Metered(
                    desk.copilot, self._account, run.id, lambda: desk.decider.budgets(desk.principal, cell.purpose)
                ),
                lambda: desk.decider.visible(desk.principal, cell.purpose),
                desk.engine.dialect,
                decide,
                self._parses,
            )
        except DraftError as failed:
            run = replace(run, draft=failed.draft)
            raise _StoppedError(*self._fail(run, kind_of(failed.error), failed.error)) from failed.error
        except AureusError as error:
            raise _StoppedError(*self._fail(run, kind_of(error), error)) from error
        digest = ""
        if decided.plan is not None:
            digest = decision_digest(
                decided.plan_digest,
                draft.parameters,
                desk.decider.catalog,
                decided.verdict.policy_version,
                desk.principal,
                cell.purpose,
                desk.connection,
            )
        run = replace(
            run,
            draft=draft,
            facts=decided.facts,
            verdict=decided.verdict,
            plan=decided.plan,
            decision_digest=digest,
        )
        return run, decided

    def _parses(self, text: str) -> bool:
        """Whether the engine's own parser reads the text; one that shows no tree does not say.

        What is too large to be read is no question either: nobody writes one with thousands of words.
        """
        engine = self.desk.engine
        try:
            tree = engine.read(bound_text(text, engine.dialect)).tree
        except AureusError as error:
            return error.code in {"too_many_tokens", "too_deep", "unreadable"}
        return isinstance(tree, dict) and not tree.get("error")

    def _clear(self, run: Run, resumes: str) -> tuple[Run, Decided, Sequence[PackFile]]:
        """Take the run to CLEARED, or stop it REFUSED or HELD."""
        run, decided = self._judge(run)
        verdict = decided.verdict
        if verdict.kind is VerdictKind.DENY:
            reason = verdict.reasons[0]
            denied = Refused(reason.code, reason.message, hint=reason.hint)
            raise _StoppedError(*self._fail(run, EventKind.DENIED, denied))
        self._prepare(run, decided)
        self._checked(run, lambda: check_why(run))
        if verdict.kind is VerdictKind.ALLOW:
            return advance(run, self._event(EventKind.ALLOWED, run.decision_digest)), decided, ()
        run = advance(run, self._event(EventKind.APPROVAL_REQUIRED, run.decision_digest))
        found = self._approval(run, resumes)
        if found is None:
            raise _StoppedError(run, held(run))
        approver, files = found
        detail = f"request {resumes}" if resumes else ""
        return advance(run, self._event(EventKind.APPROVED, run.decision_digest, detail, approver)), decided, files

    def _approval(self, run: Run, resumes: str) -> tuple[str, Sequence[PackFile]] | None:
        try:
            return self.desk.approvals.find(run, self._now(), resumes)
        except AureusError as error:
            kind = EventKind.REJECTED if error.code == "approval_rejected" else EventKind.ERRORED
            raise _StoppedError(*self._fail(run, kind, error)) from error

    def _prepare(self, run: Run, decided: Decided) -> None:
        """Bind the statement over its shadows before anyone is asked to approve what could not run anyway."""
        self._checked(run, lambda: self._bind(decided))

    def _checked(self, run: Run, work: Callable[[], T]) -> T:
        """Do what must succeed before the run starts, or stop the run."""
        try:
            return work()
        except AureusError as error:
            raise _StoppedError(*self._fail(run, kind_of(error), error)) from error

    def _bind(self, decided: Decided) -> None:
        assert decided.plan is not None, "only what is not denied has a plan"
        self.desk.engine.prepare(decided.plan, decided.datasets)

    def _execute(
        self, run: Run, decided: Decided, progress: Progress | None
    ) -> tuple[Run, ResultTable, Sequence[PackFile]]:
        """Run a cleared plan. What it takes of budgets is reserved, and `started` is durable, before the engine is touched."""
        assert decided.plan is not None, "a cleared run has a plan"
        assert run.draft is not None, "a cleared run has a draft"
        desk, plan = self.desk, decided.plan
        values = run.draft.parameters
        parameters = dict(values)
        scanned, verdict, name = self._scanned(run, plan), decided.verdict, run.id
        budgets = self._checked(run, lambda: self._account.reserve(name, verdict, plan.rows, scanned))
        run = replace(run, budgets=budgets)
        started = advance(run, self._event(EventKind.STARTED, run.decision_digest))
        try:
            # A key that cannot be used is found before anything is read, not when there is nothing to sign it with.
            desk.signer()
            desk.store.append(without_secrets(started), 0)
        except AureusError as error:
            raise _StoppedError(*self._fail(run, EventKind.ERRORED, error)) from error
        run = started
        limits = replace(desk.limits, rows=self._account.rows(plan.rows))
        try:
            self._account.touched = True
            gate = Gate(engine=desk.engine, ledger=desk.overlaps, principal=desk.principal, limits=desk.limits)
            asked = gate.pass_through(decided, values)
            table = desk.engine.run(plan, parameters, limits, progress)
            check_cap(table, limits.rows)
            info = result_info(table, decided.facts, decided.verdict, desk.decider.catalog)
            rows = desk.rows_in_evidence(table) if desk.rows_in_evidence is not None else ()
            return advance(run, self._event(EventKind.COMPLETED, info.digest, asked), result=info), table, rows
        except AureusError as error:
            raise _StoppedError(*self._fail(run, EventKind.ERRORED, error)) from error
        except KeyboardInterrupt:
            raise _StoppedError(*self._fail(run, EventKind.WITHDRAWN, interrupted())) from None
        except Exception as cause:
            # From here on data may have been read: the record must say that the run had started.
            raise _StoppedError(*self._fail(run, EventKind.ERRORED, bug(cause))) from cause

    def _fail(self, run: Run, kind: EventKind, error: AureusError) -> tuple[Run, AureusError]:
        """Move the run to its refused or failed end and keep the error in it."""
        failure = Failure(family=error.family, code=error.code, message=error.message, hint=error.hint)
        if run.state in {State.FINISHED, State.REFUSED, State.FAILED}:
            return replace(run, failure=failure), error
        allowed = kind if run.state is State.DRAFTED or kind is not EventKind.DENIED else EventKind.ERRORED
        return advance(run, self._event(allowed, run.decision_digest, error.code), failure=failure), error

    def _seal(
        self, run: Run, table: ResultTable | None, error: AureusError | None, extra: Sequence[PackFile], shield: Shield
    ) -> Outcome:
        desk = self.desk
        try:
            if run.state is State.HELD:
                run = replace(run, request=desk.approvals.ask(run))
                error = held(run)
            run = seal(run, desk.store, desk.signer(), self._now(), extra)
        except AureusError as failed:
            first = error is None or run.state is State.HELD or error.code == failed.code
            told = failed if first or error is None else both(error, failed)
            run, error = self._unsealed(run, told)
            return Outcome(run=run, error=error)
        if shield.came:
            shield.came = False
            error = error or interrupted_late()
        if error is not None:
            error.run_id = run.id
        return Outcome(run=run, table=table if error is None else None, error=error)

    def _unsealed(self, run: Run, error: AureusError) -> tuple[Run, AureusError]:
        """Return a run whose evidence could not be written: whatever it had come to, it returned nothing and asked nobody."""
        if run.state is State.FINISHED:
            run = replace(run, state=State.RUNNING, events=run.events[:-1], result=None)
        return self._fail(replace(run, request=""), EventKind.ERRORED, error)
