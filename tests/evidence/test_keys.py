"""Keys and the trust file: made safely, refused when exposed or malformed."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aureus_jupyter.adapters.signers.ed25519 import key_ids, load_or_create, verify_ed25519
from aureus_jupyter.adapters.signers.secret import load_or_create_secret
from aureus_jupyter.adapters.signers.trust import add_trust, read_trust
from aureus_jupyter.core.dsse import pae
from aureus_jupyter.errors import EvidenceError


def test_a_key_is_made_once_with_mode_0600(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "keys", "runner", "ana")
    second = load_or_create(tmp_path / "keys", "runner", "ana")
    assert first.key_id == second.key_id
    path = tmp_path / "keys" / "runner.key.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["runner.key.pem"]
    envelope = first.sign("t", b"p")
    assert verify_ed25519(first.public().public, envelope.signatures[0].sig, pae("t", b"p"))
    assert not verify_ed25519(first.public().public, envelope.signatures[0].sig, b"other")
    assert not verify_ed25519(b"short", b"", b"")
    assert key_ids(tmp_path / "keys") == {first.key_id}


def test_kernels_that_start_at_once_end_with_one_key(tmp_path: Path, root: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; "
        "from aureus_jupyter.adapters.signers.ed25519 import load_or_create; "
        "print(load_or_create(Path(sys.argv[1]), 'runner', 'ana').key_id)"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "keys"), str(root)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert len({run.communicate()[0].strip() for run in runs}) == 1


def test_an_exposed_key_is_refused(tmp_path: Path) -> None:
    made = load_or_create(tmp_path, "runner", "ana")
    (tmp_path / "runner.key.pem").chmod(0o644)
    with pytest.raises(EvidenceError) as caught:
        load_or_create(tmp_path, "runner", "ana")
    assert caught.value.code == "key_exposed"
    assert key_ids(tmp_path) == {made.key_id}, "a key this account can use is its own, whoever else can use it"


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None]
)
def test_a_malformed_key_is_refused(data: bytes | None, tmp_path: Path) -> None:
    if data is None:
        data = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    path = tmp_path / "runner.key.pem"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(EvidenceError) as caught:
        load_or_create(tmp_path, "runner", "ana")
    assert caught.value.code == "key_malformed"


def test_a_key_that_cannot_be_written_or_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError) as caught:
        load_or_create(tmp_path / "file" / "keys", "runner", "ana")
    assert caught.value.code == "key_not_written"
    (tmp_path / "runner.key.pem").mkdir(mode=0o700)
    with pytest.raises(EvidenceError) as caught:
        load_or_create(tmp_path, "runner", "ana")
    assert caught.value.code == "key_unreadable"


def test_the_trust_file(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    assert read_trust(path) == ()
    first = load_or_create(tmp_path / "a", "runner", "ana").public()
    second = load_or_create(tmp_path / "b", "runner", "petr", ("approver",)).public()
    add_trust(path, [first])
    add_trust(path, [first, second])
    assert read_trust(path) == (first, second)
    before = path.read_bytes()
    add_trust(path, [second])
    assert path.read_bytes() == before


BAD = [
    "",
    "{}",
    "[]",
    '{"keys": [{}]}',
    '{"keys": [{"key_id": "sha256:0", "public": "AAAA", "owner": "a", "roles": []}]}',
    '{"keys": [], "keys": []}',
    '{"keys": [{"key_id": "sha256:0", "public": "AAAA", "owner": "a", "roles": {"runner": 1}}]}',
]


@pytest.mark.parametrize("text", BAD)
def test_a_malformed_trust_file_is_named_and_never_replaced(text: str, tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    path.write_text(text)
    with pytest.raises(EvidenceError) as caught:
        read_trust(path)
    assert caught.value.code == "trust_malformed"
    assert str(path) in caught.value.message
    with pytest.raises(EvidenceError):
        add_trust(path, [load_or_create(tmp_path / "a", "runner", "ana").public()])
    assert path.read_text() == text


def test_a_key_with_another_keys_id_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    add_trust(path, [load_or_create(tmp_path / "a", "runner", "ana").public()])
    value = json.loads(path.read_text())
    value["keys"][0]["key_id"] = "sha256:" + "0" * 64
    path.write_text(json.dumps(value))
    with pytest.raises(EvidenceError):
        read_trust(path)


def test_trust_in_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError) as caught:
        add_trust(tmp_path / "file" / "trust.json", [load_or_create(tmp_path / "a", "runner", "ana").public()])
    assert caught.value.code == "trust_not_written"
    (tmp_path / "dir").mkdir()
    with pytest.raises(EvidenceError) as caught:
        read_trust(tmp_path / "dir")
    assert caught.value.code == "trust_unreadable"


def test_the_secret_of_pseudonyms_is_kept_as_a_key_is(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "mask.key"
    made = load_or_create_secret(path)
    assert (len(made), load_or_create_secret(path)) == (32, made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(EvidenceError) as caught:
        load_or_create_secret(path)
    assert caught.value.code == "key_exposed"
    path.chmod(0o600)
    for data in (b"", made[:-1], made + b"\n"):
        path.write_bytes(data)
        with pytest.raises(EvidenceError) as caught:
            load_or_create_secret(path)
        assert caught.value.code == "key_malformed"
    path.unlink()
    path.mkdir(mode=0o700)
    with pytest.raises(EvidenceError) as caught:
        load_or_create_secret(path)
    assert caught.value.code == "key_unreadable"
    (tmp_path / "file").write_text("x")
    with pytest.raises(EvidenceError) as caught:
        load_or_create_secret(tmp_path / "file" / "mask.key")
    assert caught.value.code == "key_not_written"


def test_a_trust_file_of_a_version_to_come_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    path.write_text('{"version": 9, "keys": []}')
    with pytest.raises(EvidenceError) as caught:
        read_trust(path)
    assert caught.value.code == "trust_malformed"
