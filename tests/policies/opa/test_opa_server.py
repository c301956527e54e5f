"""A server that is down, slow, wrong or somebody else's refuses; none of its words reach a message."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rego import build, running

from aureus_jupyter.adapters.policies.opa.server import MAX_ANSWER, open_server
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.testing.policies import ask
from aureus_jupyter.values.verdict import VerdictKind

RULES = ("allow", "rowFilters", "batchColumnMasks")
REQUEST = ask("account.id")
PROVENANCE = {"bundles": {"b": {"revision": "7"}}}


def answer(body: object, status: str = "200 OK", headers: str = "") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\n{headers}\r\n".encode() + data


@contextmanager
def serving(reply: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """Serve each request on the loopback with `reply`, which writes raw bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        stopped = threading.Event()

        def loop() -> None:
            while not stopped.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=_talk, args=(connection, reply), daemon=True).start()

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopped.set()
            thread.join()


def _talk(connection: socket.socket, reply: Callable[[socket.socket, bytes], None]) -> None:
    with connection:
        connection.settimeout(5)
        try:
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    part = connection.recv(65536)
                    if not part:
                        return
                    head += part
                top, _, body = head.partition(b"\r\n\r\n")
                length = int(top.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += connection.recv(65536)
                reply(connection, top)
        except OSError:
            return


def fixed(data: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, head: connection.sendall(data)


def trickling(connection: socket.socket, head: bytes) -> None:
    """Send a right answer, which would be taken after many seconds."""
    pause = threading.Event()
    for byte in answer({"result": True, "provenance": PROVENANCE}):
        connection.sendall(bytes([byte]))
        pause.wait(0.1)


def silent(connection: socket.socket, head: bytes) -> None:
    connection.recv(1)


WRONG = {
    "no result": answer({"provenance": PROVENANCE}),
    "empty object": answer({}),
    "no provenance": answer({"result": True}),
    "no bundle": answer({"result": True, "provenance": {"bundles": {}}}),
    "no revision": answer({"result": True, "provenance": {"bundles": {"b": {"revision": ""}}}}),
    "null": answer(None),
    "a list": answer([True]),
    "no JSON": answer(b"true story"),
    "not UTF-8": answer(b"\xff\xfe"),
    "a key twice": answer(b'{"result": false, "result": true, "provenance": {"bundles": {"b": {"revision": "7"}}}}'),
    "deep": answer(b"[" * 100_000),
    "large": answer(b'{"result": "' + b"x" * (MAX_ANSWER + 10) + b'"}'),
    "redirect": answer({"result": True}, "302 Found", "Location: http://127.0.0.1:9/v1/data/x\r\n"),
    "server error": answer({"code": "internal_error", "message": "secret words"}, "500 Internal Server Error"),
    "not allowed": answer({"result": True, "provenance": PROVENANCE}, "401 Unauthorized"),
    "no content": answer(b"", "204 No Content"),
    "no HTTP": b"hello there\r\n\r\n",
    "cut": answer({"result": True, "provenance": PROVENANCE})[:-10],
    "text for allow": answer({"result": "true", "provenance": PROVENANCE}),
    "number for allow": answer({"result": 1, "provenance": PROVENANCE}),
    "null for allow": answer({"result": None, "provenance": PROVENANCE}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_refuses(name: str) -> None:
    def reply(connection: socket.socket, head: bytes) -> None:
        connection.sendall(WRONG[name])
        if name == "cut":
            connection.close()

    with serving(reply) as address:
        engine = open_server(address, "trino", RULES, seconds=2.0)
        verdict = safe_rule(_Fixed(engine), REQUEST)
    assert verdict.kind is VerdictKind.DENY
    assert [r.code for r in verdict.reasons] == ["policy_error"]
    assert "secret" not in str(verdict)


class _Fixed:
    """The engine with a version of its own, so that what is refused is the answer and not the version."""

    version = "v"

    def __init__(self, engine: object) -> None:
        self.rule = engine.rule  # type: ignore[attr-defined]


@pytest.mark.parametrize("reply", [trickling, silent])
def test_a_slow_server_refuses_in_time(reply: Callable[[socket.socket, bytes], None]) -> None:
    with serving(reply) as address:
        engine = open_server(address, "trino", RULES, seconds=0.3)
        with pytest.raises(Unavailable) as found:
            engine.rule(REQUEST)
    assert found.value.code == "opa_server"


def test_the_time_is_for_all_questions_together() -> None:
    """Each answer alone comes in time."""
    pause = threading.Event()

    def reply(connection: socket.socket, head: bytes) -> None:
        pause.wait(0.15)
        connection.sendall(answer({"result": True, "provenance": PROVENANCE}))

    with serving(reply) as address, pytest.raises(Unavailable):
        open_server(address, "trino", ("allow",), seconds=0.4).rule(REQUEST)


def test_a_server_that_is_down_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    engine = open_server(f"http://127.0.0.1:{port}", "trino", RULES)
    with pytest.raises(Unavailable, match="did not answer"):
        engine.rule(REQUEST)
    with pytest.raises(Unavailable):
        _ = engine.version


def test_a_right_answer_of_that_kind_is_taken() -> None:
    """So that the refusals above are about what is wrong in each."""

    def reply(connection: socket.socket, head: bytes) -> None:
        assert b"provenance=true&strict-builtin-errors=true" in head
        assert b"Authorization: Bearer sesame" in head
        found = True if b"/allow?" in head else []
        connection.sendall(answer({"result": found, "provenance": PROVENANCE}))

    with serving(reply) as address:
        engine = open_server(f"{address}/", "trino", RULES, token=lambda: "sesame")
        assert safe_rule(engine, REQUEST).kind is VerdictKind.ALLOW


def test_a_policy_that_changes_within_a_decision_refuses() -> None:
    revisions = iter(range(100))

    def reply(connection: socket.socket, head: bytes) -> None:
        told = {"bundles": {"b": {"revision": str(next(revisions))}}}
        connection.sendall(answer({"result": True, "provenance": told}))

    with serving(reply) as address, pytest.raises(Unavailable, match="middle of a decision"):
        open_server(address, "trino", ("allow",)).rule(REQUEST)


@pytest.mark.parametrize(
    "url", ["", "opa.example.com", "ftp://opa", "http://", "http://user:secret@opa", "http://opa?x=1", "http://opa:0"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Unavailable) as found:
        open_server(url, "trino", RULES)
    assert found.value.code == "opa_server"
    assert "secret" not in str(found.value)


def test_a_token_goes_nowhere_without_tls() -> None:
    engine = open_server("http://opa.invalid", "trino", RULES, token=lambda: "sesame")
    with pytest.raises(Unavailable, match="https") as found:
        engine.rule(REQUEST)
    assert "sesame" not in str(found.value)


OPEN = "package trino\nimport rego.v1\nallow := true\nrowFilters := []\nbatchColumnMasks := []\n"


def test_the_version_is_the_servers_and_changes_with_its_bundle(tmp_path: Path) -> None:
    entries = ["trino/allow"]
    first = build(tmp_path, {"p.rego": OPEN}, entries, revision="1")
    second = build(tmp_path, {"p.rego": OPEN}, entries, revision="2")
    with running("-b", str(first)) as one, running("-b", str(second)) as two:
        versions = [open_server(address, "trino", RULES).version for address in (one, one, two)]
        request = replace(REQUEST, purpose="review")
        assert safe_rule(open_server(one, "trino", RULES), request).kind is VerdictKind.ALLOW
    assert versions[0] == versions[1] != versions[2]


def test_a_server_whose_policy_has_no_revision_refuses(tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text(OPEN, "utf-8")
    with running(str(tmp_path / "p.rego")) as address:
        engine = open_server(address, "trino", RULES)
        with pytest.raises(Unavailable, match="revision"):
            engine.rule(REQUEST)
