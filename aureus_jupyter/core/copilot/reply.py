"""What a model may answer: one typed reply inside one completion. Anything else is a bad reply, never a guess."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from aureus_jupyter.errors import Unavailable, UserError

from .prompt import plain

__all__ = ["REPLY_SCHEMA", "Completion", "Reply", "note_of", "read_completion", "read_reply"]

_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a person who reads a draft would not see, or would see in another order than it is read."""

_HINT = "Ask again in other words, or write the SQL yourself."


class Reply(BaseModel):
    """A model's answer. Exactly one of `sql` and `cannot_answer` holds something. Is never run as it stands."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    sql: Annotated[str, StringConstraints(max_length=20_000)]
    explanation: Annotated[str, StringConstraints(max_length=2_000)]
    assumptions: Annotated[list[Annotated[str, StringConstraints(max_length=500)]], Field(max_length=20)]
    cannot_answer: Annotated[str, StringConstraints(max_length=2_000)]


REPLY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "sql": {"type": "string"},
        "explanation": {"type": "string"},
        "assumptions": {"type": "array", "items": {"type": "string"}},
        "cannot_answer": {"type": "string"},
    },
    "required": ["sql", "explanation", "assumptions", "cannot_answer"],
    "additionalProperties": False,
}
"""The reply's JSON Schema in the subset that structured output takes: every member required, no lengths."""


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    total_tokens: int = 0


class Completion(BaseModel):
    """The part of a chat completion that is read. Source: OpenAI API, chat completion object; members vary by server."""

    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: _Usage | None = None

    def tokens(self) -> int | None:
        """Return the tokens the server counted, or None when it did not."""
        return self.usage.total_tokens if self.usage is not None and self.usage.total_tokens > 0 else None


def _bad(what: str) -> Unavailable:
    return Unavailable("copilot_bad_reply", f"the model's reply cannot be used: {what}", hint=_HINT)


def _first(error: ValidationError) -> str:
    """Say where a reply broke its form, without a word of the reply."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"] if isinstance(part, int) or part in Reply.model_fields)
    return f"{place or 'the reply'} is not as asked ({found['type']})"


def read_completion(body: bytes) -> Completion:
    """Return the completion in an HTTP body. Raises Unavailable `copilot_bad_reply`."""
    try:
        return Completion.model_validate_json(body)
    except ValidationError as error:
        raise _bad(f"the server sent no chat completion ({error.errors()[0]['type']})") from None


def read_reply(completion: Completion) -> Reply:
    """Return the typed reply of a completion.

    Takes the JSON object bare or in one code fence, nothing around it. Raises Unavailable `copilot_bad_reply`, and
    UserError `copilot_cannot_answer` when the model says that it cannot.
    """
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise _cannot("the model declined")
    if choice.finish_reason == "length":
        raise _bad("it was cut off at the token limit")
    text = (choice.message.content or "").strip()
    fenced = re.fullmatch(r"```(?:json)?\s*\n(.*)\n\s*```", text, re.DOTALL)
    try:
        reply = Reply.model_validate_json(fenced[1] if fenced else text)
    except ValidationError as error:
        raise _bad(_first(error)) from None
    if _HIDDEN.search(reply.sql):
        raise _bad("its statement holds a control character or one that turns the direction of text")
    if reply.sql.strip() and not reply.cannot_answer.strip():
        return reply
    if reply.cannot_answer.strip() and not reply.sql.strip():
        raise _cannot(f"the model says: {plain(reply.cannot_answer, 200)}")
    raise _bad("it holds neither a statement nor a reason, or both")


def _cannot(why: str) -> UserError:
    return UserError("copilot_cannot_answer", f"the question was not answered; {why}", hint=_HINT)


def note_of(reply: Reply, model: str) -> str:
    """Return how a draft came to be, as one line for people. The model's words are quoted as its words."""
    parts = [f"Drafted by the model {plain(model, 80)}."]
    if explanation := plain(reply.explanation, 300):
        parts.append(f"It says: {explanation}")
    if assumptions := [text for a in reply.assumptions[:5] if (text := plain(a, 120))]:
        parts.append("It assumes: " + "; ".join(assumptions))
    return " ".join(parts)
