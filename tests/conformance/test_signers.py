"""The Ed25519 signer meets the port, and the trust file takes what the port promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from aureus_jupyter.adapters.signers.ed25519 import Ed25519Signer, load_or_create, verify_ed25519
from aureus_jupyter.adapters.signers.trust import add_trust, read_trust
from aureus_jupyter.testing.signers import SignerConformance


class TestEd25519(SignerConformance):
    @pytest.fixture(autouse=True)
    def keys(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def signer(self) -> Ed25519Signer:
        return load_or_create(self.folder / "keys", "runner", "ana")

    def other(self) -> Ed25519Signer:
        return load_or_create(self.folder / "others", "runner", "petr")

    def verify(self, public: bytes, sig: bytes, data: bytes) -> bool:
        return verify_ed25519(public, sig, data)

    def test_the_trust_file_holds_the_public_part(self) -> None:
        public, path = self.signer().public(), self.folder / "trust.json"
        add_trust(path, [public])
        assert read_trust(path) == (public,)


class TestDefaultVerification(TestEd25519):
    """What the suite takes for a signature when nothing else is said."""

    verify = SignerConformance.verify
