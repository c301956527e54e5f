"""A fixed share of the search for rows that pass as summaries; `make fuzz` searches longer, from another seed each time."""

from __future__ import annotations

import pytest
from fuzz.summaries import Lab, search

pytestmark = pytest.mark.slow


def test_no_random_summary_tells_rows_apart() -> None:
    lab = Lab()
    assert list(search(seed=4, statements=600, lab=lab)) == []
    assert lab.tally["held"] > 10


def test_the_search_can_find_something(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab()
    monkeypatch.setattr(lab, "judged", lambda sql: True)
    found = [
        lab.look(sql)
        for sql in ("select rate, count(*) from loan where loan_id = 5 group by 1", "select rate from loan")
    ]
    assert [f.why.split()[0] for f in found if f] == ["who", "60,"]
