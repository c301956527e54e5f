"""The exchange with a model server: slow, cut, endless, rude, misconfigured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aureus_jupyter.adapters.copilots.openai_copilot import OpenAICopilot
from aureus_jupyter.adapters.copilots.wire import Endpoint, within
from aureus_jupyter.errors import Unavailable, UserError
from aureus_jupyter.testing import copilots as fake
from aureus_jupyter.testing.copilots import (
    ModelServer,
    context,
    good,
    raw,
    status,
)

KEY = "sk-KEYMARK-123"
ASKED = "how many loans are there"


STATUSES: dict[int, tuple[str, int]] = {
    401: ("copilot_auth", 1),
    403: ("copilot_auth", 1),
    404: ("copilot_rejected", 1),
    302: ("copilot_rejected", 1),
    204: ("copilot_rejected", 1),
    400: ("copilot_rejected", 3),
    422: ("copilot_rejected", 3),
    408: ("copilot_unreachable", 3),
    429: ("copilot_rate_limited", 3),
    500: ("copilot_unreachable", 3),
    503: ("copilot_unreachable", 3),
    501: ("copilot_unreachable", 1),
}


@pytest.mark.parametrize("code", STATUSES)
def test_a_status_becomes_an_error_that_quotes_nothing(code: int, ask: Any, failure: Any) -> None:
    body = b"" if code == 204 else f'{{"error":{{"message":"SERVERMARK {KEY}"}}}}'.encode()
    with ModelServer(status(code, ("Location", "/elsewhere"), body=body)) as server:
        made = ask(server)
        error = failure(made)
        assert (error.code, len(server.requests)) == STATUSES[code]
        assert {r.path for r in server.requests} == {"/v1/chat/completions"}, "a redirect is not followed"
    assert isinstance(error, Unavailable)
    assert "SERVERMARK" not in str(error)
    assert str(code) in error.message
    assert made.tokens_spent == 0


def test_a_rate_limit_that_passes_is_waited_for(ask: Any, waits: Any) -> None:
    with ModelServer(status(429, ("Retry-After", "3")), status(503), good()) as server:
        assert ask(server).draft(ASKED, context()).by == "model:m-1"
    assert waits == [3.0, 1.0]


@pytest.mark.parametrize("after", ["3600", "11"])
def test_a_long_rate_limit_is_told_and_not_waited_for(after: str, ask: Any, failure: Any, waits: Any) -> None:
    with ModelServer(status(429, ("Retry-After", after))) as server:
        error = failure(ask(server))
        assert len(server.requests) == 1
    assert error.code == "copilot_rate_limited"
    assert f"wait {after} s" in error.message
    assert waits == []


@pytest.mark.parametrize("after", ["soon", "-1", "9" * 400, "Wed, 21 Oct 2026 07:28:00 GMT", "nan", "١"])
def test_an_odd_retry_after_is_not_used(after: str, ask: Any, waits: Any) -> None:
    with ModelServer(status(429, ("Retry-After", after)) if after.isascii() else status(429), good()) as server:
        ask(server).draft(ASKED, context())
    assert waits == [0.5]


def test_the_default_wait_waits() -> None:
    with ModelServer(status(429, ("Retry-After", "0")), good()) as server:
        made = OpenAICopilot(base_url=server.url, model="m", key=KEY)
        assert made.draft(ASKED, context()).by == "model:m"
        assert len(server.requests) == 2


@pytest.mark.parametrize("cue", [fake.stalls, fake.trickles, fake.dribbles])
def test_the_deadline_holds_whatever_is_slow(cue: fake.Cue, ask: Any, failure: Any) -> None:
    with ModelServer(cue) as server:
        made = ask(server, timeout=1.5)
        error = failure(made)
        assert len(server.requests) == 1
    assert error.code == "copilot_timeout"
    assert made.tokens_spent > 0, "a server may have worked for nothing; that is charged"


@pytest.mark.parametrize("cue", [fake.cut_body, fake.cut_stream, fake.hangs_up])
def test_an_answer_that_breaks_off(cue: fake.Cue, ask: Any, failure: Any) -> None:
    with ModelServer(cue) as server:
        made = ask(server)
        error = failure(made)
        assert server.url in error.message
    assert error.code == "copilot_unreachable"
    assert made.tokens_spent == 0


def test_nobody_there(ask: Any, failure: Any) -> None:
    with ModelServer(good()) as server:
        url = server.url
    assert failure(ask(url)).code == "copilot_unreachable"


def test_an_answer_without_end(ask: Any, failure: Any) -> None:
    with ModelServer(fake.floods) as server:
        error = failure(ask(server))
    assert error.code == "copilot_bad_reply"
    assert "256 KiB" in error.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"<html>SERVERMARK</html>",
        b'{"choices":[]}',
        b'{"choices":[{}]}',
        b"[" * 100000,
        b'{"choices":[{"message":{"content":["SERVERMARK"]}}]}',
        b'{"choices":[{"message":"SERVERMARK"}]}',
    ],
    ids=[f"body {n}" for n in range(11)],
)
def test_an_answer_that_is_no_completion(body: bytes, ask: Any, failure: Any) -> None:
    with ModelServer(raw(body)) as server:
        error = failure(ask(server))
        assert len(server.requests) == 1
    assert error.code == "copilot_bad_reply"
    assert "SERVERMARK" not in str(error)


def test_a_plainer_request_where_the_server_knows_less(ask: Any) -> None:
    with ModelServer(status(400), status(422), good()) as server:
        made = ask(server)
        made.draft(ASKED, context())
        made.draft(ASKED, context())
    shapes = [sorted(set(r.json) - {"messages", "model"}) for r in server.requests]
    assert shapes == [
        ["max_completion_tokens", "response_format", "temperature"],
        ["max_completion_tokens", "response_format"],
        ["max_tokens"],
        ["max_tokens"],
    ]


def test_azure_speaks_to_its_deployment(ask: Any) -> None:
    with ModelServer(good()) as server:
        made = ask(server.url, api="azure", api_version="2024-10-21", model="dep-1")
        assert made.draft(ASKED, context()).by == "model:dep-1"
    (request,) = server.requests
    assert request.path == "/openai/deployments/dep-1/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers


def test_azure_fails_alike(ask: Any, failure: Any) -> None:
    with ModelServer(status(401)) as server:
        made = ask(server.url, api="azure", api_version="2024-10-21", model="dep-1")
        assert failure(made).code == "copilot_auth"


@pytest.mark.parametrize(
    "how",
    [
        {"api": "other"},
        {"model": " "},
        {"base_url": ""},
        {"base_url": "ftp://host/v1"},
        {"base_url": "http://"},
        {"base_url": "http://[::1"},
        {"base_url": "http://host:99999"},
        {"base_url": "https://user:URLMARK@host/v1"},
        {"base_url": "https://host/v1?key=URLMARK"},
        {"api": "azure"},
        {"api": "azure", "api_version": "1", "key": ""},
        {"key": f"{KEY}\n"},
        {"key": f"{KEY}é"},
    ],
)
def test_settings_that_cannot_work(how: dict[str, str], ask: Any, failure: Any) -> None:
    error = failure(ask(how.pop("base_url", "http://127.0.0.1:1"), **how))
    assert isinstance(error, UserError)
    assert error.code == "copilot_settings"
    assert "URLMARK" not in str(error)


def test_no_secret_of_the_environment_goes_along(monkeypatch: pytest.MonkeyPatch, ask: Any) -> None:
    names = "OPENAI_API_KEY OPENAI_ADMIN_KEY OPENAI_ORG_ID OPENAI_PROJECT_ID AZURE_OPENAI_API_KEY AZURE_OPENAI_AD_TOKEN"
    for name in [*names.split(), "OPENAI_WEBHOOK_SECRET"]:
        monkeypatch.setenv(name, "ENVMARK")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/ENVMARK")
    with ModelServer(good()) as server:
        ask(server, key="").draft(ASKED, context())
        ask(server).draft(ASKED, context())
        ask(server.url, api="azure", api_version="1").draft(ASKED, context())
        assert b"ENVMARK" not in server.sent
        assert "authorization" not in server.requests[0].headers


def test_the_key_shows_in_no_text(ask: Any) -> None:
    endpoint = Endpoint(base_url="https://u:p@host:1/v1", model="m", key=KEY)
    assert KEY not in repr(endpoint)
    assert endpoint.where == "https://host:1"
    assert KEY not in f"{ask('http://h').name} {ask('http://h')!r}"


def test_what_is_late_is_left_behind() -> None:
    def raises() -> None:
        raise KeyError("x")

    wait: Callable[[], object] = raises
    with pytest.raises(KeyError):
        within(5, wait)
    assert within(5, lambda: 7) == 7


def test_a_key_is_fetched_when_it_is_used(ask: Any) -> None:
    fetched: list[str] = []

    def key() -> str:
        fetched.append(KEY)
        return KEY

    with ModelServer(good()) as server:
        made = ask(server, key=key)
        made.draft("loans with PD above 5%", context())
        assert fetched == []
        made.draft(ASKED, context())
        assert fetched == [KEY]
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
