"""Whatever is done to a pack, checking it names the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aureus_jupyter.adapters.signers.ed25519 import Ed25519Signer, load_or_create, verify_ed25519
from aureus_jupyter.adapters.stores.folder import FolderRunStore, read_pack
from aureus_jupyter.core.check import check_pack
from aureus_jupyter.core.dsse import decode_envelope, encode_envelope, pae, strict_json
from aureus_jupyter.core.evidence import PAYLOAD_TYPE, STATEMENT_FILE, pack_files, statement_bytes
from aureus_jupyter.errors import EvidenceError
from aureus_jupyter.service.sealing import seal
from aureus_jupyter.values.evidence import Envelope, TrustedKey, Verification
from aureus_jupyter.values.run import Run

AT = "2026-03-01T10:00:00.000000Z"


def check(sealed: Run, signer: Ed25519Signer, trust: list[TrustedKey] | None = None) -> Verification:
    keys = [signer.public()] if trust is None else trust
    return check_pack(sealed.evidence, read_pack(Path(sealed.evidence)), keys, verify_ed25519)


def found(verification: Verification) -> set[tuple[str, str]]:
    return {(f.file, f.code) for f in verification.findings}


def test_a_sound_pack_verifies(sealed: Run, signer: Ed25519Signer) -> None:
    result = check(sealed, signer)
    assert result.ok
    assert (result.run_id, result.verdict) == (sealed.id, "masked")
    assert result.signer.startswith("ana (sha256:")
    assert sealed.state == "sealed"


def test_every_byte_of_every_file_counts(sealed: Run, signer: Ed25519Signer) -> None:
    files = read_pack(Path(sealed.evidence))
    keys = [signer.public()]
    for name, data in files.items():
        for place in range(0, len(data), max(1, len(data) // 40)):
            changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            result = check_pack(sealed.evidence, {**files, name: changed}, keys, verify_ed25519)
            assert not result.ok, f"{name} byte {place}"
            assert name in {f.file for f in result.findings}


def test_missing_extra_renamed_truncated(sealed: Run, signer: Ed25519Signer) -> None:
    files = read_pack(Path(sealed.evidence))
    keys = [signer.public()]

    def codes(changed: dict[str, bytes]) -> set[tuple[str, str]]:
        return found(check_pack(sealed.evidence, changed, keys, verify_ed25519))

    for name in files:
        rest = {k: v for k, v in files.items() if k != name}
        if name == STATEMENT_FILE:
            assert codes(rest) == {(STATEMENT_FILE, "unsigned")}
            continue
        assert codes(rest) == {(name, "missing")}
        assert codes({**rest, "x" + name: files[name]}) == {(name, "missing"), ("x" + name, "not_listed")}
        assert codes({**files, name: files[name][:-1]}) == {(name, "changed")}
    assert codes({**files, "extra.txt": b""}) == {("extra.txt", "not_listed")}


def test_another_runs_statement_or_folder(sealed: Run, finished: Run, signer: Ed25519Signer, tmp_path: Path) -> None:
    other = replace(finished, id="20260301T100001Z-0123456789ac")
    second = seal(other, FolderRunStore(tmp_path / "m.aureus"), signer, AT)
    files = read_pack(Path(sealed.evidence))
    swapped = {**files, STATEMENT_FILE: read_pack(Path(second.evidence))[STATEMENT_FILE]}
    codes = found(check_pack(sealed.evidence, swapped, [signer.public()], verify_ed25519))
    assert (STATEMENT_FILE, "wrong_run") in codes
    moved = check_pack("elsewhere/20260301T100009Z-0123456789ab", files, [signer.public()], verify_ed25519)
    assert found(moved) == {(STATEMENT_FILE, "wrong_run")}


def test_keys_that_do_not_count(sealed: Run, signer: Ed25519Signer, tmp_path: Path) -> None:
    stranger = load_or_create(tmp_path / "other", "runner", "ana").public()
    assert found(check(sealed, signer, [])) == {(STATEMENT_FILE, "unknown_key")}
    assert found(check(sealed, signer, [stranger])) == {(STATEMENT_FILE, "unknown_key")}
    approver = replace(signer.public(), roles=("approver",))
    assert found(check(sealed, signer, [approver])) == {(STATEMENT_FILE, "bad_signature")}
    wrong = replace(stranger, key_id=signer.key_id)
    assert found(check(sealed, signer, [wrong])) == {(STATEMENT_FILE, "bad_signature")}


def test_nothing_rides_in_the_envelope_unsigned(sealed: Run, signer: Ed25519Signer) -> None:
    files = read_pack(Path(sealed.evidence))
    plain = json.loads(files[STATEMENT_FILE])
    url_safe = {**plain, "payload": plain["payload"].replace("+", "-").replace("/", "_")}
    signatures = [{**plain["signatures"][0], "note": "approved"}]
    others = [
        json.dumps(plain, indent=2).encode(),
        json.dumps({**plain, "note": "approved by petr"}).encode(),
        json.dumps({**plain, "signatures": signatures}).encode(),
        encode_envelope(decode_envelope(files[STATEMENT_FILE])).rstrip(),
        files[STATEMENT_FILE] + b" ",
    ]
    others += [json.dumps(url_safe).encode()] if url_safe != plain else []
    for data in others:
        result = check_pack(sealed.evidence, {**files, STATEMENT_FILE: data}, [signer.public()], verify_ed25519)
        assert found(result) == {(STATEMENT_FILE, "malformed")}, data[-60:]


def test_a_run_signed_with_another_persons_key(sealed: Run, signer: Ed25519Signer) -> None:
    other = replace(signer.public(), owner="petr")
    result = check(sealed, signer, [other])
    assert found(result) == {(STATEMENT_FILE, "wrong_signer")}
    assert "petr" in result.findings[0].why
    assert check(sealed, signer, [other, signer.public()]).ok, "one key may be trusted for several owners"


def resign(
    finished: Run, signer: Ed25519Signer, change: Callable[[dict[str, object]], None], kind: str = PAYLOAD_TYPE
) -> Verification:
    """Seal a statement that was changed before it was signed: the signature is sound, the content is not."""
    files = pack_files(finished)
    value = json.loads(statement_bytes(finished, files, AT))
    change(value)
    from aureus_jupyter.values.canonical import canonical_json

    envelope = encode_envelope(signer.sign(kind, canonical_json(value)))
    data = {f.name: f.data for f in files} | {STATEMENT_FILE: envelope}
    return check_pack(finished.id, data, [signer.public()], verify_ed25519)


BROKEN = {
    "another type of statement": (lambda s: s.update(_type="x"), "wrong_type"),
    "another predicate": (lambda s: s.update(predicateType="x"), "wrong_type"),
    "no predicate": (lambda s: s.pop("predicate"), "malformed"),
    "a predicate that is a list": (lambda s: s.update(predicate=[]), "malformed"),
    "no run": (lambda s: s["predicate"].update(run="../x"), "malformed"),
    "a path as a subject": (
        lambda s: s["subject"].append({"name": "../x", "digest": {"sha256": "0" * 64}}),
        "malformed",
    ),
    "a subject twice": (lambda s: s["subject"].append(s["subject"][0]), "malformed"),
    "a subject without a digest": (lambda s: s["subject"].append({"name": "x"}), "malformed"),
    "subjects that are no list": (lambda s: s.update(subject={}), "not_listed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_signed_nonsense(name: str, finished: Run, signer: Ed25519Signer) -> None:
    change, code = BROKEN[name]
    assert code in {f.code for f in resign(finished, signer, change).findings}


@pytest.mark.parametrize(
    ("reviews", "told"),
    [
        (
            [
                {
                    "policy": "p",
                    "dataset": "loan",
                    "reviewers": ["eva", "petr"],
                    "by": "2026-03-02T10:00:00Z",
                    "reason": "r",
                }
            ],
            ("asks eva or petr for a review of loan until 2026-03-02T10:00:00Z (policy p)",),
        ),
        ([], ()),
        ("soon", ()),
        ([{"policy": "p"}, 3, {"reviewers": 4}], ("asks for a review",) * 3),
    ],
)
def test_a_review_is_told_and_breaks_nothing(
    reviews: object, told: tuple[str, ...], finished: Run, signer: Ed25519Signer
) -> None:
    checked = resign(finished, signer, lambda statement: statement["predicate"].update(reviews=reviews))
    assert (checked.findings, checked.reviews) == ((), told)


def test_another_payload_type(finished: Run, signer: Ed25519Signer) -> None:
    assert "wrong_type" in {f.code for f in resign(finished, signer, lambda s: None, "text/plain").findings}


def pack_with(payload: bytes, finished: Run, signer: Ed25519Signer) -> set[tuple[str, str]]:
    data = {STATEMENT_FILE: encode_envelope(signer.sign(PAYLOAD_TYPE, payload))}
    return found(check_pack(finished.id, data, [signer.public()], verify_ed25519))


def test_payloads_that_are_no_statement(finished: Run, signer: Ed25519Signer) -> None:
    assert (STATEMENT_FILE, "malformed") in pack_with(b"{", finished, signer)
    assert (STATEMENT_FILE, "wrong_type") in pack_with(b"[]", finished, signer)
    files = pack_files(finished)
    spaced = json.dumps(json.loads(statement_bytes(finished, files, AT))).encode()
    assert (STATEMENT_FILE, "malformed") in pack_with(spaced, finished, signer)
    value = json.loads(statement_bytes(finished, files, AT))
    value["predicate"]["x"] = 1.5
    assert (STATEMENT_FILE, "malformed") in pack_with(json.dumps(value).encode(), finished, signer)


def test_no_signature_at_all(finished: Run, signer: Ed25519Signer) -> None:
    bare = Envelope(payload_type=PAYLOAD_TYPE, payload=statement_bytes(finished, [], AT), signatures=())
    result = check_pack(finished.id, {STATEMENT_FILE: encode_envelope(bare)}, [signer.public()], verify_ed25519)
    assert (STATEMENT_FILE, "unsigned") in found(result)


ENVELOPES = [
    b"",
    b"{",
    b"[]",
    b'{"payload":"","payloadType":"t"}',
    b'{"payload":1,"payloadType":"t","signatures":[]}',
    b'{"payload":"*","payloadType":"t","signatures":[]}',
    b'{"payload":"","payloadType":"t","signatures":[{}]}',
    b'{"payload":"","payloadType":"t","signatures":[1]}',
    b'{"payload":"","payload":"","payloadType":"t","signatures":[]}',
    b'{"payload":NaN,"payloadType":"t","signatures":[]}',
    b"\xff",
]


@pytest.mark.parametrize("data", ENVELOPES)
def test_malformed_envelopes(data: bytes, finished: Run, signer: Ed25519Signer) -> None:
    with pytest.raises(EvidenceError) as caught:
        decode_envelope(data)
    assert caught.value.code == "malformed"
    result = check_pack(finished.id, {STATEMENT_FILE: data}, [signer.public()], verify_ed25519)
    assert found(result) == {(STATEMENT_FILE, "malformed")}


def test_both_base64_alphabets_are_read_and_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    envelope = decode_envelope(b'{"payload":"-_8=","payloadType":"t","signatures":[{"sig":"AA=="}]}')
    assert envelope.payload == b"\xfb\xff"
    assert envelope.signatures[0].key_id == ""
    monkeypatch.setattr("aureus_jupyter.core.dsse.MAX_ENVELOPE", 3)
    with pytest.raises(EvidenceError):
        strict_json(b"[1,2]", "x")


def test_pae_is_the_specifications() -> None:
    # The example of the DSSE 1.0.2 protocol document.
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@pytest.mark.parametrize("depth", [300, 600, 900, 100_000])
def test_a_nested_statement_is_a_finding_and_no_crash(depth: int) -> None:
    head = (
        b'{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://aureus.dev/evidence/run/v1","predicate":'
    )
    payload = head + b"[" * depth + b"]" * depth + b"}"
    envelope = encode_envelope(Envelope(payload_type=PAYLOAD_TYPE, payload=payload, signatures=()))
    result = check_pack("runs/any", {STATEMENT_FILE: envelope}, (), verify_ed25519)
    assert {(STATEMENT_FILE, "unsigned"), (STATEMENT_FILE, "malformed")} <= found(result)
