"""Compiled bundles asked in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.policies.opa.answers import MISSING
from aureus_jupyter.adapters.policies.opa.builtins import BUILTINS
from aureus_jupyter.adapters.policies.opa.bundle import Bundle, read_bundle
from aureus_jupyter.adapters.policies.opa.failures import EvaluationFailure, MalformedPlan
from aureus_jupyter.adapters.policies.opa.machine import Context, Limits, Machine
from aureus_jupyter.adapters.policies.opa.plan import parse_plan
from aureus_jupyter.adapters.policies.opa.policies import OpaPolicies, Session, checked_rules
from aureus_jupyter.adapters.policies.opa.request import Value
from aureus_jupyter.adapters.policies.opa.terms import from_python, to_python
from aureus_jupyter.errors import Unavailable

__all__ = ["BundleAsker", "load_bundle"]


class BundleAsker:
    """A bundle's entry points."""

    def __init__(
        self,
        bundle: Bundle,
        package: str,
        limits: Limits = Limits(),  # noqa: B008 - immutable
    ) -> None:
        """Raises MalformedPlan and EvaluationFailure for a bundle that cannot be run."""
        self._plan = parse_plan(bundle.plan, BUILTINS)
        self.machine = Machine(self._plan, bundle.data, BUILTINS, limits)
        self._bundle = bundle
        self._package = package

    @property
    def version(self) -> tuple[str, str]:
        """The bundle's revision and digest."""
        return self._bundle.revision or "-", self._bundle.digest

    @property
    def timed(self) -> bool:
        """Whether the policy calls time.now_ns."""
        return "time.now_ns" in self._plan.builtins

    def session(self, at: str) -> Session:
        """Begin a decision: its one time is `at`."""
        return _Session(self.machine, self._package, Context(now_ns=_nanoseconds(at) if at else None))


def _nanoseconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp()) * 10**9


class _Session:
    def __init__(self, machine: Machine, package: str, context: Context) -> None:
        self._machine = machine
        self._package = package
        self._context = context

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @property
    def value(self) -> Value:
        return from_python

    def ask(self, rule: str, given: Mapping[str, Any]) -> Any:
        found = self._machine.evaluate(f"{self._package}/{rule}", given, self._context)
        return MISSING if found is None else to_python(found)


def load_bundle(
    path: Path,
    package: str,
    rules: Sequence[str],
    key: Path | None = None,
) -> OpaPolicies:
    """Read a bundle and return it as a policy engine; `package` is a path such as `trino` or `bank/trino`.

    Raises Unavailable: `policy_malformed` for a bundle that cannot be used, `policies_missing` for a file that is not there,
    `opa_rules` for rules that it does not have.
    """
    rules = checked_rules(rules)
    try:
        asker = BundleAsker(read_bundle(path, None if key is None else key.read_bytes()), package)
    except OSError as cause:
        raise Unavailable(
            "policies_missing",
            f"the bundle {path.name}, or the key to check it with, cannot be read ({type(cause).__name__})",
            hint=f"Check opa_bundles and opa_bundle_key: {path}. Until it can be read nothing may be.",
        ) from None
    except (MalformedPlan, EvaluationFailure) as cause:
        raise Unavailable(
            "policy_malformed",
            f"the bundle {path.name} cannot be used: {cause}",
            hint=f"Make {path} anew with: opa build -t plan. Until then nothing may be read.",
        ) from None
    missing = [f"{package}/{r}" for r in rules if f"{package}/{r}" not in asker.machine.entries]
    if missing:
        raise Unavailable(
            "opa_rules",
            f"the bundle {path.name} has no entry point {', '.join(missing)}",
            hint=f"Make it with: opa build -t plan {' '.join('-e ' + m for m in missing)}, or change opa_rules.",
        )
    return OpaPolicies(asker, package, rules)
