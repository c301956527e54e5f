"""`aureus policy check` and `aureus policy test`: what is wrong with a set of policies, and what its tests show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from aureus_jupyter.adapters.policies.check import Finding, check_policies
from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.adapters.policies.testing import Covered, TestResult, run_with_coverage
from aureus_jupyter.app import build
from aureus_jupyter.app.policy.bench import Report
from aureus_jupyter.values.settings import Settings

__all__ = ["check", "run_tests"]


def check(settings: Settings, pack: str, folders: Sequence[Path], strict: bool = False) -> Report:
    """Check policies against each other and against the pack's datasets; by default all those of a session.

    The exit code is 1 for a problem, or with `strict` for a warning. That a policy fits no dataset of this pack is noted only: the
    house's policies are there for other packs too. Raises what a pack or a policy raises that cannot be read.
    """
    name = pack or settings.pack
    engine = load_policies(folders or build.policy_folders(settings, name))
    datasets = build.catalog(settings, name).datasets
    found = check_policies(engine.rules, datasets)
    wrong = sum(not one.warning for one in found)
    idle = [one.policy for one in found if one.code == "fits_nothing"]
    told = [one for one in found if one.code != "fits_nothing"]
    lines = [_line(one) for one in told]
    if idle:
        lines.append(
            f"note [fits_nothing] {_count(len(idle), 'policy', 'policies')} fit no dataset of {name}: {', '.join(idle)}"
        )
    total = f"{len(engine.rules)} policies over {len(datasets)} datasets of {name}: {_count(wrong, 'problem')}"
    return Report(
        lines=[*lines, f"{total}, {_count(len(told) - wrong, 'warning')}"],
        data={"policies": len(engine.rules), "datasets": len(datasets), "findings": [asdict(one) for one in found]},
        code=1 if wrong or (strict and told) else 0,
    )


def _line(one: Finding) -> str:
    place = f"{one.file}: {one.policy}: " if one.policy else ""
    return f"{'warning' if one.warning else 'PROBLEM'} [{one.code}] {place}{one.words}"


def _count(number: int, word: str, many: str = "") -> str:
    return f"{number or 'no'} {word if number == 1 else many or word + 's'}"


def run_tests(settings: Settings, pack: str, folders: Sequence[Path], least: float = 0) -> Report:
    """Run the tests beside the policies and say what they cover; by default all those of a session.

    The exit code is 1 when a test fails, when there is none, or when they make less than `least` per cent of the policies fire.
    """
    results, covered = run_with_coverage(folders or build.policy_folders(settings, pack or settings.pack))
    failed = sum(bool(one.problem) for one in results)
    fire = sum(one.fires for one in covered)
    share = 100 * fire / len(covered)
    lines = [f"FAILED {one.file}: {one.name}: {one.problem}" for one in results if one.problem]
    lines += _uncovered(covered)
    lines.append(
        f"{len(results) - failed} passed, {failed} failed; {fire} of {len(covered)} policies fire in a test ({share:.0f} %)"
    )
    if failed and folders:
        lines.append("Only the policies of these folders count here; without a folder those of the pack do as well.")
    short = share < least
    lines += [f"That is less than the {least:g} % asked for."] if short else []
    return Report(lines=lines, data=_data(results, covered, share), code=1 if failed or not results or short else 0)


def _uncovered(covered: Sequence[Covered]) -> list[str]:
    lines = [f"not covered: {one.file}: no test makes {one.policy} fire" for one in covered if not one.fires]
    for one in covered:
        if one.fires and one.never_fails:
            names = ", ".join(one.never_fails)
            lines.append(f"note: {one.file}: {one.policy}: in every test its condition holds: {names}")
    return lines


def _data(results: Sequence[TestResult], covered: Sequence[Covered], share: float) -> dict[str, object]:
    return {
        "tests": [{"file": one.file, "name": one.name, "problem": one.problem} for one in results],
        "coverage": round(share, 1),
        "policies": [asdict(one) for one in covered],
    }
