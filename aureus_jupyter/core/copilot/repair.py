"""Asking again with the error: what was tried, and how often that may be."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from aureus_jupyter.errors import UserError

from .prompt import plain

__all__ = ["MAX_REPAIRS", "Exchange", "Turn"]

MAX_REPAIRS = 2
_LONGEST_ERROR = 300
_LONGEST_REPLY = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One answer that did not do: the model's own words, and the error's code and message."""

    reply: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question and the answers that did not do, oldest first. `pending` is the answer not judged yet."""

    question: str
    turns: tuple[Turn, ...] = ()
    pending: str = ""

    def answered(self, reply: str) -> Exchange:
        """Return the exchange with an answer that waits for its judgement."""
        return replace(self, pending=reply[:_LONGEST_REPLY])

    def failed(self, code: str, message: str) -> Exchange:
        """Return the exchange after its answer was judged unusable.

        Raises UserError `copilot_gave_up` when no repair is left.
        """
        if len(self.turns) >= MAX_REPAIRS:
            raise UserError(
                "copilot_gave_up",
                f"the model found no usable statement in {MAX_REPAIRS + 1} tries; the last error was {plain(code, 60)}",
                hint="Ask in other words, or write the SQL yourself.",
            )
        turn = Turn(reply=self.pending, code=code, message=message)
        return replace(self, turns=(*self.turns, turn), pending="")

    def messages(self) -> list[tuple[str, str]]:
        """Return the turns as (role, text) after the question. An error is quoted as data, bounded, on one line."""
        out = []
        for turn in self.turns:
            if turn.reply:
                out.append(("assistant", turn.reply))
            error = {"error": plain(turn.code, 60), "message": plain(turn.message, _LONGEST_ERROR)}
            text = json.dumps(error, ensure_ascii=False, separators=(",", ":"))
            out.append(("user", f"{text}\nCorrect this. Reply with the same JSON form and nothing else."))
        return out
