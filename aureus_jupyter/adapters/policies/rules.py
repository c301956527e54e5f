"""One policy of a file, compiled once: its conditions by name, so that one can tell which of them failed, and its rulings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aureus_jupyter.adapters.policies.asked import Asked
from aureus_jupyter.adapters.policies.conditions import ABOUT_DATASETS, ABOUT_REQUESTS, TESTS, TIMED, Test
from aureus_jupyter.adapters.policies.effects import Make, compile_effect
from aureus_jupyter.values.verdict import Effect, Ruling

__all__ = ["Rule", "compile_rule"]

Named = tuple[str, Test]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A policy ready to be asked. `match` are its conditions on the dataset alone, `when` all others: `asking` those that are the
    same for every dataset of a request, `using` the rest.

    `policy` is what the file says, its lists of words put in, and `file` the file's name: for those who explain and check.
    """

    id: str
    effect: Effect
    description: str
    match: tuple[Named, ...]
    when: tuple[Named, ...]
    asking: tuple[Test, ...]
    using: tuple[Test, ...]
    make: Make
    timed: bool = False
    policy: Mapping[str, Any] = field(default_factory=dict, repr=False)
    file: str = ""

    def fits(self, asked: Asked) -> bool:
        """Whether the policy is about the dataset, whoever asks."""
        return all(test(asked) for _, test in self.match)

    def asks(self, asked: Asked) -> bool:
        """Whether its conditions hold that are the same for every dataset of the request."""
        return all(test(asked) for test in self.asking)

    def uses(self, asked: Asked) -> bool:
        """Whether its conditions hold on how the statement uses the dataset."""
        return all(test(asked) for test in self.using)

    def failing(self, asked: Asked) -> tuple[str, ...]:
        """Return the names of the conditions that do not hold."""
        return tuple(name for name, test in (*self.match, *self.when) if not test(asked))

    def __call__(self, asked: Asked) -> Sequence[Ruling]:
        """Return the rulings, none where the policy does not apply."""
        return self.make(asked) if self.fits(asked) and self.asks(asked) and self.uses(asked) else ()


def compile_rule(policy: Mapping[str, Any], file: str = "") -> Rule:
    """Return the rule for one policy that fits the schema."""
    match, when = policy.get("match", {}), policy.get("when", {})
    named = tuple((name, TESTS[name](value)) for name, value in when.items())
    return Rule(
        id=policy["id"],
        effect=Effect(policy["effect"]),
        description=policy["description"],
        match=tuple((name, ABOUT_DATASETS[name](value)) for name, value in match.items()),
        when=named,
        asking=tuple(test for name, test in named if name in ABOUT_REQUESTS),
        using=tuple(test for name, test in named if name not in ABOUT_REQUESTS),
        make=compile_effect(policy),
        timed=not TIMED.isdisjoint(when) or "at_most_days_old" in policy.get("filter", {}),
        policy=policy,
        file=file,
    )
