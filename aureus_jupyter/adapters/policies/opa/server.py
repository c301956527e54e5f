"""A bank's own OPA server, asked over HTTP: `POST /v1/data/PACKAGE/RULE`.

Fail closed: another status than 200, a redirect, an answer that is late, large, no JSON, or without `result` is no answer. Every
answer of a decision must come from one revision of the same bundles, and there must be one: what decides is recorded, and
a decision that is remembered holds only as long as it. Built-ins are asked for strictly, as in process.
Source: Open Policy Agent, "REST API: Get a Document (with Input)" and "Provenance".
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure
from aureus_jupyter.adapters.policies.opa.policies import OpaPolicies, Session, checked_rules
from aureus_jupyter.adapters.policies.opa.request import Value
from aureus_jupyter.adapters.policies.opa.terms import parse_json
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.canonical import digest_json

__all__ = ["MAX_ANSWER", "OpaServer", "open_server"]

MAX_ANSWER: Final = 1024 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_HINT: Final = "Check opa_server and that the server is up. Until it answers nothing may be read."


def _failed(message: str, code: str = "opa_server") -> Unavailable:
    return Unavailable(code, message, hint=_HINT)


class OpaServer:
    """One server. `seconds` bounds all questions of a decision together; `token` gives the bearer token, read anew each time."""

    def __init__(self, url: str, package: str, seconds: float = 5.0, token: Callable[[], str] | None = None) -> None:
        """Raises Unavailable `opa_server` for an address that is none, or that holds a password."""
        parts = _split(url)
        if parts is None or "@" in parts.netloc or parts.query or parts.fragment:
            raise _failed("opa_server is no http or https address, or holds a password or a query")
        self._parts = parts
        self._package = package
        self._seconds = seconds
        self._token = token

    @property
    def where(self) -> str:
        """Scheme, host and port, for messages."""
        return f"{self._parts.scheme}://{self._parts.netloc[:100]}"

    @property
    def version(self) -> tuple[str, str]:
        """The revisions of the server's bundles, asked for now, and a digest over them. Raises Unavailable."""
        with contextlib.closing(self._connection()) as connection:
            found = self.revisions(self._post(connection, "aureus_revision", {}, self._seconds))
        return ",".join(found.values())[:200], digest_json(found)

    @property
    def timed(self) -> bool:
        """True: what the server's policy asks for, its own clock among it, is not known here."""
        return True

    def session(self, at: str) -> Session:
        """Begin a decision: one connection for all its questions. The server has its own time."""
        return _Session(self, self._connection(), self._seconds)

    def revisions(self, answer: Mapping[str, Any]) -> dict[str, str]:
        """Return which revision of which bundle answered. Raises Unavailable where the server does not say."""
        provenance = answer.get("provenance")
        bundles = provenance.get("bundles") if isinstance(provenance, dict) else None
        held = {} if not isinstance(bundles, dict) else bundles
        found = {name: held[name].get("revision") for name in sorted(held) if isinstance(held[name], dict)}
        if not found or not all(isinstance(r, str) and r.isprintable() and r for r in found.values()):
            raise _failed(f"the OPA server at {self.where} does not say which revision of which bundle answers")
        return found

    def ask(
        self, connection: http.client.HTTPConnection, rule: str, given: Mapping[str, Any], seconds: float
    ) -> Mapping[str, Any]:
        """Return a rule's whole answer: `result`, unless it is undefined, and `provenance`."""
        return self._post(connection, f"{self._package}/{rule}", given, seconds)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._seconds, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._seconds)

    def _post(
        self, connection: http.client.HTTPConnection, path: str, given: Mapping[str, Any], seconds: float
    ) -> Mapping[str, Any]:
        body = json.dumps({"input": given}).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        token = self._token() if self._token is not None else ""
        if token and self._parts.scheme != "https" and self._parts.hostname not in _LOOPBACK:
            raise _failed("opa_token goes only to an https address")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        target = f"{self._parts.path.rstrip('/')}/v1/data/{quote(path)}?provenance=true&strict-builtin-errors=true"
        try:
            with _deadline(connection, seconds):
                connection.request("POST", target, body, headers)
                response = connection.getresponse()
                status = response.status
                data = response.read(MAX_ANSWER + 1) if status == 200 else b""
        except (OSError, http.client.HTTPException, ValueError) as cause:
            connection.close()
            # The library's own words may quote the token or the server's bytes.
            raise _failed(f"the OPA server at {self.where} did not answer ({type(cause).__name__})") from None
        if status != 200:
            connection.close()
            raise _failed(f"the OPA server at {self.where} answered with the status {status}")
        return self._parsed(data)

    def _parsed(self, data: bytes) -> Mapping[str, Any]:
        if len(data) > MAX_ANSWER:
            raise _failed(f"the OPA server at {self.where} sent more than {MAX_ANSWER // 1024} KiB for one answer")
        try:
            answer = parse_json(data)
        except EvaluationFailure:
            answer = None
        if not isinstance(answer, dict):
            raise _failed(f"the OPA server at {self.where} sent something that is no answer")
        return answer


class _Session:
    def __init__(self, server: OpaServer, connection: http.client.HTTPConnection, seconds: float) -> None:
        self._server = server
        self._until = time.monotonic() + seconds
        self._connection = connection
        self._revisions: dict[str, str] = {}

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    @property
    def value(self) -> Value:
        return _unchanged

    def ask(self, rule: str, given: Mapping[str, Any]) -> Any:
        left = self._until - time.monotonic()
        if left <= 0:
            raise _failed(f"the OPA server at {self._server.where} did not answer all questions in time")
        answer = self._server.ask(self._connection, rule, given, left)
        revisions = self._server.revisions(answer)
        if self._revisions not in ({}, revisions):
            raise _failed("the OPA server changed its policy in the middle of a decision; run the cell again")
        self._revisions = revisions
        if "result" not in answer:
            # The server says the same of a rule that is undefined and of a policy that is not loaded.
            raise EvaluationFailure(f"the OPA server has no result for the rule {rule}")
        return answer["result"]


def _unchanged(item: Any) -> Any:
    return item


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if known else None


@contextlib.contextmanager
def _deadline(connection: http.client.HTTPConnection, seconds: float) -> Any:
    """End an exchange when its time is up, however slowly bytes trickle in."""

    def cut() -> None:
        if connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def open_server(
    url: str,
    package: str,
    rules: Sequence[str],
    seconds: float = 5.0,
    token: Callable[[], str] | None = None,
) -> OpaPolicies:
    """Return the policy engine behind a server. Asks it nothing yet. Raises Unavailable (`opa_server`, `opa_rules`)."""
    return OpaPolicies(OpaServer(url, package, seconds, token), package, checked_rules(rules))
