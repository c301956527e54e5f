"""A finished run, a signer, and a sealed pack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aureus_jupyter.adapters.signers.ed25519 import Ed25519Signer, load_or_create
from aureus_jupyter.adapters.stores.folder import FolderRunStore
from aureus_jupyter.service.sealing import seal
from aureus_jupyter.values.draft import Cell, Draft, Origin
from aureus_jupyter.values.facts import Facts, OutputColumn, TableUse
from aureus_jupyter.values.plan import Plan, Shadow
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.run import Event, EventKind, ResultColumn, ResultInfo, Run, State
from aureus_jupyter.values.verdict import Filter, Mask, MaskMethod, Op, Verdict, VerdictKind

AT = "2026-03-01T10:00:00.000000Z"


def event(kind: EventKind) -> Event:
    return Event(kind=kind, at=AT, actor="aureus")


@pytest.fixture
def finished() -> Run:
    """A run that finished over masked and filtered data."""
    shadow = Shadow(dataset="loan", source="loan", projection=('"a"', 'NULL AS "b"'), where="\"c\" IN ('CZ')")
    masks = (Mask(policy="p1", dataset="loan", column="b", method=MaskMethod.NULL, reason="because"),)
    filters = (Filter(policy="p2", dataset="loan", column="c", op=Op.IN, values=("CZ",), reason="yours"),)
    return Run(
        id="20260301T100000Z-0123456789ab",
        cell=Cell(
            source="select a, b from loan where a > :x and ``` | # <b>",
            parameters=(("password", "hunter2"), ("x", 0.1)),
            purpose="review",
            notebook="n.ipynb",
            cell_id="c1",
        ),
        principal=Principal(name="ana", roles=("analyst",)),
        events=tuple(event(k) for k in (EventKind.ALLOWED, EventKind.STARTED, EventKind.COMPLETED)),
        state=State.FINISHED,
        pack="p",
        connection="c",
        draft=Draft(
            sql="select a, b from loan where a > :x",
            origin=Origin.QUESTION,
            by="verified:q",
            question="q?",
            parameters=(("password", "hunter2"), ("x", 0.1)),
        ),
        facts=Facts(
            tables=(TableUse(dataset="loan", columns=("a", "b")),),
            outputs=(OutputColumn(name="a", sources=("loan.a",)), OutputColumn(name="b", sources=())),
        ),
        verdict=Verdict(
            kind=VerdictKind.ALLOW,
            masks=masks,
            filters=filters,
            fired=("p1", "p2"),
            approvers=("petr",),
            policy_version="v",
        ),
        plan=Plan(sql="select a, b from loan", bound="select a, b from loan", dialect="duckdb", shadows=(shadow,)),
        decision_digest="sha256:" + "1" * 64,
        result=ResultInfo(
            columns=(
                ResultColumn(name="a", type="INTEGER", sources=("loan.a",)),
                ResultColumn(name="b", type="INTEGER", masked=True),
            ),
            rows=3,
            digest="sha256:" + "2" * 64,
            digest_method="arrow-v1",
            truncated=True,
        ),
        environment=(("python", "3"),),
    )


@pytest.fixture
def signer(tmp_path: Path) -> Ed25519Signer:
    """A runner's key in a folder of its own."""
    return load_or_create(tmp_path / "keys", "runner", "ana")


@pytest.fixture
def sealed(finished: Run, signer: Ed25519Signer, tmp_path: Path) -> Run:
    """The finished run, sealed."""
    return seal(replace(finished), FolderRunStore(tmp_path / "n.aureus"), signer, AT)
