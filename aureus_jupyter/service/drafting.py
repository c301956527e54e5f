"""From a cell to a decided draft: SQL as it stands, a question through a copilot, at most two repairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aureus_jupyter.core.copilot.repair import MAX_REPAIRS
from aureus_jupyter.core.text import check_cell, looks_like_sql, might_be_sql
from aureus_jupyter.errors import AureusError, Refused, UserError
from aureus_jupyter.ports import Copilot, CopilotContext
from aureus_jupyter.service.decisions import Decided
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.draft import Cell, Draft, Origin

__all__ = ["DraftError", "draft_and_decide", "is_models", "origin_of"]

Decide = Callable[[Draft], Decided]


def origin_of(cell: Cell, parses: Callable[[str], bool]) -> Origin:
    """Tell whether a cell is SQL or a question. Raises UserError for text no cell may hold."""
    check_cell(cell.source)
    if cell.kind:
        if cell.kind not in {o.value for o in Origin}:
            raise UserError("bad_option", "--as takes sql or question", hint="Write --as sql or --as question.")
        return Origin(cell.kind)
    sql = looks_like_sql(cell.source) or (might_be_sql(cell.source) and parses(cell.source))
    return Origin.SQL if sql else Origin.QUESTION


def draft_and_decide(
    cell: Cell,
    copilot: Copilot,
    visible: Callable[[], Catalog],
    dialect: str,
    decide: Decide,
    parses: Callable[[str], bool],
) -> tuple[Draft, Decided]:
    """Return the draft that was judged and its decision.

    A model's draft that the guard cannot read or the engine cannot bind goes back to it with the structured error, at most
    `MAX_REPAIRS` times; a policy's refusal never does, because asking again must not become a way around it, nor what is
    Unavailable, which no other draft would mend. `parses` asks the engine's parser. Raises what `decide` and the copilot raise.
    """
    if origin_of(cell, parses) is Origin.SQL:
        draft = Draft(sql=cell.source, origin=Origin.SQL, parameters=cell.parameters)
        return draft, decide(draft)
    context = CopilotContext(catalog=visible(), dialect=dialect, purpose=cell.purpose)
    for round_ in range(MAX_REPAIRS + 1):
        draft = replace(copilot.draft(cell.source.strip(), context), rounds=round_)
        try:
            return draft, decide(draft)
        except AureusError as error:
            if not is_models(draft) or round_ == MAX_REPAIRS or not isinstance(error, (Refused, UserError)):
                raise DraftError(draft, error) from error
            context = replace(context, feedback=(*context.feedback, (error.code, error.message)))
    raise AssertionError("the loop returns or raises")


def is_models(draft: Draft) -> bool:
    """Whether a model wrote the draft: one that can be asked again."""
    return draft.by.startswith("model:")


class DraftError(Exception):
    """A draft the guard could not judge, with the error, so that evidence can hold both."""

    def __init__(self, draft: Draft, error: AureusError) -> None:
        super().__init__(error.code)
        self.draft = draft
        self.error = error
