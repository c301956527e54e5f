"""What every `ports.PolicyEngine` must do, as tests an adapter's own suite inherits.

    class TestMine(PolicyConformance):
        def house(self): ...       # and the other sets

Needs no test framework beyond one that runs methods called `test_*`. The adapter's author writes `HOUSE` in the adapter's
own language; the suite asks for verdicts the way a cell does, through `core.decide.safe_rule`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations

from aureus_jupyter.core.decide import decide, safe_rule
from aureus_jupyter.errors import AureusError
from aureus_jupyter.ports import PolicyEngine
from aureus_jupyter.values.catalog import Classification, Column, Dataset, Pii
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest, MaskMethod, Op, Verdict, VerdictKind

__all__ = ["DATASETS", "HOUSE", "REQUESTS", "PolicyConformance", "ask"]

HOUSE = """\
1. The datasets account and client may be read by the role analyst for the purposes review and audit. Nothing else may be read.
2. A statement that uses the column pin of client is refused with the code pin_hidden.
3. Reading client for the purpose audit needs a yes from petr, who is named in the policy.
4. The column name of client is masked twice: one policy shows its last characters (last), another a fixed text (redact).
5. Of account only rows are shown whose region is one of the principal's attribute region; another policy shows only rows
   whose status is open.
6. A statement over account returns at most 100 rows, says one policy, and at most 10, says another."""

DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="account",
            pack="conformance",
            source="account",
            columns=tuple(Column(name=n, type="VARCHAR") for n in ("id", "region", "status")),
        ),
        Dataset(
            name="client",
            pack="conformance",
            source="client",
            classification=Classification.CONFIDENTIAL,
            columns=(
                Column(name="id", type="VARCHAR"),
                Column(name="name", type="VARCHAR", pii=Pii.DIRECT),
                Column(name="pin", type="VARCHAR", pii=Pii.SENSITIVE),
            ),
        ),
        Dataset(name="vault", pack="conformance", source="vault", columns=(Column(name="id", type="VARCHAR"),)),
    )
}
ANA = Principal(name="ana", roles=("analyst", "reader"), attributes=(("region", "CZ"),))


def ask(*uses: str, who: Principal = ANA, purpose: str = "review") -> DecisionRequest:
    """Return the request of a statement that uses `dataset.column` each."""
    names = tuple(dict.fromkeys(use.partition(".")[0] for use in uses))
    tables = tuple(
        TableUse(dataset=n, columns=tuple(u.partition(".")[2] for u in uses if u.startswith(f"{n}."))) for n in names
    )
    facts = Facts(tables=tables, functions=("count", "lower"), joins=len(tables) - 1)
    return DecisionRequest(
        principal=who, purpose=purpose, origin="sql", facts=facts, datasets=tuple(DATASETS[n] for n in names)
    )


REQUESTS = (
    ask("account.id"),
    ask("account.id", purpose="audit"),
    ask("client.id", "client.name"),
    ask("client.name", purpose="audit"),
    ask("client.pin"),
    ask("vault.id"),
    ask("account.id", "client.id"),
    ask("account.id", who=Principal(name="eva")),
)


class PolicyConformance:
    """The suite. Each set is a method; the engine it returns is made anew.

    A set that is empty or unreadable may also be refused when the engine is made, with an `AureusError`.
    """

    @abstractmethod
    def house(self) -> PolicyEngine:
        """Return an engine over the policies that `HOUSE` says in words."""

    @abstractmethod
    def changed(self) -> PolicyEngine:
        """Return an engine over `HOUSE` with 11 for 10 in its last policy."""

    @abstractmethod
    def empty(self) -> PolicyEngine:
        """Return an engine over no policy at all."""

    @abstractmethod
    def unreadable(self) -> PolicyEngine:
        """Return an engine over a set that permits everything to everybody, and one more policy that cannot be read."""

    @abstractmethod
    def erring(self) -> PolicyEngine:
        """Return an engine over a set that permits everything to everybody, and one policy that fails when it is asked."""

    def _verdict(self, request: DecisionRequest) -> Verdict:
        return safe_rule(self.house(), request)

    def _refuses(self, make: Callable[[], PolicyEngine]) -> None:
        engine: PolicyEngine | AureusError
        try:
            engine = make()
        except AureusError as error:
            engine = error
        if isinstance(engine, AureusError):
            assert engine.code
            assert engine.hint
            return
        for request in REQUESTS:
            assert safe_rule(engine, request).kind is VerdictKind.DENY

    def test_it_is_an_engine_that_answers(self) -> None:
        """It has the port's methods; what `HOUSE` permits is allowed, so that a refusal below means something."""
        engine = self.house()
        assert isinstance(engine, PolicyEngine)
        verdict = safe_rule(engine, ask("account.id"))
        assert verdict.kind is VerdictKind.ALLOW, verdict.reasons
        assert verdict.fired

    def test_what_nobody_permits_is_refused(self) -> None:
        """Another dataset, purpose or role, or none."""
        for request in (
            ask("vault.id"),
            ask("account.id", purpose="curiosity"),
            ask("account.id", purpose=""),
            ask("account.id", who=replace(ANA, roles=("clerk",))),
            ask("account.id", who=replace(ANA, roles=())),
        ):
            assert self._verdict(request).kind is VerdictKind.DENY, request

    def test_an_empty_set_refuses_everything(self) -> None:
        """When the engine is made, or when it is asked."""
        self._refuses(self.empty)

    def test_a_set_that_cannot_be_read_refuses_everything(self) -> None:
        """The part that could be read opens nothing."""
        self._refuses(self.unreadable)

    def test_a_policy_that_errs_refuses(self) -> None:
        """It is not passed over, whatever the others permit."""
        engine = self.erring()
        for request in REQUESTS:
            assert safe_rule(engine, request).kind is VerdictKind.DENY, request

    def test_a_denial_has_its_code_and_wins(self) -> None:
        """Over the permit of the same dataset, and over a need for approval."""
        for purpose in ("review", "audit"):
            verdict = self._verdict(ask("client.pin", purpose=purpose))
            assert verdict.kind is VerdictKind.DENY
            assert [r.code for r in verdict.reasons] == ["pin_hidden"]
            assert all(r.message and r.hint for r in verdict.reasons)

    def test_one_decision_is_for_all_tables_and_columns(self) -> None:
        """One table or one column that may not be read refuses the statement, wherever it stands in it."""
        for uses in (("account.id", "vault.id"), ("account.id", "client.id", "client.pin")):
            for order in permutations(uses):
                assert self._verdict(ask(*order)).kind is VerdictKind.DENY, order
        both = self._verdict(ask("account.id", "client.name"))
        assert both.kind is VerdictKind.ALLOW
        assert {m.dataset for m in both.masks} == {"client"}
        assert {f.dataset for f in both.filters} == {"account"}

    def test_the_order_of_the_facts_does_not_matter(self) -> None:
        """Of tables, columns, roles and functions."""
        request = ask("account.id", "account.status", "client.id", "client.name", purpose="audit")
        facts = request.facts
        turned = tuple(replace(t, columns=t.columns[::-1]) for t in facts.tables[::-1])
        other = replace(
            request,
            facts=replace(facts, tables=turned, functions=facts.functions[::-1]),
            datasets=request.datasets[::-1],
            principal=replace(ANA, roles=ANA.roles[::-1]),
        )
        assert self._verdict(request).kind is VerdictKind.APPROVAL
        assert self._verdict(request) == self._verdict(other)

    def test_the_same_question_has_the_same_answer(self) -> None:
        """Asked again, of an engine made anew, and after any other question."""
        alone = [self._verdict(request) for request in REQUESTS]
        engine = self.house()
        for order in (REQUESTS, REQUESTS[::-1]):
            assert {r: safe_rule(engine, r) for r in order} == dict(zip(REQUESTS, alone, strict=True))

    def test_every_ruling_fits_its_request(self) -> None:
        """About a dataset and a column of the request, whole, and with the name of its policy."""
        engine = self.house()
        for request in REQUESTS:
            rulings = engine.rule(request)
            assert all(r.policy.strip() for r in rulings)
            codes = [r.code for r in decide(request, rulings, engine.version).reasons]
            assert "policy_ruling" not in codes, request

    def test_the_strictest_mask_and_cap_hold(self) -> None:
        """Of two masks the one that shows less, of two caps the smaller."""
        (mask,) = self._verdict(ask("client.name")).masks
        assert (mask.dataset, mask.column, mask.method) == ("client", "name", MaskMethod.REDACT)
        assert self._verdict(ask("account.id")).rows == 10

    def test_every_filter_holds(self) -> None:
        """Both policies' filters, with the principal's values; without the attribute no row passes."""

        def filters(who: Principal) -> Sequence[tuple[str, Op, tuple[object, ...]]]:
            return sorted((f.column, f.op, f.values) for f in self._verdict(ask("account.id", who=who)).filters)

        assert filters(ANA) == [("region", Op.IN, ("CZ",)), ("status", Op.IN, ("open",))]
        nobody = replace(ANA, attributes=())
        if self._verdict(ask("account.id", who=nobody)).kind is not VerdictKind.DENY:
            assert filters(nobody) == [("region", Op.IN, ()), ("status", Op.IN, ("open",))]

    def test_an_approval_keeps_its_obligations(self) -> None:
        """It names who may say yes, and the mask stays."""
        verdict = self._verdict(ask("client.name", purpose="audit"))
        assert (verdict.kind, verdict.approvers) == (VerdictKind.APPROVAL, ("petr",))
        assert [m.method for m in verdict.masks] == [MaskMethod.REDACT]

    def test_the_version_follows_the_policies(self) -> None:
        """The same set has the same version, a changed one another."""
        first = self.house().version
        assert first.strip()
        assert self.house().version == first
        assert self.changed().version != first
