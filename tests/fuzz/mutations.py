"""Statements with a few tokens changed: what a reader is lenient about, and an engine reads otherwise, shows up among them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from aureus_jupyter.core.text import pieces

__all__ = ["mutated"]

_WORDS = (
    "semi anti natural lateral left right full outer cross any all some only as of s t staff shift id nick site using on with "
    "recursive union intersect distinct group by order limit having window over filter within rows from unnest at is not null "
    "like ilike between symmetric exists case when then else end array row grouping sets cube rollup fetch first ties collate "
    "zone interval date timestamp ( ) , . * = < > + - [ ] :: -> ->> #> @ ~ | ^ % ' ;"
).split()


def mutated(statements: Sequence[str], seed: int, count: int) -> Iterator[str]:
    """Yield changed statements; the same for the same seed."""
    rng = random.Random(seed)
    tokens = [[sql[p.start : p.end] for p in pieces(sql)] for sql in statements]
    for _ in range(count):
        made = list(rng.choice(tokens))
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
            _change(made, tokens, rng)
        yield "".join(made)


def _change(made: list[str], tokens: Sequence[Sequence[str]], rng: random.Random) -> None:
    roll, place = rng.random(), rng.randrange(len(made))
    other = rng.choice(tokens)
    start = rng.randrange(len(other))
    if roll < 0.25 and len(made) > 1:
        del made[place]
    elif roll < 0.5:
        made.insert(place, f" {rng.choice(_WORDS)} ")
    elif roll < 0.7:
        made[place] = other[start]
    elif roll < 0.85:
        made[place:place] = [" ", *other[start : start + rng.randint(1, 8)], " "]
    else:
        with_ = rng.randrange(len(made))
        made[place], made[with_] = made[with_], made[place]
