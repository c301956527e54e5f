"""Break-glass: who is asked to look at a run afterwards, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta

from aureus_jupyter.errors import Refused
from aureus_jupyter.values.ids import utc_text
from aureus_jupyter.values.run import EventKind, ReviewDue, Run

__all__ = ["check_why", "review_words", "reviews_due"]


def check_why(run: Run) -> None:
    """Raise Refused `why_needed` when a review is asked for and the cell gives no reason."""
    reviews = run.verdict.reviews if run.verdict is not None else ()
    if reviews and not run.cell.why.strip():
        people = " or ".join(reviews[0].reviewers)
        raise Refused(
            "why_needed",
            f"the policy {reviews[0].policy} lets this run now and has {people} look at it afterwards, for which a reason must be given",
            hint='Say why you need it now: --why "...". It goes into the evidence.',
        )


def reviews_due(run: Run) -> tuple[ReviewDue, ...]:
    """Return the reviews that a run asks for: none before it has started, because nothing was read."""
    started = next((event.at for event in run.events if event.kind is EventKind.STARTED), "")
    if run.verdict is None or not started:
        return ()
    at = datetime.fromisoformat(started)
    return tuple(
        ReviewDue(
            policy=review.policy,
            dataset=review.dataset,
            reviewers=review.reviewers,
            by=utc_text(at + timedelta(hours=review.hours)),
            reason=review.reason,
        )
        for review in run.verdict.reviews
    )


def review_words(run: Run) -> tuple[str, ...]:
    """Return the reviews of a run in words, one sentence each, with the reason the user gave."""
    due = [
        f"{' or '.join(one.reviewers)} is asked to review this run of {one.dataset} until {one.by[:16].replace('T', ' ')} UTC "
        f"(policy {one.policy}): {one.reason.rstrip('.')}. The reason given: {run.cell.why.strip()}"
        for one in reviews_due(run)
    ]
    if due or run.events or run.verdict is None:
        return tuple(due)
    return tuple(
        f"{' or '.join(review.reviewers)} would be asked to review this run within {review.hours} hours of its start "
        f"(policy {review.policy}): {review.reason.rstrip('.')}."
        for review in run.verdict.reviews
    )
