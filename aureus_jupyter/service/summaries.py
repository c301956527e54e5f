"""Before a dataset answers in a summary: are its groups large enough, and do they differ enough from earlier ones.

The guard's questions go the way of any statement: the engine makes their shadow, reads them against its allow-list, binds them and
must see no other table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aureus_jupyter.core import overlap
from aureus_jupyter.core.analyze import bound_text
from aureus_jupyter.core.summary import check_values
from aureus_jupyter.errors import AureusError, Refused, Unavailable
from aureus_jupyter.ports import Engine, Limits, OverlapLedger
from aureus_jupyter.service.decisions import Decided
from aureus_jupyter.values.catalog import Dataset, fold
from aureus_jupyter.values.obligations import SummaryOnly
from aureus_jupyter.values.plan import Parameter, Plan, Shadow
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.summaries import Answered

__all__ = ["MOST_REMEMBERED", "Gate"]

MOST_REMEMBERED = 100
"""How many different summaries of one dataset a principal is answered: each new one is held against all of them."""

Values = Sequence[tuple[str, Parameter]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What stands before summaries. Without a ledger nothing passes."""

    engine: Engine
    ledger: OverlapLedger | None
    principal: Principal
    limits: Limits

    def pass_through(self, decided: Decided, values: Values) -> str:
        """Let a summary through, and return for the record what was asked of it; nothing for any other statement.

        Leaves the decided plan prepared. When this returns, the ledger holds the summary. Raises Refused: `small_group`,
        `differencing`, `differencing_limit`, `groups_unknown`, and what the ledger and the engine raise.
        """
        if decided.summary is None:
            return ""
        assert decided.plan is not None, "what is denied has no summary"
        if self.ledger is None:
            raise Refused(
                "cannot_meet", "there is no ledger of answered summaries here", hint="Ask your platform team for one."
            )
        check_values(values)
        rules = decided.verdict.summaries
        (shadow,) = decided.plan.shadows
        (whole,) = (d for d in decided.datasets if fold(d.name) == fold(shadow.dataset))
        for rule in rules:
            self._check_size(decided, rule, shadow, whole, values)
        new = overlap.answered(decided.summary, shadow, values)
        owner = json.dumps([self.principal.name, whole.pack, fold(whole.name), whole.source])

        def check(earlier: Sequence[str]) -> None:
            if len(earlier) >= MOST_REMEMBERED:
                raise _ledger_full(whole.name)
            if earlier:
                full, bulk = self._full(decided, shadow, whole), self._bulk(decided, shadow, whole)
                for text in earlier:
                    self._check_pair(decided, (new, _read(text)), (shadow, whole), full, bulk)

        self.ledger.record(owner, overlap.encoded(new), check)
        self.engine.prepare(decided.plan, decided.datasets)
        least = max(rules, key=lambda rule: rule.smallest)
        return f"every group has at least {_persons(least)}, and differs from earlier answers by none or as many"

    def _check_size(self, decided: Decided, rule: SummaryOnly, shadow: Shadow, whole: Dataset, values: Values) -> None:
        summary = decided.summary
        assert summary is not None, "only a summary is asked about"
        named = [(name, value) for name, value in values if name in summary.parameters]
        text = overlap.small_groups(summary, rule)
        if self._asked(text, overlap.person_shadow(shadow, rule, whole), named, decided):
            raise Refused(
                "small_group",
                f"{whole.name} answers only about groups of at least {_persons(rule)}, and not every group here is",
                hint="Group by fewer or coarser columns, or choose more rows.",
            )

    def _full(self, decided: Decided, shadow: Shadow, whole: Dataset) -> list[str]:
        """Return the counted columns in which every row has a value."""
        assert decided.summary is not None, "only a summary is asked about"
        columns = decided.summary.counted
        return [c for c in columns if not self._asked(overlap.missing_values(whole, c), shadow, (), decided)]

    def _bulk(self, decided: Decided, shadow: Shadow, whole: Dataset) -> list[int]:
        """Return for each rule how many rows a person has at most; 0 where nobody need know."""
        return [
            self._asked(overlap.most_rows(whole), overlap.person_shadow(shadow, rule, whole), (), decided)
            if rule.person
            else 0
            for rule in decided.verdict.summaries
        ]

    def _check_pair(
        self,
        decided: Decided,
        pair: tuple[Answered, Answered],
        relation: tuple[Shadow, Dataset],
        full: Sequence[str],
        bulk: Sequence[int],
    ) -> None:
        (new, old), (shadow, whole) = pair, relation
        if not overlap.shows_alike(shadow, old):
            raise Refused(
                "differencing_limit",
                f"the columns of {whole.name} are masked in another way than in earlier answers, which cannot be compared any more",
                hint="Ask your platform team to begin your ledger of answered summaries anew.",
            )
        for rule, most in zip(decided.verdict.summaries, bulk, strict=True):
            seen = overlap.pair_shadow(overlap.person_shadow(shadow, rule, whole), old)
            # What shows in rows alone costs little; only where it does not are persons counted.
            quick = [most] if most and old.seen == new.seen else []
            questions = [overlap.difference(new, old, rule, full, rows) for rows in (*quick, 0)]
            if all(text and self._asked(text, seen, overlap.pair_values(new, old), decided) for text in questions):
                raise Refused(
                    "differencing",
                    f"together with an earlier answer this would tell of fewer than {_persons(rule)} of {whole.name}",
                    hint="Choose and group the rows as an earlier cell did, or in a way that is clearly another.",
                )

    def _asked(self, text: str, shadow: Shadow, values: Values, decided: Decided) -> int:
        """Return the engine's answer to one of our questions: a number. Raises Refused `groups_unknown` when there is none."""
        dialect = self.engine.dialect
        try:
            plan = Plan(
                sql=text,
                bound=bound_text(text, dialect),
                dialect=dialect,
                shadows=(shadow,),
                parameters=tuple(sorted(name for name, _ in values)),
            )
            self.engine.prepare(plan, decided.datasets)
            table = self.engine.run(plan, dict(values), replace(self.limits, rows=None))
            return int(str(table.preview(1)[0][0]))
        except Unavailable:
            raise
        except (AureusError, ValueError, LookupError):
            raise Refused(
                "groups_unknown",
                "whether the groups of this summary are large enough could not be found out",
                hint="Write simpler conditions and keys, without casts of text and without arithmetic that can fail.",
            ) from None


def _persons(rule: SummaryOnly) -> str:
    return f"{rule.smallest} {'persons' if rule.person else 'rows'}"


def _read(text: str) -> Answered:
    try:
        return overlap.decoded(text)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unavailable(
            "ledger_unusable",
            "the ledger of answered summaries holds something that cannot be read",
            hint="Ask your platform team to begin it anew.",
        ) from None


def _ledger_full(dataset: str) -> Refused:
    return Refused(
        "differencing_limit",
        f"you were answered {MOST_REMEMBERED} different summaries of {dataset}, and each new one would be held against all",
        hint="Run one of the earlier cells again, or ask your platform team to begin your ledger anew.",
    )
