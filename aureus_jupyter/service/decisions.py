"""From a draft to a decided plan: read, judge, rewrite; and remember the answer while nothing it rests on changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from aureus_jupyter.core.analyze import analyze, bound_text, check_parameters
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.core.rewrite import rewrite
from aureus_jupyter.ports import Engine, PolicyEngine
from aureus_jupyter.values.canonical import digest_json
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, fold
from aureus_jupyter.values.draft import Draft, Origin
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.plan import Parameter, Plan
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest, Verdict, VerdictKind

__all__ = ["Decided", "Decider", "decision_digest"]

_REMEMBERED = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One statement's facts and verdict, and its plan with the plan's digest unless it is denied."""

    facts: Facts
    verdict: Verdict
    plan: Plan | None
    plan_digest: str = ""


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
    """Decides statements against one catalog and one set of policies. Not for two threads at once."""

    def __init__(self, catalog: Catalog, policies: PolicyEngine) -> None:
        self.catalog = catalog
        self.policies = policies
        self._memory: OrderedDict[tuple[object, ...], Decided] = OrderedDict()
        self._views: dict[tuple[Principal, str], Catalog] = {}

    def decide(
        self, draft: Draft, engine: Engine, principal: Principal, purpose: str, rows: int | None = None
    ) -> Decided:
        """Return facts, verdict and plan. Raises Refused and UserError for what cannot be judged at all."""
        names = tuple(name for name, _ in draft.parameters)
        versions = (self.catalog.version, self.policies.version)
        key = (draft.sql, draft.origin, engine.dialect, principal, purpose, rows, names, versions)
        known = self._memory.get(key)
        if known is None:
            known = self._decide(draft, engine, principal, purpose, rows)
            self._memory[key] = known
            while len(self._memory) > _REMEMBERED:
                self._memory.popitem(last=False)
        else:
            self._memory.move_to_end(key)
        return known

    def _decide(self, draft: Draft, engine: Engine, principal: Principal, purpose: str, rows: int | None) -> Decided:
        bound = bound_text(draft.sql, engine.dialect)
        tree = engine.read(bound).tree
        facts = analyze(draft.sql, tree, self.catalog, engine.dialect, lambda: self.visible(principal, purpose))
        check_parameters(facts.parameters, (name for name, _ in draft.parameters))
        verdict = self.rule(facts, principal, purpose, draft.origin)
        if verdict.kind is VerdictKind.DENY:
            return Decided(facts=facts, verdict=verdict, plan=None)
        plan = rewrite(draft.sql, facts, verdict, self.catalog, engine.dialect, rows)
        return Decided(facts=facts, verdict=verdict, plan=plan, plan_digest=plan.digest())

    def rule(self, facts: Facts, principal: Principal, purpose: str, origin: str = Origin.SQL) -> Verdict:
        """Return the verdict for facts. Never raises: a policy engine that fails denies."""
        datasets = tuple(self.catalog.index[fold(use.dataset)] for use in facts.tables)
        request = DecisionRequest(
            principal=principal, purpose=purpose, origin=str(origin), facts=facts, datasets=datasets
        )
        return safe_rule(self.policies, request)

    def visible(self, principal: Principal, purpose: str) -> Catalog:
        """Return the catalog as the principal may see it: no dataset and no column that policies deny altogether."""
        key = (principal, purpose)
        if key not in self._views:
            kept = [self._visible(d, principal, purpose) for d in self.catalog.datasets]
            self._views[key] = replace(self.catalog, datasets=tuple(d for d in kept if d.columns))
        return self._views[key]

    def _visible(self, dataset: Dataset, principal: Principal, purpose: str) -> Dataset:
        if self._denied(dataset, (), principal, purpose):
            return replace(dataset, columns=())
        every = tuple(c.name for c in dataset.columns)
        if not self._denied(dataset, every, principal, purpose):
            return dataset
        kept: tuple[Column, ...] = tuple(
            c for c in dataset.columns if not self._denied(dataset, (c.name,), principal, purpose)
        )
        return replace(dataset, columns=kept)

    def _denied(self, dataset: Dataset, columns: tuple[str, ...], principal: Principal, purpose: str) -> bool:
        use = TableUse(dataset=dataset.name, columns=columns)
        facts = Facts(tables=(use,), aggregated=True, can_raise=False)
        return self.rule(facts, principal, purpose).kind is VerdictKind.DENY
