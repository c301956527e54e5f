"""What every `ports.Signer` must do, as tests an adapter's own suite inherits.

    class TestMine(SignerConformance):
        def signer(self): ...
        def other(self): ...

Needs no test framework beyond one that runs methods called `test_*`. Assumes no algorithm: `verify` says what a signature is,
and two signatures of the same bytes may differ. The trust file of this version holds Ed25519 keys, which is the default.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from aureus_jupyter.core.check import check_pack, signer_of
from aureus_jupyter.core.dsse import decode_envelope, encode_envelope, pae
from aureus_jupyter.core.evidence import PAYLOAD_TYPE, STATEMENT_FILE
from aureus_jupyter.ports import Signer
from aureus_jupyter.testing.processes import run_ids
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.evidence import Envelope, Signature, TrustedKey

__all__ = ["SignerConformance"]

KIND = "application/x-conformance"
SAMPLES = (b"", b"{}", bytes(range(256)), b"\xff\xfe", b"DSSEv1 4 test 0 ", b"x" * 1_000_000)


class SignerConformance:
    """The suite. `signer()` loads the same key each time, `other()` another one; both may sign runs."""

    @abstractmethod
    def signer(self) -> Signer:
        """Return the signer, loaded anew."""

    @abstractmethod
    def other(self) -> Signer:
        """Return a signer with another key."""

    def verify(self, public: bytes, sig: bytes, data: bytes) -> bool:
        """Whether `sig` is the signature of `data` by the public key. Never raises."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(public).verify(sig, data)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _known(self, envelope: Envelope, *trust: TrustedKey, role: str = "runner") -> TrustedKey | None:
        return signer_of(envelope, trust, role, self.verify)

    def _codes(self, envelope: Envelope, trust: Sequence[TrustedKey]) -> set[str]:
        """Return what checking a pack with this statement finds wrong with its signature."""
        files = {STATEMENT_FILE: encode_envelope(envelope)}
        found = check_pack(run_ids(1)[0], files, trust, self.verify).findings
        return {f.code for f in found} & {"unsigned", "unknown_key", "bad_signature"}

    def test_it_is_a_signer(self) -> None:
        """It has the port's methods, and its public part says whose it is."""
        made = self.signer()
        assert isinstance(made, Signer)
        public = made.public()
        assert public.owner.strip()
        assert "runner" in public.roles
        assert set(public.roles) <= {"runner", "approver"}

    def test_the_key_id_is_the_digest_of_the_public_part(self) -> None:
        """Which is what the trust file checks; a name somebody gave could be given to another key."""
        made = self.signer()
        assert made.key_id == made.public().key_id == digest_bytes(made.public().public)

    def test_the_key_stays_the_same(self) -> None:
        """Loaded again it is the same key; another key has another id."""
        first, again = self.signer(), self.signer()
        assert (first.key_id, first.public()) == (again.key_id, again.public())
        assert self.other().key_id != first.key_id
        assert self._known(first.sign(KIND, b"x"), again.public()) is not None

    def test_what_is_signed_is_what_was_given(self) -> None:
        """Type and payload come back exactly, also through the file; the signature names its key."""
        made = self.signer()
        for payload in SAMPLES:
            envelope = made.sign(KIND, payload)
            assert (envelope.payload_type, envelope.payload) == (KIND, payload)
            assert [s.key_id for s in envelope.signatures] == [made.key_id]
            assert decode_envelope(encode_envelope(envelope)) == envelope

    def test_a_signature_verifies_with_its_public_part(self) -> None:
        """Over the pre-authentication encoding, whatever the bytes; and so does the next one of the same bytes."""
        made = self.signer()
        for payload in (*SAMPLES, SAMPLES[0]):
            assert self._known(made.sign(KIND, payload), made.public()) == made.public()
        odd = made.sign("příloha", b"x")
        assert self.verify(made.public().public, odd.signatures[0].sig, pae("příloha", b"x"))

    def test_it_verifies_with_no_other_key(self) -> None:
        """Neither under the other's id nor under its own."""
        made, other = self.signer(), self.other().public()
        envelope = made.sign(KIND, b"x")
        assert self._known(envelope, other) is None
        assert self._known(envelope, replace(other, key_id=made.key_id)) is None
        assert self._known(envelope, replace(made.public(), roles=("approver",))) is None, "the role counts"

    def test_one_flipped_bit_fails(self) -> None:
        """In the signature, the payload or its type."""
        made = self.signer()
        envelope = made.sign(KIND, b"payload")
        (signature,) = envelope.signatures
        for sig in (*_flipped(signature.sig), b"", signature.sig[:-1], signature.sig + b"\x00", signature.sig * 2):
            changed = replace(envelope, signatures=(Signature(key_id=made.key_id, sig=sig),))
            assert self._known(changed, made.public()) is None, "a changed signature verifies"
        for payload in (*_flipped(b"payload"), b"", b"payload\x00"):
            assert self._known(replace(envelope, payload=payload), made.public()) is None, "changed bytes verify"
        for kind in ("", KIND + "x", KIND.upper()):
            assert self._known(replace(envelope, payload_type=kind), made.public()) is None, "another type verifies"

    def test_type_and_payload_cannot_run_into_each_other(self) -> None:
        """The same letters, divided otherwise, are another text."""
        made = self.signer()
        envelope = made.sign("ab", b"c")
        assert self._known(replace(envelope, payload_type="a", payload=b"bc"), made.public()) is None

    def test_an_unknown_key_is_refused_with_a_code(self) -> None:
        """Checking evidence says `unknown_key`, `bad_signature` for one that does not fit, and nothing for the right one."""
        made, other = self.signer(), self.other().public()
        envelope = made.sign(PAYLOAD_TYPE, b"{}")
        assert self._codes(envelope, [other, made.public()]) == set()
        assert self._codes(envelope, [other]) == {"unknown_key"}
        assert self._codes(envelope, []) == {"unknown_key"}
        assert self._codes(envelope, [replace(other, key_id=made.key_id)]) == {"bad_signature"}


def _flipped(data: bytes) -> list[bytes]:
    """Return the bytes with each of their bits flipped in turn."""
    number, size = int.from_bytes(data, "big"), len(data)
    return [(number ^ 1 << bit).to_bytes(size, "big") for bit in range(size * 8)]
