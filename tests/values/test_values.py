"""Values: canonical bytes, ids, catalog lookups, and that every value goes to JSON and back unchanged."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aureus_jupyter.core.run_state import TRANSITIONS, advance, diagram, fold_events, terminal
from aureus_jupyter.errors import AureusError, Bug, Held, Refused, Span, Unavailable, UserError
from aureus_jupyter.values.canonical import canonical_json, digest_json, short_digest
from aureus_jupyter.values.catalog import Catalog, Column, Dataset, Waiting, fold
from aureus_jupyter.values.codec import from_dict, to_dict
from aureus_jupyter.values.draft import Cell, Draft, Origin
from aureus_jupyter.values.evidence import Finding, Verification
from aureus_jupyter.values.facts import Facts, OutputColumn, TableUse
from aureus_jupyter.values.ids import is_run_id, run_id, short_id, utc_text
from aureus_jupyter.values.plan import INNER_PAD, OUTER_PAD, Plan, Shadow, raw_marker
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Event, EventKind, ResultColumn, ResultInfo, Run, State
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Verdict, VerdictKind

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_canonical_json_is_json_and_a_fixed_point(value: Any) -> None:
    data = canonical_json(value)
    assert json.loads(data) == value
    assert canonical_json(json.loads(data)) == data


def test_canonical_order_is_by_utf16() -> None:
    # U+1F600 sorts before U+FB33 by UTF-16 code units and after it by code points (RFC 8785, 3.2.3).
    assert canonical_json({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize("bad", [1.5, {1: 2}, {"a": {2}}, [object()]])
def test_canonical_json_refuses_other_types(bad: Any) -> None:
    with pytest.raises(TypeError):
        canonical_json(bad)


@pytest.mark.parametrize("bad", [2**53, -(2**53), "\ud800"])
def test_canonical_json_refuses_what_readers_differ_on(bad: Any) -> None:
    with pytest.raises(ValueError):
        canonical_json(bad)


def test_digests() -> None:
    assert digest_json({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert short_digest(digest_json({})) == "44136fa355b3"


def test_ids() -> None:
    at = datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    made = run_id(at, bytes(range(6)))
    assert made == "20260328T233000Z-000102030405"
    assert is_run_id(made)
    assert not is_run_id("../" + made)
    assert not is_run_id(made + "\n")
    assert short_id(made) == "000102030405"
    assert utc_text(at) == "2026-03-28T23:30:00.000000Z"
    for bad in (at.replace(tzinfo=None),):
        with pytest.raises(ValueError):
            run_id(bad, bytes(6))
        with pytest.raises(ValueError):
            utc_text(bad)
    with pytest.raises(ValueError):
        run_id(at, b"x")


def test_fold_is_ascii_only() -> None:
    assert fold("LoanÉ\u212a") == "loanÉ\u212a"


def dataset(name: str) -> Dataset:
    return Dataset(name=name, pack="p", source=name, columns=(Column(name="A", type="INTEGER"),))


def test_catalog() -> None:
    catalog = Catalog(datasets=(dataset("Loan"), dataset("b")))
    assert catalog.dataset("LOAN") is catalog.datasets[0]
    assert catalog.dataset("nosuch") is None
    assert catalog.datasets[0].column("a") is catalog.datasets[0].columns[0]
    assert catalog.datasets[0].column("z") is None
    assert catalog.version == Catalog(datasets=(dataset("b"), dataset("Loan"))).version
    assert Catalog(datasets=(), version="v").version == "v"
    waiting = Waiting(name="C", status="draft", file="contracts/c.odcs.yaml", line=6)
    closed = Catalog(datasets=(dataset("b"),), waiting=(waiting,))
    assert closed.waits("c") is waiting
    assert closed.waits("b") is None
    assert closed.dataset("c") is None
    with pytest.raises(ValueError):
        Catalog(datasets=(dataset("a"), dataset("A")))


def test_a_catalog_seen_through_a_change() -> None:
    asked = []

    def shorter(found: Dataset) -> Dataset:
        asked.append(found.name)
        return replace(found, columns=found.columns[:1])

    whole = Catalog(datasets=(dataset("a"), dataset("b")))
    seen = whole.through(shorter)
    assert (seen.version, seen.datasets, list(seen.index), len(seen.index)) == (whole.version, (), ["a", "b"], 2)
    assert seen.dataset("A") is seen.dataset("a") is seen.index["a"]
    assert asked == ["a"], "one is changed when it is asked for first, and once"
    assert seen.dataset("c") is None


def test_principal() -> None:
    who = Principal(name="a", attributes=(("jurisdiction", "AT"), ("jurisdiction", "CZ"), ("unit", "1")))
    assert who.values_of("jurisdiction") == ("AT", "CZ")
    assert who.values_of("x") == ()


def test_plan() -> None:
    where = f"a IN (SELECT b FROM {raw_marker('o')})"
    keyed = ('"a"', f"f({INNER_PAD}, {OUTER_PAD})")
    shadow = Shadow(dataset="x", source="x", projection=keyed, where=where, barrier=True, others=("o",))
    text = shadow.select("r", ("k.i", "k.o"), {"o": "main.o"}, "k")
    assert (
        text == 'SELECT "a", f(k.i, k.o) FROM r AS aureus_raw CROSS JOIN k WHERE a IN (SELECT b FROM main.o) OFFSET 0'
    )
    plain = Shadow(dataset="x", source="x", projection=('"a"',))
    assert plain.select("r", beside="k") == 'SELECT "a" FROM r AS aureus_raw'
    plan = Plan(sql="select 1", bound="select 1", dialect="duckdb", shadows=(plain,))
    assert plan.rewritten() == 'CREATE TEMP VIEW "x" AS SELECT "a" FROM raw.x AS aureus_raw;\nselect 1'
    assert plan.digest().startswith("sha256:")


def test_verification() -> None:
    assert Verification(path="p", run_id="r", verdict="v", signer="s").ok
    assert not Verification(
        path="p", run_id="r", verdict="v", signer="s", findings=(Finding(file="f", code="c", why="w"),)
    ).ok


def full_run() -> Run:
    mask = Mask(policy="p", dataset="x", column="a", method=MaskMethod.LAST, reason="r")
    rule = Filter(policy="p", dataset="x", column="a", op=Op.IN, values=("x", 1, True, None), reason="r")
    return Run(
        id="20260328T233000Z-000102030405",
        cell=Cell(source="select 1", parameters=(("a", 1.5), ("b", "x"), ("c", True), ("d", None))),
        principal=Principal(name="ana"),
        draft=Draft(sql="select 1", origin=Origin.SQL),
        facts=Facts(
            tables=(TableUse(dataset="x", columns=("a",)),), outputs=(OutputColumn(name="a", sources=("x.a",)),)
        ),
        verdict=Verdict(kind=VerdictKind.ALLOW, masks=(mask,), filters=(rule,)),
        result=ResultInfo(
            columns=(ResultColumn(name="a", type="INTEGER", masked=True),), rows=1, digest="d", digest_method="m"
        ),
    )


def test_a_run_goes_to_json_and_back() -> None:
    run = full_run()
    assert from_dict(Run, json.loads(json.dumps(to_dict(run)))) == run
    with pytest.raises(ValueError):
        from_dict(Run, {"id": 3})


def test_labels_of_a_result() -> None:
    assert full_run().labels()["a"]["masked"] is True
    assert Run(id="r", cell=Cell(source=""), principal=Principal(name="a")).labels() == {}


def event(kind: EventKind) -> Event:
    return Event(kind=kind, at="2026-01-01T00:00:00.000000Z", actor="a")


def test_the_table_and_nothing_else() -> None:
    for state in State:
        for kind in EventKind:
            run = Run(id="r", cell=Cell(source=""), principal=Principal(name="a"), state=state)
            target = TRANSITIONS.get((state, kind))
            if target is None:
                with pytest.raises(Bug):
                    advance(run, event(kind))
            else:
                assert advance(run, event(kind)).state is target


def test_every_path_ends_sealed_and_runs_only_when_cleared() -> None:
    assert {source for (source, _), target in TRANSITIONS.items() if target is State.RUNNING} == {State.CLEARED}
    clears = {kind for (_, kind), target in TRANSITIONS.items() if target is State.CLEARED}
    assert clears == {EventKind.ALLOWED, EventKind.APPROVED}
    assert {s for s in State if terminal(s)} == {State.REFUSED, State.FINISHED, State.FAILED, State.SEALED}
    run = fold_events(
        Run(id="r", cell=Cell(source=""), principal=Principal(name="a")),
        [event(k) for k in (EventKind.ALLOWED, EventKind.STARTED, EventKind.COMPLETED, EventKind.SEALED)],
    )
    assert run.state is State.SEALED
    assert [e.kind for e in run.events][-1] is EventKind.SEALED


def test_the_diagram_names_every_state() -> None:
    drawn = diagram()
    assert all(state.upper() in drawn for state in State)
    assert "DRAFTED --> CLEARED: allowed" in drawn


def test_errors_are_two_lines() -> None:
    error = UserError("code", "what", hint="do", span=Span(line=2, column=3))
    assert error.lines() == ("Not run [code] (line 2, column 3): what", "Hint: do")
    assert str(error) == "\n".join(error.lines())
    assert error._render_traceback_() == list(error.lines())
    assert error.to_dict()["span"] == {"line": 2, "column": 3, "length": 1}
    plain = Refused("c", "m", hint="h")
    assert plain.lines()[0] == "Refused [c]: m"
    assert plain.to_dict()["span"] is None
    assert {type(e).family for e in (Held("c", "m", hint="h"), Unavailable("c", "m", hint="h"))} == {
        "Waiting for approval",
        "Unavailable",
    }
    assert issubclass(Bug, AureusError)
