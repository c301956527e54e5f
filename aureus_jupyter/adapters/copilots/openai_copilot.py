"""Drafts from a model behind an OpenAI-compatible server or Azure OpenAI. Verified questions are tried first.

A draft is text for the guard to judge: nothing here runs it. Source: OpenAI API, chat completions and structured outputs.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aureus_jupyter.core.copilot.prompt import system_prompt, user_prompt
from aureus_jupyter.core.copilot.repair import Exchange
from aureus_jupyter.core.copilot.reply import REPLY_SCHEMA, Completion, Reply, note_of, read_completion, read_reply
from aureus_jupyter.core.copilot.verified import nearest_questions, verified_draft
from aureus_jupyter.errors import AureusError, Unavailable, UserError
from aureus_jupyter.ports import CopilotContext
from aureus_jupyter.values.draft import Draft, Origin

from .wire import Endpoint, StatusError, post

__all__ = ["OpenAICopilot"]

MAX_REPLY_TOKENS = 1_500
MIN_REPLY_TOKENS = 200
MAX_RETRIES = 2
LONGEST_WAIT = 10.0
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})

_STRUCTURED = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "aureus_reply", "strict": True, "schema": REPLY_SCHEMA},
    }
}
_SHAPES: tuple[tuple[dict[str, Any], str], ...] = (
    ({**_STRUCTURED, "temperature": 0}, "max_completion_tokens"),
    (_STRUCTURED, "max_completion_tokens"),
    ({}, "max_tokens"),
)
"""How a request may look, best first: some models take no temperature, some servers no schema and only the old limit."""


def _wait(seconds: float) -> None:
    """Wait without a signal that could end it early, except a kernel interrupt."""
    threading.Event().wait(seconds)


class OpenAICopilot:
    """A copilot that asks a model for what no verified question answers.

    `timeout` is the deadline in seconds of one question, with its retries and repairs; `token_budget` the tokens of all
    drafts together, beside what the context allows a draft. `key` is a key, or what gives it at the moment of use. Makes no
    request before `draft`, and loads the openai package only then. Not for two threads at once.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        key: str | Callable[[], str] = "",
        api: str = "openai",
        api_version: str = "",
        timeout: float = 30.0,
        token_budget: int = 20_000,
        wait: Callable[[float], None] = _wait,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = Endpoint(base_url=base_url, model=model, api=api, api_version=api_version)
        self._key = key
        self._timeout = timeout
        self._budget = token_budget
        self._wait = wait
        self._monotonic = monotonic
        self._until = 0.0
        self._spent = 0
        self._allowed = token_budget
        self._shape = 0
        self._exchange = Exchange(question="")

    @property
    def name(self) -> str:
        """Return the model's name. Does not say where it is."""
        return f"model {self._endpoint.model}"

    @property
    def tokens_spent(self) -> int:
        """Return the tokens charged so far: the server's count, or an estimate where it gave none."""
        return self._spent

    def draft(self, question: str, context: CopilotContext) -> Draft:
        """Return a draft for the guard to judge.

        With `context.feedback`, the last draft goes back to the model with the last error. Raises UserError
        (`copilot_settings`, `copilot_budget`, `copilot_cannot_answer`, `copilot_gave_up`) and Unavailable
        (`copilot_timeout`, `copilot_rate_limited`, `copilot_auth`, `copilot_unreachable`, `copilot_rejected`,
        `copilot_bad_reply`). Never puts the key into a text.
        """
        if not context.feedback:
            verified = verified_draft(question, context.catalog)
            if verified is not None:
                return verified
        self._allowed = self._budget if context.tokens is None else min(self._budget, self._spent + context.tokens)
        endpoint = replace(self._endpoint, key=self._key if isinstance(self._key, str) else self._key())
        endpoint.check()
        try:
            return self._ask(endpoint, question, context)
        except AureusError as error:
            raise _with_questions(error, question, context) from None

    def _ask(self, endpoint: Endpoint, question: str, context: CopilotContext) -> Draft:
        self._exchange = self._opened(question, context)
        system = system_prompt(question, context.catalog, context.dialect)
        opening = [{"role": "system", "content": system}, {"role": "user", "content": user_prompt(question)}]
        while True:
            turns = [{"role": role, "content": text} for role, text in self._exchange.messages()]
            completion = self._complete(endpoint, [*opening, *turns], self._until)
            self._exchange = self._exchange.answered(completion.choices[0].message.content or "")
            try:
                reply = read_reply(completion)
            except Unavailable as error:
                self._exchange = self._again(error)
                continue
            return self._as_draft(question, reply)

    def _again(self, error: Unavailable) -> Exchange:
        """Return the exchange with a bad reply in it, or raise the bad reply when no repair is left."""
        try:
            return self._exchange.failed(error.code, error.message)
        except UserError:
            raise error from None

    def _opened(self, question: str, context: CopilotContext) -> Exchange:
        """Return the exchange to go on with: the one this feedback answers, or a new one."""
        same = bool(context.feedback) and self._exchange.question == question
        if not same:
            self._until = self._monotonic() + self._timeout
            self._exchange = Exchange(question=question)
        return self._exchange.failed(*context.feedback[-1]) if context.feedback else self._exchange

    def _as_draft(self, question: str, reply: Reply) -> Draft:
        return Draft(
            sql=reply.sql.strip(),
            origin=Origin.QUESTION,
            by=f"model:{self._endpoint.model}",
            question=question,
            note=note_of(reply, self._endpoint.model),
        )

    def _complete(self, endpoint: Endpoint, messages: list[dict[str, str]], until: float) -> Completion:
        """Return one completion, retrying what may pass and stepping down to a plainer request where one is refused."""
        retries = 0
        while True:
            try:
                return self._once(endpoint, messages, until)
            except StatusError as error:
                if error.status in {400, 422} and self._shape + 1 < len(_SHAPES):
                    self._shape += 1
                    continue
                pause = _pause(error, retries)
                if (
                    error.status not in _RETRIED
                    or retries == MAX_RETRIES
                    or pause > min(LONGEST_WAIT, until - self._monotonic())
                ):
                    raise _status(error, endpoint, retries + 1) from None
                retries += 1
                self._wait(pause)

    def _once(self, endpoint: Endpoint, messages: list[dict[str, str]], until: float) -> Completion:
        estimate = math.ceil(len(json.dumps(messages, ensure_ascii=False).encode("utf-8", "replace")) / 3)
        room = self._allowed - self._spent - estimate
        if room < MIN_REPLY_TOKENS:
            raise self._spent_up(estimate + MIN_REPLY_TOKENS)
        members, limit = _SHAPES[self._shape]
        body = {**members, "model": endpoint.model, "messages": messages, limit: min(MAX_REPLY_TOKENS, room)}
        charged = estimate
        try:
            answer = post(endpoint, body, until - self._monotonic())
            completion = read_completion(answer)
            charged = completion.tokens() or estimate + math.ceil(len(answer) / 3)
            return completion
        except StatusError:
            charged = 0
            raise
        except Unavailable as error:
            charged = 0 if error.code == "copilot_unreachable" else estimate
            raise
        finally:
            self._spent += charged

    def _spent_up(self, needed: int) -> UserError:
        if self._allowed < self._budget:
            left = max(0, self._allowed - self._spent)
            return UserError(
                "copilot_budget",
                f"policy leaves {left} tokens of a model for this question, and the request needs about {needed}",
                hint="Ask a verified question, write the SQL yourself, or see %aureus budgets.",
            )
        return UserError(
            "copilot_budget",
            f"the token budget is used up: {self._spent} of {self._budget} spent, this request needs about {needed}",
            hint="Raise copilot_token_budget, restart the kernel, or write the SQL yourself.",
        )


