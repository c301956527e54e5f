"""Answers without a model: the pack's verified questions, and nothing else."""

from __future__ import annotations

from aureus_jupyter.core.copilot.verified import nearest_questions, verified_draft
from aureus_jupyter.errors import UserError
from aureus_jupyter.ports import CopilotContext
from aureus_jupyter.values.draft import Draft

__all__ = ["VerifiedQuestions"]


class VerifiedQuestions:
    """A copilot that only knows what the pack's owners have checked."""

    name = "verified questions"
    tokens_spent = 0

    def draft(self, question: str, context: CopilotContext) -> Draft:
        """Return the verified question's SQL with its slots as bound parameters.

        Raises UserError `cannot_answer_offline` with the nearest questions.
        """
        draft = verified_draft(question, context.catalog)
        if draft is not None:
            return draft
        near = nearest_questions(question, context.catalog.questions)
        raise UserError(
            "cannot_answer_offline",
            "I cannot answer this offline: it is none of the pack's verified questions",
            hint="Ask for example: " + "; ".join(near) + "." if near else "Write it as SQL, or configure a copilot.",
        )
