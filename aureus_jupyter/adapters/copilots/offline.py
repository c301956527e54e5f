"""Answers without a model: the pack's verified questions, and nothing else."""

from __future__ import annotations

from aureus_jupyter.core.copilot.verified import match, nearest_questions
from aureus_jupyter.errors import UserError
from aureus_jupyter.ports import CopilotContext
from aureus_jupyter.values.draft import Draft, Origin

__all__ = ["VerifiedQuestions"]


class VerifiedQuestions:
    """A copilot that only knows what the pack's owners have checked."""

    name = "verified questions"

    def draft(self, question: str, context: CopilotContext) -> Draft:
        """Return the verified question's SQL with its slots as bound parameters.

        Raises UserError `cannot_answer_offline` with the nearest questions.
        """
        verified = context.catalog.questions
        found = match(question, verified)
        if found is not None:
            return Draft(
                sql=found.question.sql,
                origin=Origin.QUESTION,
                by=f"verified:{found.question.id}",
                question=question,
                parameters=found.parameters,
                note=found.question.answer,
            )
        near = nearest_questions(question, verified)
        raise UserError(
            "cannot_answer_offline",
            "I cannot answer this offline: it is none of the pack's verified questions",
            hint="Ask for example: " + "; ".join(near) + "." if near else "Write it as SQL, or configure a copilot.",
        )
