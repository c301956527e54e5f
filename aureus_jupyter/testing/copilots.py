"""What every `ports.Copilot` must do, and a model server that misbehaves on cue.

    class TestMine(CopilotConformance):
        def copilot(self): ...

Needs no test framework beyond one that runs methods called `test_*`.
"""

from __future__ import annotations

import json
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from aureus_jupyter.errors import AureusError, UserError
from aureus_jupyter.ports import Copilot, CopilotContext
from aureus_jupyter.testing.engines import raised
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Question, Slot
from aureus_jupyter.values.draft import Origin

__all__ = ["CATALOG", "CopilotConformance", "Cue", "ModelServer", "Request", "completion", "context", "good", "reply"]

CATALOG = Catalog(
    datasets=(
        Dataset(
            name="loan",
            pack="test",
            source="loan",
            columns=(
                Column(name="loan_id", type="VARCHAR", key=True),
                Column(name="pd", type="DOUBLE", description="Probability of default"),
            ),
        ),
    ),
    questions=(
        Question(
            id="above",
            phrasings=("loans with PD above {pd}",),
            sql="SELECT count(*) AS loans FROM loan WHERE pd > :pd",
            slots=(Slot(name="pd", kind="percent", default="10 %"),),
        ),
    ),
)


class CopilotConformance:
    """The tests. `copilot()` gives a copilot that has not been asked yet; `unanswerable` is a question it cannot answer."""

    unanswerable = "zebra quagga okapi"

    @abstractmethod
    def copilot(self) -> Copilot:
        """Return a new copilot."""

    def test_it_is_a_copilot_with_a_name(self) -> None:
        made = self.copilot()
        assert isinstance(made, Copilot)
        assert made.name.strip()

    def test_a_verified_question_needs_no_model(self) -> None:
        draft = self.copilot().draft("Loans with PD above 7 %?", context())
        assert draft.by == "verified:above"
        assert draft.origin is Origin.QUESTION
        assert draft.sql == CATALOG.questions[0].sql, "a slot is bound, never written into the text"
        assert draft.parameters == (("pd", 0.07),)
        assert draft.note

    def test_without_tokens_no_model_is_asked(self) -> None:
        """What needs no model is answered all the same; for anything else nothing is spent."""
        made = self.copilot()
        none = replace(context(), tokens=0)
        assert made.draft("Loans with PD above 7 %?", none).by == "verified:above"
        raised(AureusError, lambda: made.draft(self.unanswerable, none))
        assert made.tokens_spent == 0

    def test_what_it_cannot_answer_is_an_error_with_a_hint(self) -> None:
        made = self.copilot()
        error = raised(AureusError, lambda: made.draft(self.unanswerable, context()))
        assert error.code
        assert "loans with PD above 10 %" in error.hint, "the hint names the nearest verified question"

    def test_without_a_catalog_nothing_is_made_up(self) -> None:
        made = self.copilot()
        nothing = context(catalog=Catalog(datasets=()))
        error = raised(AureusError, lambda: made.draft(self.unanswerable, nothing))
        assert error.hint


