"""Tests beside policies: `*.policy_test.yaml`, run against all policies of the given folders together, and what they cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.policies.cases import differences, request_of
from aureus_jupyter.adapters.policies.declarative import DeclarativePolicies, asked_of, load_policies
from aureus_jupyter.adapters.policies.rules import Rule
from aureus_jupyter.adapters.schemas import POLICY_TEST
from aureus_jupyter.adapters.yamlstrict import YamlError, load_yaml
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.catalog import fold
from aureus_jupyter.values.verdict import DecisionRequest

__all__ = ["PATTERN", "Covered", "TestResult", "run_policy_tests", "run_with_coverage"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What the tests show of one policy: whether one makes it fire, and its conditions that hold in every test."""

    policy: str
    file: str
    fires: bool
    never_fails: tuple[str, ...] = ()


def run_policy_tests(folders: Iterable[Path], tests: Iterable[Path] | None = None) -> list[TestResult]:
    """Run every test below `tests`, or else below `folders`, against all policies of `folders`.

    A file that is no list of tests is a test that fails. Raises Unavailable for a file that is no YAML, and for policies that
    cannot be read.
    """
    return run_with_coverage(folders, tests)[0]


def run_with_coverage(
    folders: Iterable[Path], tests: Iterable[Path] | None = None
) -> tuple[list[TestResult], list[Covered]]:
    """Run tests as `run_policy_tests` does, and say what they cover of each policy, in the order of the files.

    A condition counts as covered when it does not hold in one of the tests, whatever else holds there; a policy, when it made
    a ruling in one. Tests that fail count as well: coverage says what was asked, not what is right.
    """
    folders = list(folders)
    engine = load_policies(folders)
    results: list[TestResult] = []
    asked: list[DecisionRequest] = []
    for path in sorted({p for folder in (folders if tests is None else tests) for p in folder.rglob(PATTERN)}):
        cases = _cases(path)
        if not isinstance(cases, list):
            results.append(TestResult(file=path.name, name="", problem="the file holds no list of tests", path=path))
            continue
        for index, case in enumerate(cases):
            name = str(case.get("name", "")) if isinstance(case, dict) else ""
            problem, request = _run(case, engine)
            asked += [request] if request is not None else []
            results.append(TestResult(file=path.name, name=name, problem=problem, path=path, index=index))
    return results, [_covered(rule, asked) for rule in engine.rules]


def _cases(path: Path) -> Any:
    try:
        return load_yaml(path)
    except YamlError as error:
        raise Unavailable(
            "policy_malformed", f"{path.name}, line {error.line}: {error.why}", hint=f"Correct {path}."
        ) from None


def _run(case: Any, engine: DeclarativePolicies) -> tuple[str, DecisionRequest | None]:
    wrong = POLICY_TEST.first(case)
    if wrong is not None:
        return f"the test cannot be read: {wrong.field} must be {wrong.expected}", None
    try:
        request = request_of(case, lambda bare: _hidden(engine, bare))
    except ValueError as error:
        return f"the test cannot be read: {error}", None
    return "; ".join(differences(case["expect"], request, safe_rule(engine, request))), request


def _hidden(engine: DeclarativePolicies, request: DecisionRequest) -> Iterator[str]:
    """Yield what is hidden from the principal, as a session finds it: before any column is read."""
    verdict = safe_rule(engine, replace(request, facts=replace(request.facts, outputs=(), aggregated=True)))
    return (f"{fold(hide.dataset)}.{fold(hide.column)}" for hide in verdict.hidden)


def _covered(rule: Rule, requests: Iterable[DecisionRequest]) -> Covered:
    fires, failed = False, set[str]()
    for one in (one for request in requests for one in asked_of(request)):
        failing = rule.failing(one)
        failed.update(failing)
        fires = fires or (not failing and bool(_made(rule, one)))
    names = _names(rule.policy)
    return Covered(
        policy=rule.id,
        file=rule.file,
        fires=fires,
        never_fails=tuple(n for n in names if n.partition(".")[2] not in failed),
    )


def _made(rule: Rule, one: Any) -> Any:
    try:
        return rule.make(one)
    except ValueError:
        # It applies and cannot be met, which denies: that is what it does.
        return True


def _names(policy: Mapping[str, Any]) -> list[str]:
    return [f"{part}.{name}" for part in ("match", "when") for name in policy.get(part, {})]
