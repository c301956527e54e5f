"""From a cell to a decided draft: SQL as it stands, a question through a copilot, at most two repairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aureus_jupyter.core.text import check_cell, looks_like_sql, might_be_sql
from aureus_jupyter.errors import AureusError, UserError
from aureus_jupyter.ports import Copilot, CopilotContext
from aureus_jupyter.service.decisions import Decided
from aureus_jupyter.values.catalog import Catalog
from aureus_jupyter.values.draft import Cell, Draft, Origin

__all__ = ["MAX_REPAIRS", "draft_and_decide", "origin_of"]

MAX_REPAIRS = 2

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

    A model's draft that the guard cannot read goes back to it with the structured error, at most `MAX_REPAIRS` times;
    a policy's refusal never does, because asking again must not become a way around it. `parses` asks the engine's
    parser. Raises what `decide` and the copilot raise.
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
            if not draft.by.startswith("model:") or round_ == MAX_REPAIRS:
                raise DraftError(draft, error) from error
            context = replace(context, feedback=(*context.feedback, (error.code, error.message)))
    raise AssertionError("the loop returns or raises")


class DraftError(Exception):
    """A draft the guard could not judge, with the error, so that evidence can hold both."""

    def __init__(self, draft: Draft, error: AureusError) -> None:
        super().__init__(error.code)
        self.draft = draft
        self.error = error
