"""Signed bundles: what OPA signs is taken, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from rego import build

from aureus_jupyter.adapters.policies.opa.bundle import read_bundle
from aureus_jupyter.adapters.policies.opa.failures import MalformedPlan
from aureus_jupyter.adapters.policies.opa.in_process import load_bundle
from aureus_jupyter.errors import Unavailable

SOURCE = "package trino\nimport rego.v1\nallow := data.open\n"
DATA = {"open": True, "zahl": 1.50, "text": "ü<&>\u2028", "list": [1e3, None]}
KEYS: Mapping[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "PS384": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
}


def public(key: Any) -> bytes:
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("signed")
    made = {}
    for algorithm, key in KEYS.items():
        pem = tmp_path_factory.mktemp("keys") / "key.pem"
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        options = ["--signing-alg", algorithm, "--signing-key", str(pem)]
        made[algorithm] = build(folder, {"p.rego": SOURCE}, ["trino/allow"], data=DATA, options=options)
    return made


@pytest.mark.parametrize("algorithm", KEYS)
def test_what_opa_signed_is_taken(signed: dict[str, Path], algorithm: str) -> None:
    bundle = read_bundle(signed[algorithm], public(KEYS[algorithm]))
    assert (bundle.signed, bundle.revision, bundle.data["open"]) == (True, "7", True)


@pytest.mark.parametrize("algorithm", KEYS)
def test_another_key_is_refused(signed: dict[str, Path], algorithm: str) -> None:
    for name, key in KEYS.items():
        if name != algorithm:
            with pytest.raises(MalformedPlan):
                read_bundle(signed[algorithm], public(key))


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {m.name.lstrip("/"): archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_packing_it_anew_changes_nothing_and_a_change_is_refused(signed: dict[str, Path], tmp_path: Path) -> None:
    files = members(signed["ES256"])
    key = public(KEYS["ES256"])
    again = read_bundle(packed(tmp_path / "again.tar.gz", files), key)
    assert again.digest == read_bundle(signed["ES256"], key).digest
    spaced = {**files, "data.json": json.dumps(json.loads(files["data.json"]), indent=4).encode()}
    changes = {
        "plan": {**files, "plan.json": files["plan.json"] + b" "},
        "data": {**files, "data.json": files["data.json"].replace(b"true", b"false")},
        "revision": {**files, ".manifest": files[".manifest"].replace(b"7", b"8")},
        "more": {**files, "more/data.json": b"{}"},
        "fewer": {name: data for name, data in files.items() if not name.endswith(".rego")},
        "unsigned": {name: data for name, data in files.items() if name != ".signatures.json"},
        "number": {**spaced, "data.json": spaced["data.json"].replace(b"1.5", b"1.50")},
    }
    for name, changed in changes.items():
        with pytest.raises(MalformedPlan, match="bundle"):
            read_bundle(packed(tmp_path / f"{name}.tar.gz", changed), key)


def test_a_token_that_was_tampered_with_is_refused(signed: dict[str, Path], tmp_path: Path) -> None:
    files = members(signed["RS256"])
    key = public(KEYS["RS256"])
    (token,) = json.loads(files[".signatures.json"])["signatures"]
    head, body, signature = token.split(".")
    with_secret = f"{part({'alg': 'HS256'})}.{body}"
    forged = base64.urlsafe_b64encode(hmac.new(key, with_secret.encode(), hashlib.sha256).digest()).decode().rstrip("=")
    tokens: Mapping[str, Any] = {
        "none": [f"{part({'alg': 'none'})}.{body}."],
        "public key as a secret": [f"{with_secret}.{forged}"],
        "other algorithm": [f"{part({'alg': 'PS256'})}.{body}.{signature}"],
        "other body": [f"{head}.{part({'files': []})}.{signature}"],
        "critical": [f"{part({'alg': 'RS256', 'crit': ['x']})}.{body}.{signature}"],
        "two": [token, token],
        "empty": [],
        "no token": ["abc"],
        "no text": [5],
        "padding": [f"{head}.{body}.{signature}=="],
        "no base64": [f"{head}.{body}.***"],
    }
    for name, wrong in tokens.items():
        changed = {**files, ".signatures.json": json.dumps({"signatures": wrong}).encode()}
        with pytest.raises(MalformedPlan):
            read_bundle(packed(tmp_path / f"{name}.tar.gz", changed), key)
    plugin = {**files, ".signatures.json": json.dumps({"signatures": [token], "plugin": "other"}).encode()}
    with pytest.raises(MalformedPlan):
        read_bundle(packed(tmp_path / "plugin.tar.gz", plugin), key)


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"no key",
        public(rsa.generate_private_key(65537, 1024)),
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        KEYS["RS256"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
    ids=["empty", "text", "short", "another kind", "private"],
)
def test_a_key_that_is_none_is_refused(signed: dict[str, Path], tmp_path: Path, key: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(key)
    with pytest.raises(Unavailable) as found:
        load_bundle(signed["RS256"], "trino", ["allow"], tmp_path / "key.pem")
    assert found.value.code == "policy_malformed"
