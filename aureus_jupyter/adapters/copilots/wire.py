"""One HTTP exchange with a model server, through the openai package, under one deadline.

Knows nothing of questions. Follows no redirect, so that a prompt and a key go only where the settings say. Does not
retry. Reads at most `MAX_BODY` bytes of an answer and no byte of an error's body.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from aureus_jupyter.errors import Unavailable, UserError

if TYPE_CHECKING:
    import openai

__all__ = ["MAX_BODY", "Endpoint", "StatusError", "post", "within"]

MAX_BODY = 256 * 1024
CONNECT_SECONDS = 5.0
_TURN = 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a model is. `api` is `openai` for any compatible server or `azure`; `key` never shows in a text."""

    base_url: str
    model: str
    api: str = "openai"
    api_version: str = ""
    key: str = field(default="", repr=False)

    @property
    def where(self) -> str:
        """Return scheme, host and port, for messages; never a path, a query or a password."""
        parts = urlsplit(self.base_url)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host[:100]}"

    def check(self) -> None:
        """Raise UserError `copilot_settings` when no request can be made of these settings."""
        for wrong, message, hint in self._faults():
            if wrong:
                raise UserError("copilot_settings", message, hint=hint)

    def _faults(self) -> tuple[tuple[bool, str, str], ...]:
        url = "copilot_base_url"
        parts = _split(self.base_url)
        return (
            (self.api not in {"openai", "azure"}, "copilot_api is openai or azure", "Set copilot_api to one of them."),
            (
                not self.model.strip(),
                "copilot_model is empty",
                "Set copilot_model to the model's or deployment's name.",
            ),
            (parts is None, f"{url} is no http or https address", f"Set {url}, for example https://host/v1."),
            (
                parts is not None and bool("@" in parts.netloc or parts.query or parts.fragment),
                f"{url} holds a password, a query or a fragment",
                f"Write only scheme, host and path into {url}, and the key's reference into copilot_key.",
            ),
            (
                self.api == "azure" and not self.api_version,
                "Azure needs copilot_api_version",
                "Set copilot_api_version.",
            ),
            (self.api == "azure" and not self.key, "Azure needs copilot_key", "Set copilot_key to env: or keyring:."),
            (
                not all("!" <= c <= "~" for c in self.key),
                "the key behind copilot_key holds a character that no key has",
                "Store the key again, without a space or a line break around it.",
            ),
        )


def _split(url: str) -> Any:
    """Return the parts of an http address, or None when it is none."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if known else None


class StatusError(Exception):
    """The server answered with a status that is not 200. `retry_after` is in seconds, or None."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after


def post(endpoint: Endpoint, body: Mapping[str, Any], seconds: float) -> bytes:
    """Send one chat completion request and return the answer's body.

    Raises StatusError, and Unavailable (`copilot_timeout`, `copilot_unreachable`, `copilot_bad_reply`). No error
    carries the key, the prompt or the server's words.
    """
    until = time.monotonic() + seconds
    try:
        return within(seconds, lambda: _exchange(endpoint, body, until))
    except TimeoutError:
        raise Unavailable(
            "copilot_timeout",
            f"the model server at {endpoint.where} did not finish in time",
            hint="Raise copilot_timeout, or ask a verified question, which needs no model.",
        ) from None


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise what it raises, or TimeoutError when the time is up.

    The time holds whatever `work` waits for: a name, a connection, a header that trickles in. Work that is late goes
    on in a daemon thread until its own limits end it; nobody hears of its outcome. A kernel interrupt ends the wait.
    """
    box: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def target() -> None:
        try:
            box.put((work(), None))
        except BaseException as error:
            box.put((None, error))

    threading.Thread(target=target, daemon=True, name="aureus-copilot").start()
    until = time.monotonic() + seconds
    while True:
        try:
            # In short turns: an interrupt that another thread takes, or Windows, does not end a long wait for a queue.
            value, error = box.get(timeout=max(0.0, min(_TURN, until - time.monotonic())))
            break
        except queue.Empty:
            if time.monotonic() >= until:
                raise TimeoutError from None
    if error is not None:
        raise error
    return cast(T, value)


def _exchange(endpoint: Endpoint, body: Mapping[str, Any], until: float) -> bytes:
    import openai

    left = max(0.001, until - time.monotonic())
    timeout = openai.Timeout(left, connect=min(CONNECT_SECONDS, left))
    client = openai.DefaultHttpxClient(
        follow_redirects=False,
        timeout=timeout,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_stop_on_status]},
    )
    with client:
        try:
            return _read(endpoint, _client(endpoint, client), body, until)
        except (TimeoutError, openai.APITimeoutError):
            raise TimeoutError from None
        except (StatusError, Unavailable):
            raise
        except openai.APIConnectionError as error:
            raise _unreachable(endpoint, error.__cause__) from None
        except Exception as error:
            # Whatever else the package raises may quote the key or the prompt, so only its kind is passed on.
            raise _unreachable(endpoint, error) from None


def _read(endpoint: Endpoint, client: openai.OpenAI, body: Mapping[str, Any], until: float) -> bytes:
    """Read a whole answer, bounded in size and in time between any two parts of it."""
    import httpx2  # what the openai package speaks HTTP with
    import openai

    create: Any = client.chat.completions.with_streaming_response.create
    without_key = {} if endpoint.key else {"extra_headers": {"Authorization": openai.Omit()}}
    found = bytearray()
    try:
        with create(**body, **without_key) as response:
            for part in response.iter_bytes():
                found += part
                if len(found) > MAX_BODY:
                    raise Unavailable(
                        "copilot_bad_reply",
                        f"the model server sent more than {MAX_BODY // 1024} KiB for one reply",
                        hint="Check that copilot_base_url is a model server's address.",
                    )
                if time.monotonic() > until:
                    raise TimeoutError
    except httpx2.TimeoutException:
        raise TimeoutError from None
    return bytes(found)


def _stop_on_status(response: Any) -> None:
    """End an exchange whose status is no success before any of its body is read."""
    if response.status_code != 200:
        raise StatusError(response.status_code, _seconds(response.headers.get("retry-after", "")))


def _seconds(text: str) -> float | None:
    """Return a Retry-After in seconds (RFC 9110 §10.2.3); a date, which needs a common clock, is not used."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _client(endpoint: Endpoint, client: Any) -> openai.OpenAI:
    """Make the package's client. Takes no key, organisation or project of the environment, whose server this may not be."""
    import openai

    own = {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}
    if endpoint.api == "azure":
        return openai.AzureOpenAI(
            azure_endpoint=endpoint.base_url,
            api_version=endpoint.api_version,
            api_key=endpoint.key,
            http_client=client,
            max_retries=0,
            timeout=client.timeout,
            default_headers=cast(Any, own),
        )
    return openai.OpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.key or "none",
        http_client=client,
        max_retries=0,
        timeout=client.timeout,
        default_headers=cast(Any, own),
    )


def _unreachable(endpoint: Endpoint, cause: BaseException | None) -> Unavailable:
    kind = type(cause).__name__ if cause is not None else "no answer"
    return Unavailable(
        "copilot_unreachable",
        f"the exchange with the model server at {endpoint.where} broke off ({kind})",
        hint="Check copilot_base_url and the network; verified questions and SQL work without a model.",
    )
