"""Tests beside policies: `*.policy_test.yaml`, run against all policies of the given folders together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.adapters.yamlstrict import YamlError, load_yaml
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.catalog import Classification, Column, Dataset, Pii
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import DecisionRequest, Verdict

__all__ = ["PATTERN", "TestResult", "run_policy_tests"]

PATTERN = "*.policy_test.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test: the file, its place there, its name, and what was wrong, or nothing."""

    __test__ = False

    file: str
    name: str
    problem: str = ""
    path: Path = Path()
    index: int = 0


def run_policy_tests(folders: Iterable[Path], tests: Iterable[Path] | None = None) -> list[TestResult]:
    """Run every test below `tests`, or else below `folders`, against all policies of `folders`.

    A file that is no list of tests is a test that fails. Raises Unavailable for a file that is no YAML, and for policies that
    cannot be read.
    """
    folders = list(folders)
    engine = load_policies(folders)
    results = []
    for path in sorted({p for folder in (folders if tests is None else tests) for p in folder.rglob(PATTERN)}):
        try:
            cases = load_yaml(path)
        except YamlError as error:
            raise Unavailable(
                "policy_malformed", f"{path.name}, line {error.line}: {error.why}", hint=f"Correct {path}."
            ) from None
        if not isinstance(cases, list):
            why = "the file holds no list of tests"
            results.append(TestResult(file=path.name, name="", problem=why, path=path))
            continue
        for index, case in enumerate(cases):
            name = str(case.get("name", "")) if isinstance(case, dict) else ""
            results.append(
                TestResult(file=path.name, name=name, problem=_problem(case, engine), path=path, index=index)
            )
    return results


def _problem(case: dict[str, Any], engine: Any) -> str:
    try:
        verdict = safe_rule(engine, _request(case))
        found = _differences(case["expect"], verdict)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return f"the test cannot be read ({type(error).__name__})"
    return "; ".join(found)


def _request(case: dict[str, Any]) -> DecisionRequest:
    spec = case["dataset"]
    columns = tuple(Column(name=n, type=kind, pii=Pii(pii)) for n, (kind, pii) in spec["columns"].items())
    dataset = Dataset(
        name=spec.get("name", "x"),
        pack=spec.get("pack", "p"),
        source="x",
        columns=columns,
        classification=Classification(spec.get("classification", "internal")),
        domain=spec.get("domain", ""),
        jurisdiction=spec.get("jurisdiction", ""),
        approvers=tuple(spec.get("approvers", ())),
    )
    who = case.get("principal", {})
    pairs = [(n, v) for n, values in who.get("attributes", {}).items() for v in values]
    principal = Principal(name="tester", roles=tuple(who.get("roles", ())), attributes=tuple(sorted(pairs)))
    used = tuple(case.get("uses", [c.name for c in columns]))
    facts = Facts(
        tables=(TableUse(dataset=dataset.name, columns=used),),
        aggregated=case.get("aggregated", False),
        can_raise=False,
    )
    return DecisionRequest(
        principal=principal,
        purpose=case.get("purpose", ""),
        origin=case.get("origin", "sql"),
        facts=facts,
        datasets=(dataset,),
    )


def _differences(expect: dict[str, Any], verdict: Verdict) -> Sequence[str]:
    found = {
        "verdict": str(verdict.kind),
        "codes": [r.code for r in verdict.reasons],
        "approvers": list(verdict.approvers),
        "masks": {m.column: str(m.method) for m in verdict.masks},
        "filters": {f.column: list(f.values) for f in verdict.filters},
        "rows": verdict.rows,
    }
    unknown = [f"there is nothing called {name} to expect" for name in expect if name not in found]
    wrong = [
        f"{name} is {value}, not {expect[name]}" for name, value in found.items() if expect.get(name, value) != value
    ]
    return unknown + wrong