def _pause(error: StatusError, retries: int) -> float:
    return error.retry_after if error.retry_after is not None else 0.5 * 2.0**retries


def _status(error: StatusError, endpoint: Endpoint, tries: int) -> Unavailable:
    """Return what a status means to the person who asked. Quotes nothing the server wrote."""
    said = f"the model server at {endpoint.where} answered {error.status}"
    if error.status in {401, 403}:
        return Unavailable("copilot_auth", said, hint="Check the key that copilot_key refers to, and what it may use.")
    if error.status == 429:
        after = "" if error.retry_after is None else f"; it asks to wait {error.retry_after:.0f} s"
        hint = "Wait and ask again, or ask a verified question, which needs no model."
        return Unavailable("copilot_rate_limited", f"{said} (too many requests) {tries} times{after}", hint=hint)
    if error.status in _RETRIED or error.status >= 500:
        hint = "Ask again later; verified questions and SQL work without a model."
        return Unavailable("copilot_unreachable", f"{said} {tries} times", hint=hint)
    hint = "Check copilot_base_url, copilot_model and copilot_api; a redirect is not followed."
    return Unavailable("copilot_rejected", said, hint=hint)


def _with_questions(error: AureusError, question: str, context: CopilotContext) -> AureusError:
    """Return the error with the nearest verified questions in its hint."""
    near = nearest_questions(question, context.catalog.questions)
    if not near:
        return error
    hint = f"{error.hint} Verified questions near yours: {'; '.join(near)}."
    return type(error)(error.code, error.message, hint=hint, span=error.span)
