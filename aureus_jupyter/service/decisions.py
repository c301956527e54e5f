"""From a draft to a decided plan: read, judge, rewrite; and remember the answer while nothing it rests on changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from aureus_jupyter.core.analyze import analyze, bound_text, check_parameters, tree_of
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.core.kinds import kind_of_value
from aureus_jupyter.core.rewrite import rewrite, without
from aureus_jupyter.core.summary import summarise
from aureus_jupyter.errors import Refused
from aureus_jupyter.ports import PolicyEngine, SecondReading
from aureus_jupyter.values.canonical import digest_json
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, fold
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.obligations import Budget, Hide, MaskMethod
from aureus_jupyter.values.plan import Parameter, Plan
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.summaries import Summary
from aureus_jupyter.values.verdict import DecisionRequest, Verdict, VerdictKind

__all__ = ["Asker", "Decided", "Decider", "Reader", "decision_digest"]

_REMEMBERED = 256

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Reader(Protocol):
    """What reads a statement: an engine, or its parser alone."""

    @property
    def dialect(self) -> str: ...

    def read(self, sql: str) -> SecondReading: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, why and when: all that what somebody may know of depends on."""

    principal: Principal
    purpose: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One statement's facts and verdict, and its plan with the plan's digest unless it is denied.

    `datasets` are the whole contracts of all that the plan's shadows read. `summary` is set where the dataset answers only in
    summaries: its groups must be found large enough before it runs.
    """

    facts: Facts
    verdict: Verdict
    plan: Plan | None
    plan_digest: str = ""
    datasets: tuple[Dataset, ...] = ()
    summary: Summary | None = None


def decision_digest(
    plan_digest: str,
    parameters: Iterable[tuple[str, Parameter]],
    catalog: Catalog,
    policy_version: str,
    principal: Principal,
    purpose: str,
    connection: str,
) -> str:
    """Return the digest an approval is for: all that decides what runs, on which data, for whom and why.

    Parameter values enter as their type and text, because canonical JSON holds no floats.
    """
    bound = [[name, type(value).__name__, str(value)] for name, value in parameters]
    who = [principal.name, list(principal.roles), [list(pair) for pair in principal.attributes]]
    return digest_json([plan_digest, bound, catalog.version, policy_version, who, purpose, connection])


class Decider:
    """Decides statements against one catalog and one set of policies. Not for two threads at once.

    `environment` is what the session is for, `now` the time as RFC 3339 UTC; policies see it to the minute.
    """

    def __init__(
        self, catalog: Catalog, policies: PolicyEngine, environment: str = "", now: Callable[[], str] = str
    ) -> None:
        self.catalog = catalog
        self.policies = policies
        self.environment = environment
        self._now = now
        self._memory: OrderedDict[tuple[object, ...], Decided] = OrderedDict()
        self._asked: OrderedDict[tuple[Asker, str], tuple[Hide, ...]] = OrderedDict()
        self._views: OrderedDict[Asker, Catalog] = OrderedDict()
        self._budgets: OrderedDict[Asker, tuple[Budget, ...]] = OrderedDict()

    def decide(
        self, draft: Draft, engine: Reader, principal: Principal, purpose: str, rows: int | None = None
    ) -> Decided:
        """Return facts, verdict and plan. Raises Refused and UserError for what cannot be judged at all."""
        kinds = tuple((name, kind_of_value(value)) for name, value in draft.parameters)
        versions = (self.catalog.version, self.policies.version)
        asker = self._asker(principal, purpose)
        return _remembered(
            self._memory,
            (draft.sql, draft.origin, engine.dialect, asker, rows, kinds, versions),
            lambda: self._decide(draft, engine, asker, rows),
        )

    def _asker(self, principal: Principal, purpose: str) -> Asker:
        # To the minute, so that a decision on it can be remembered for as long; in UTC, `Z` last.
        at = self._now()[:16] + ":00Z" if self.policies.timed else ""
        return Asker(principal=principal, purpose=purpose, at=at)

    def _decide(self, draft: Draft, engine: Reader, asker: Asker, rows: int | None) -> Decided:
        tree = engine.read(bound_text(draft.sql, engine.dialect)).tree
        facts, verdict = self._judge(draft, tree, engine.dialect, asker)
        if verdict.kind is VerdictKind.DENY:
            return Decided(facts=facts, verdict=verdict, plan=None)
        summary = self._summary(draft.sql, tree, facts, verdict, asker, engine) if verdict.summaries else None
        summarised = summary is not None
        plan = rewrite(draft.sql, facts, verdict, self.catalog, engine.dialect, rows, asker.principal, summarised)
        read = {source for shadow in plan.shadows for source in (shadow.source, *shadow.others)}
        others = [d for d in self.catalog.datasets if d.source in read] if any(s.others for s in plan.shadows) else []
        whole = dict.fromkeys([*(self.catalog.index[fold(shadow.dataset)] for shadow in plan.shadows), *others])
        return Decided(
            facts=facts,
            verdict=verdict,
            plan=plan,
            plan_digest=plan.digest(),
            datasets=tuple(whole),
            summary=summary,
        )

    def judge(self, draft: Draft, reader: Reader, principal: Principal, purpose: str) -> tuple[Facts, Verdict]:
        """Return facts and verdict without a plan, for those who compare policies. Raises Refused and UserError as `decide`."""
        tree = reader.read(bound_text(draft.sql, reader.dialect)).tree
        return self._judge(draft, tree, reader.dialect, self._asker(principal, purpose))

    def _judge(self, draft: Draft, tree: Any, dialect: str, asker: Asker) -> tuple[Facts, Verdict]:
        kinds = {name: kind_of_value(value) for name, value in draft.parameters}

        def shown() -> Catalog:
            return self.visible(asker.principal, asker.purpose)

        def judged(view: Catalog) -> tuple[Facts, Verdict]:
            facts = analyze(draft.sql, tree, view, dialect, shown, kinds, lambda d: self._refusal(d, asker))
            check_parameters(facts.parameters, (name for name, _ in draft.parameters))
            return facts, self._rule(facts, asker, draft.origin)

        facts, verdict = judged(self._seen(asker))
        if facts.aggregated and (changed := _changed_keys(verdict, self.catalog)):
            # What a mask changes need not be unique any more, and a summary is judged by what is.
            facts, verdict = judged(self._seen(asker, changed))
        return facts, replace(verdict, hidden=self._hidden(facts, verdict, asker))

    def _summary(self, sql: str, tree: Any, facts: Facts, verdict: Verdict, asker: Asker, engine: Reader) -> Summary:
        """Return the summary a statement is over the one dataset it may be about. Raises Refused."""
        dataset = self._shown(self.catalog.index[fold(verdict.summaries[0].dataset)], asker)
        seen = self._seen(asker)

        def parse(text: str) -> Any:
            return tree_of(text, engine.read(bound_text(text, engine.dialect)).tree, seen, engine.dialect)

        whole = tree_of(sql, tree, seen, engine.dialect)
        return summarise(sql, whole, facts, dataset, verdict.summaries, parse)

    def rule(self, facts: Facts, principal: Principal, purpose: str, origin: str = Origin.SQL) -> Verdict:
        """Return the verdict for facts. Never raises: a policy engine that fails denies."""
        return self._rule(facts, self._asker(principal, purpose), origin)

    def _rule(self, facts: Facts, asker: Asker, origin: str = Origin.SQL) -> Verdict:
        request = DecisionRequest(
            principal=asker.principal,
            purpose=asker.purpose,
            origin=str(origin),
            facts=facts,
            datasets=tuple(self.catalog.index[fold(use.dataset)] for use in facts.tables),
            environment=self.environment,
            at=asker.at,
        )
        return safe_rule(self.policies, request)

    # -- what the one who asks may know of -------------------------------------------------------------------------

    def _seen(self, asker: Asker, keys: frozenset[tuple[str, str]] = frozenset()) -> Catalog:
        """Return the catalog without the columns that policies hide; `keys` do not count as keys there."""
        return self.catalog.through(lambda dataset: _without_keys(self._shown(dataset, asker), keys))

    def _shown(self, dataset: Dataset, asker: Asker) -> Dataset:
        return without(dataset, self._hides(dataset, asker))

    def _hides(self, dataset: Dataset, asker: Asker) -> tuple[Hide, ...]:
        return _remembered(self._asked, (asker, fold(dataset.name)), lambda: self._ask_hides(dataset, asker))

    def _ask_hides(self, dataset: Dataset, asker: Asker) -> tuple[Hide, ...]:
        """Return what is hidden of a dataset, whatever the statement. Raises Refused where nobody can say."""
        use = TableUse(dataset=dataset.name, columns=())
        verdict = self._rule(Facts(tables=(use,), aggregated=True, can_raise=False), asker)
        for reason in verdict.reasons:
            if reason.code in {"policy_error", "policy_ruling"}:
                raise Refused(reason.code, reason.message, hint=reason.hint)
        return verdict.hidden

    def _hidden(self, facts: Facts, verdict: Verdict, asker: Asker) -> tuple[Hide, ...]:
        """Return what the analysis took for hidden, and what the decision hides: both stay hidden."""
        found = [hide for use in facts.tables for hide in self._hides(self.catalog.index[fold(use.dataset)], asker)]
        every = {(fold(h.dataset), fold(h.column)): h for h in (*verdict.hidden, *found)}
        return tuple(every[key] for key in sorted(every))

    def visible(self, principal: Principal, purpose: str) -> Catalog:
        """Return the catalog as the principal may see it: no dataset and no column that policies deny altogether."""
        asker = self._asker(principal, purpose)

        def made() -> Catalog:
            kept = [self._visible(d, asker) for d in self.catalog.datasets]
            return replace(self.catalog, datasets=tuple(d for d in kept if d.columns))

        return _remembered(self._views, asker, made)

    def budgets(self, principal: Principal, purpose: str) -> tuple[Budget, ...]:
        """Return the budgets that policies keep over what the principal may see, before there is a statement.

        Those that depend on what a statement does with a dataset may be missing: they show when it is judged.
        """
        asker = self._asker(principal, purpose)

        def made() -> tuple[Budget, ...]:
            every = (b for d in self.visible(principal, purpose).datasets for b in self._budgets_of(d, asker))
            return tuple(dict.fromkeys(every))

        return _remembered(self._budgets, asker, made)

    def _budgets_of(self, dataset: Dataset, asker: Asker) -> Iterator[Budget]:
        for columns in ((), tuple(c.name for c in dataset.columns)):
            use = TableUse(dataset=dataset.name, columns=columns, star=bool(columns))
            facts = Facts(tables=(use,), aggregated=not columns, can_raise=False)
            for origin in Origin:
                yield from self._rule(facts, asker, origin).budgets

    def _visible(self, dataset: Dataset, asker: Asker) -> Dataset:
        shown = self._shown(dataset, asker)
        if self._denied(shown, (), asker):
            return replace(shown, columns=())
        every = tuple(c.name for c in shown.columns)
        if not self._denied(shown, every, asker):
            return shown
        kept: tuple[Column, ...] = tuple(c for c in shown.columns if not self._denied(shown, (c.name,), asker))
        return replace(shown, columns=kept)

    def _refusal(self, dataset: Dataset, asker: Asker) -> Refused | None:
        """Return what refuses a dataset whatever is read of it, or None."""
        use = TableUse(dataset=dataset.name, columns=())
        verdict = self._rule(Facts(tables=(use,), aggregated=True, can_raise=False), asker)
        if verdict.kind is not VerdictKind.DENY:
            return None
        return Refused(verdict.reasons[0].code, verdict.reasons[0].message, hint=verdict.reasons[0].hint)

    def _denied(self, dataset: Dataset, columns: tuple[str, ...], asker: Asker) -> bool:
        use = TableUse(dataset=dataset.name, columns=columns)
        facts = Facts(tables=(use,), aggregated=True, can_raise=False)
        return self._rule(facts, asker).kind is VerdictKind.DENY


def _remembered(memory: OrderedDict[K, V], key: K, make: Callable[[], V]) -> V:
    """Return what is known for a key, or make it; forget what was not asked for longest."""
    if key in memory:
        memory.move_to_end(key)
        return memory[key]
    made = memory[key] = make()
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)
    return made


def _changed_keys(verdict: Verdict, catalog: Catalog) -> frozenset[tuple[str, str]]:
    """Return the keys that masks make ambiguous, as (dataset, column), folded. A pseudonym of a key is a key."""
    masks = (mask for mask in verdict.masks if mask.method is not MaskMethod.HASH)
    found = ((mask, catalog.index[fold(mask.dataset)].column(mask.column)) for mask in masks)
    return frozenset((fold(m.dataset), fold(c.name)) for m, c in found if c is not None and c.key)


def _without_keys(dataset: Dataset, keys: frozenset[tuple[str, str]]) -> Dataset:
    """Return the dataset without its key when a column of it is among `keys`."""
    if not any((fold(dataset.name), fold(c.name)) in keys for c in dataset.columns):
        return dataset
    return replace(dataset, columns=tuple(replace(c, key=False) for c in dataset.columns))