def context(*feedback: tuple[str, str], catalog: Catalog = CATALOG) -> CopilotContext:
    """Return what a copilot is told, with the errors of earlier rounds."""
    return CopilotContext(catalog=catalog, dialect="duckdb", purpose="review", feedback=feedback)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def prompt(self) -> str:
        """Every message's text, joined."""
        return "\n".join(m["content"] for m in self.json["messages"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.server.owner.take(Request(path=self.path, headers=headers, body=body))(self)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *args: Any, **more: Any) -> None:
        """Say nothing on the terminal."""

    def answer(
        self, status: int, body: bytes, headers: Iterable[tuple[str, str]] = (), length: int | None = None
    ) -> None:
        """Send a whole answer; `length` is the length it claims."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    owner: ModelServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when the other side hangs up, which is what it should do."""


Cue = Callable[[Any, "ModelServer"], None]
"""What the server does with one request."""


class ModelServer:
    """A real HTTP server on the loopback address that plays its cues, one a request; the last one stays.

    `requests` are those it took, in order. Use it as a context: it ends with it, whatever its cues were doing.
    """

    def __init__(self, *cues: Cue) -> None:
        self.requests: list[Request] = []
        self.ended = threading.Event()
        self._cues = list(cues)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self, request: Request) -> Callable[[Any], None]:
        """Note a request and return what to do with it."""
        self.requests.append(request)
        cue = self._cues.pop(0) if len(self._cues) > 1 else self._cues[0]

        def play(handler: Any) -> None:
            handler.close_connection = True
            cue(handler, self)

        return play

    @property
    def sent(self) -> bytes:
        """Everything a client sent: paths, headers and bodies."""
        return b"\n".join(repr((r.path, r.headers)).encode() + r.body for r in self.requests)


def reply(sql: str = "SELECT count(*) AS loans FROM loan", **members: Any) -> str:
    """Return a reply as a model writes it."""
    return json.dumps({"sql": sql, "explanation": "Counts.", "assumptions": [], "cannot_answer": "", **members})


def completion(
    content: str | None, tokens: int | None = 100, finish: str = "stop", refusal: str | None = None
) -> bytes:
    """Return a chat completion's body."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    body: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }
    if tokens is not None:
        body["usage"] = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": tokens}
    return json.dumps(body).encode()


def good(content: str | None = None, **how: Any) -> Cue:
    """Answer with a completion."""
    return raw(completion(reply() if content is None else content, **how))


def raw(body: bytes) -> Cue:
    """Answer 200 with these bytes."""
    return lambda handler, server: handler.answer(200, body)


def status(code: int, *headers: tuple[str, str], body: bytes = b'{"error":{"message":"no"}}') -> Cue:
    """Answer with a status."""
    return lambda handler, server: handler.answer(code, body, headers)


def stalls(handler: Any, server: ModelServer) -> None:
    """Never answer."""
    server.ended.wait()


def trickles(handler: Any, server: ModelServer) -> None:
    """Send a header for ever, a byte at a time, so that no single read is ever slow."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not server.ended.wait(0.02):
        handler.wfile.write(b"a")
        handler.wfile.flush()


def dribbles(handler: Any, server: ModelServer) -> None:
    """Send a body for ever, a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not server.ended.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def floods(handler: Any, server: ModelServer) -> None:
    """Send a body without end as fast as it is read."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not server.ended.is_set():
        handler.wfile.write(b" " * 65536)


def cut_body(handler: Any, server: ModelServer) -> None:
    """Claim more than is sent."""
    handler.answer(200, completion(reply())[:40], length=4000)


def cut_stream(handler: Any, server: ModelServer) -> None:
    """End a chunked answer inside a chunk."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + completion(reply())[:20])


def hangs_up(handler: Any, server: ModelServer) -> None:
    """Close the connection without a byte."""


def never_asked(handler: Any, server: ModelServer) -> None:
    """For tests in which no request may be made; the request list shows it."""
    handler.answer(500, b"")


class Scripted:
    """A copilot that plays drafts and errors in order and keeps what it was asked, for tests of what calls a copilot."""

    name = "scripted"
    tokens_spent = 0

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, CopilotContext]] = []

    def draft(self, question: str, context: CopilotContext) -> Any:
        """Return or raise the next answer. Raises UserError `script_ended` after the last."""
        self.asked.append((question, context))
        if not self._answers:
            raise UserError("script_ended", "the script holds no further answer", hint="Give the script more answers.")
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


__all__ += [
    "Scripted",
    "cut_body",
    "cut_stream",
    "dribbles",
    "floods",
    "hangs_up",
    "never_asked",
    "raw",
    "stalls",
    "status",
]
__all__ += ["trickles"]
