"""Each check of each suite can fail: an adapter with one thing broken fails the check that is about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.adapters.signers.ed25519 import Ed25519Signer, verify_ed25519
from aureus_jupyter.core.dsse import pae
from aureus_jupyter.testing.policies import PolicyConformance
from aureus_jupyter.testing.signers import SignerConformance
from aureus_jupyter.testing.stores import RunStoreConformance
from aureus_jupyter.testing.suites import checks, failures
from aureus_jupyter.values.evidence import Envelope, Signature
from aureus_jupyter.values.verdict import Effect, Mask, MaskMethod, Ruling

# -- stores ------------------------------------------------------------------------------------------------------------

STORES = {
    "NoBox": "it_is_a_store_and_a_box",
    "ChangesLineEnds": "bytes_are_read_back_exactly",
    "LowersNames": "plain_names_are_kept",
    "TakesAnyName": "names_that_lead_elsewhere_are_refused",
    "Replaces": "a_pack_is_never_replaced of_writers_that_come_at_once_one_seals",
    "NewestFirst": "packs_are_listed_oldest_first",
    "DoesNotCount": "the_journal_counts",
    "StartsRefusedRuns": "the_journal_counts",
    "Unlocked": "of_writers_that_come_at_once_one_appends",
    "ForgetsInterrupted": "a_run_that_goes_on_is_not_interrupted a_kill_at_each_step_leaves_a_whole_pack_or_none",
    "CallsTheLivingDead": "a_run_that_goes_on_is_not_interrupted",
    "TellsOnce": "a_run_that_goes_on_is_not_interrupted",
    "NewestInterruptedFirst": "interrupted_runs_come_oldest_first",
    "WritesInPlace": "a_kill_at_each_step_leaves_a_whole_pack_or_none a_failure_at_each_step_is_told_and_leaves_no_half",
    "RawErrors": "a_failure_at_each_step_is_told_and_leaves_no_half",
    "FailsAfterTheFact": "a_failure_at_each_step_is_told_and_leaves_no_half",
    "WritesThroughLinks": "links_are_not_written_through",
    "ListsLinks": "links_are_not_written_through",
    "LosesAnswers": "requests_and_answers_are_kept",
    "FindsNoRequest": "what_is_asked_already_is_found",
    "FindsAnsweredRequests": "what_is_asked_already_is_found",
    "WritesAnswersAnew": "requests_and_answers_are_kept",
    "StopsAtABrokenAnswer": "a_broken_answer_hides_no_good_one",
    "OldestAnswerFirst": "a_broken_answer_hides_no_good_one",
}


@pytest.mark.parametrize("name", STORES)
def test_a_broken_store_fails_at_its_check(name: str) -> None:
    class Broken(RunStoreConformance):
        factory = f"conformance.broken_stores:{name}"

    for check in STORES[name].split():
        with pytest.raises(Exception) as caught:
            getattr(Broken(), f"test_{check}")()
        assert "that makes the others failed" not in str(caught.value), (
            "the suite's own machinery must not be what fails"
        )


# -- signers -----------------------------------------------------------------------------------------------------------

KEYS = [Ed25519Signer(Ed25519PrivateKey.generate(), name, ("runner",)) for name in ("ana", "petr")]


class Signers(SignerConformance):
    """A suite over two keys, whose signer an edit bends."""

    bend: Callable[[Ed25519Signer], Any] = staticmethod(lambda signer: signer)

    def signer(self) -> Any:
        return type(self).bend(KEYS[0])

    def other(self) -> Any:
        return type(self).bend(KEYS[1])


def bent(signer: Ed25519Signer, sign: Any = None, **members: Any) -> Any:
    """Return a signer with other members; `sign` makes the envelope."""
    public = replace(signer.public(), **members)
    return SimpleNamespace(key_id=public.key_id, public=lambda: public, sign=sign or signer.sign)


def signing(signer: Ed25519Signer, data: Callable[[str, bytes], bytes], change: Any = lambda e: e) -> Any:
    """Return a signer that signs other bytes, or gives a changed envelope."""

    def sign(kind: str, payload: bytes) -> Envelope:
        signature = Signature(key_id=signer.key_id, sig=signer._key.sign(data(kind, payload)))
        return change(Envelope(payload_type=kind, payload=payload, signatures=(signature,)))

    return bent(signer, sign)


def named(signer: Ed25519Signer) -> Any:
    """Return a signer whose key has a name somebody gave."""

    def sign(kind: str, payload: bytes) -> Envelope:
        (signature,) = signer.sign(kind, payload).signatures
        return Envelope(
            payload_type=kind, payload=payload, signatures=(replace(signature, key_id=signer._trusted.owner),)
        )

    return bent(signer, sign, key_id=signer._trusted.owner)


def trimmed(signer: Ed25519Signer) -> Any:
    """Return a signer that signs, consistently, what is left of the payload."""
    return bent(signer, lambda kind, payload: signer.sign(kind, payload.strip()))


def run_together(data: bytes) -> bytes:
    """Return what a signature covers whose author forgot the lengths."""
    _, size, rest = data.split(b" ", 2)
    kind, rest = rest[: int(size)], rest[int(size) + 1 :]
    return kind + rest.partition(b" ")[2]


SIGNERS: dict[str, tuple[Any, Any, str]] = {
    "nobody's": (lambda s: bent(s, owner=" "), None, "it_is_a_signer"),
    "a role of its own": (lambda s: bent(s, roles=("runner", "admin")), None, "it_is_a_signer"),
    "a given name": (named, None, "the_key_id_is_the_digest_of_the_public_part"),
    "a new key each time": (
        lambda s: Ed25519Signer(Ed25519PrivateKey.generate(), "ana", ("runner",)),
        None,
        "the_key_stays_the_same",
    ),
    "trimmed payload": (trimmed, None, "what_is_signed_is_what_was_given"),
    "the payload alone": (
        lambda s: signing(s, lambda kind, payload: payload),
        None,
        "the_key_stays_the_same a_signature_verifies_with_its_public_part an_unknown_key_is_refused_with_a_code",
    ),
    "believes everything": (
        None,
        lambda public, sig, data: True,
        "it_verifies_with_no_other_key one_flipped_bit_fails type_and_payload_cannot_run_into_each_other "
        "an_unknown_key_is_refused_with_a_code",
    ),
    "does not look at the end": (None, lambda p, s, d: verify_ed25519(p, s[:64], d), "one_flipped_bit_fails"),
    "no lengths": (
        lambda s: signing(s, lambda kind, payload: run_together(pae(kind, payload))),
        lambda p, s, d: verify_ed25519(p, s, run_together(d)),
        "type_and_payload_cannot_run_into_each_other",
    ),
    "another key's id": (
        lambda s: signing(s, pae, lambda e: replace(e, signatures=(replace(e.signatures[0], key_id=KEYS[1].key_id),))),
        None,
        "what_is_signed_is_what_was_given an_unknown_key_is_refused_with_a_code",
    ),
}


def signers(name: str) -> Signers:
    bend, verify, _ = SIGNERS[name]
    members = {**({"bend": staticmethod(bend)} if bend else {}), **({"verify": staticmethod(verify)} if verify else {})}
    made: Signers = type("Broken", (Signers,), members)()
    return made


@pytest.mark.parametrize("name", SIGNERS)
def test_a_broken_signer_fails_at_its_check(name: str) -> None:
    assert {f"test_{check}" for check in SIGNERS[name][2].split()} <= set(failures(signers(name)))


# -- policies ----------------------------------------------------------------------------------------------------------

HOUSE = (Path(__file__).parent / "house.policy.yaml").read_text("utf-8")
Rulings = Sequence[Ruling]


class Bent:
    """A policy engine whose rulings an edit bends."""

    def __init__(self, engine: Any, change: Callable[[Any, Rulings], Rulings], version: str = "") -> None:
        self.engine, self.change, self.version = engine, change, version or engine.version

    @property
    def timed(self) -> bool:
        return False

    def rule(self, request: Any) -> Rulings:
        return self.change(request, self.engine.rule(request))


class Policies(PolicyConformance):
    """A suite over our own policies, whose engine an edit bends."""

    kind = Bent

    def __init__(self, folder: Path, change: Callable[[Any, Rulings], Rulings], version: str = "") -> None:
        self.folder, self.change_of, self.fixed = folder, change, version
        self.nothing: Any = Bent(SimpleNamespace(version="v", rule=lambda request: []), lambda request, found: found)
        self.broken_set = self.failing = self.nothing

    def of(self, text: str) -> Bent:
        (self.folder / "a.policy.yaml").write_text(text, "utf-8")
        return self.kind(load_policies([self.folder]), self.change_of, self.fixed)

    def house(self) -> Any:
        return self.of(HOUSE)

    def changed(self) -> Any:
        return self.of(HOUSE.replace("rows: 10}", "rows: 11}"))

    def empty(self) -> Any:
        return self.nothing

    def unreadable(self) -> Any:
        return self.broken_set

    def erring(self) -> Any:
        return self.failing


def permits(request: Any, found: Rulings = ()) -> Rulings:
    """Permit every dataset of the request besides."""
    return [*found, *(Ruling(policy="all", effect=Effect.PERMIT, dataset=d.name) for d in request.datasets)]


def first_only(request: Any, found: Rulings) -> Rulings:
    return permits(request, [r for r in found if r.dataset == request.datasets[0].name])


def without(*words: str) -> Callable[[Any, Rulings], Rulings]:
    return lambda request, found: [r for r in found if r.policy not in words]


def other_code(request: Any, found: Rulings) -> Rulings:
    return [r if r.reason is None else replace(r, reason=replace(r.reason, code="denied")) for r in found]


def by_first_table(request: Any, found: Rulings) -> Rulings:
    return [r for r in found if r.effect is not Effect.MASK or r.dataset == request.datasets[0].name]


class Remembers(Bent):
    """A policy engine that does not forget a denial."""

    def rule(self, request: Any) -> Rulings:
        found = [*self.engine.rule(request), *vars(self).get("denials", ())]
        self.denials = [r for r in found if r.effect is Effect.DENY]
        return found


def strange(request: Any, found: Rulings) -> Rulings:
    mask = Mask(policy="x", dataset="account", column="nosuch", method=MaskMethod.NULL, reason="r")
    return [*found, Ruling(policy="x", effect=Effect.MASK, dataset="account", mask=mask)]


def no_empty_filter(request: Any, found: Rulings) -> Rulings:
    return [r for r in found if r.filter is None or r.filter.values]


def approval_alone(request: Any, found: Rulings) -> Rulings:
    held = any(r.effect is Effect.APPROVE for r in found)
    return [r for r in found if not held or r.effect is not Effect.MASK]


POLICIES: dict[str, tuple[Callable[[Any, Rulings], Rulings], str]] = {
    "says nothing": (lambda request, found: [], "it_is_an_engine_that_answers"),
    "permits all": (permits, "what_nobody_permits_is_refused one_decision_is_for_all_tables_and_columns"),
    "another code": (other_code, "a_denial_has_its_code_and_wins"),
    "the first table": (first_only, "one_decision_is_for_all_tables_and_columns"),
    "by the first table": (by_first_table, "the_order_of_the_facts_does_not_matter"),
    "strange rulings": (strange, "every_ruling_fits_its_request"),
    "the looser mask": (without("house.name-redact"), "the_strictest_mask_and_cap_hold"),
    "the looser cap": (without("house.cap-10"), "the_strictest_mask_and_cap_hold"),
    "one filter": (without("house.open"), "every_filter_holds"),
    "no filter without the attribute": (no_empty_filter, "every_filter_holds"),
    "an approval alone": (approval_alone, "an_approval_keeps_its_obligations"),
}
SETS = {
    "nothing": "an_empty_set_refuses_everything",
    "broken_set": "a_set_that_cannot_be_read_refuses_everything",
    "failing": "a_policy_that_errs_refuses",
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_broken_policy_engine_fails_at_its_check(name: str, tmp_path: Path) -> None:
    change, named = POLICIES[name]
    assert {f"test_{check}" for check in named.split()} <= set(failures(Policies(tmp_path, change)))


@pytest.mark.parametrize("name", SETS)
def test_a_set_that_opens_fails_at_its_check(name: str, tmp_path: Path) -> None:
    suite = Policies(tmp_path, lambda request, found: found)
    assert failures(suite) == {}
    setattr(suite, name, Bent(SimpleNamespace(version="v", rule=permits), lambda request, found: found))
    assert set(failures(suite)) == {f"test_{SETS[name]}"}


def test_an_engine_that_remembers_fails(tmp_path: Path) -> None:
    suite = Policies(tmp_path, lambda request, found: found)
    suite.kind = Remembers
    assert "test_the_same_question_has_the_same_answer" in failures(suite)


def test_a_version_that_stands_still_fails(tmp_path: Path) -> None:
    suite = Policies(tmp_path, lambda request, found: found, "v1")
    assert set(failures(suite)) == {"test_the_version_follows_the_policies"}


def test_every_check_has_an_adapter_that_fails_it() -> None:
    def of(words: Sequence[str]) -> list[str]:
        return sorted({f"test_{check}" for text in words for check in text.split()})

    assert of(list(STORES.values())) == checks(RunStoreConformance)
    assert of([named for _, _, named in SIGNERS.values()]) == checks(SignerConformance)
    policies = [*(named for _, named in POLICIES.values()), *SETS.values()]
    policies += ["the_version_follows_the_policies the_same_question_has_the_same_answer"]
    assert of(policies) == checks(PolicyConformance)
