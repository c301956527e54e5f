"""OPA in process and behind a server meets the port, with the suite's house policy in Rego."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rego import build, running

from aureus_jupyter.adapters.policies.combined import Disagreement, agreeing
from aureus_jupyter.adapters.policies.declarative import load_policies
from aureus_jupyter.adapters.policies.opa.in_process import load_bundle
from aureus_jupyter.adapters.policies.opa.server import open_server
from aureus_jupyter.core.decide import safe_rule
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import PolicyEngine
from aureus_jupyter.testing.policies import REQUESTS, PolicyConformance, ask
from aureus_jupyter.values.verdict import VerdictKind

HOUSE = (Path(__file__).parent / "house.rego").read_text("utf-8")
OPEN = 'package bank\nimport rego.v1\nallow := true\naureus contains {"effect": "permit"}\n'
ERRING = OPEN + 'aureus contains {"effect": "permit"} if to_number(input.context.identity.user) > 1\n'
RULES = ("allow", "aureus")
ENTRIES = ("bank/allow", "bank/aureus")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("opa")
    sources = {"house": HOUSE, "changed": HOUSE.replace('"rows": 10}', '"rows": 11}'), "erring": ERRING, "open": OPEN}
    return {name: build(folder, {"p.rego": text}, ENTRIES, revision=name) for name, text in sources.items()}


@pytest.fixture(scope="module")
def servers(bundles: dict[str, Path]) -> Iterator[dict[str, str]]:
    with (
        running("-b", str(bundles["house"])) as house,
        running("-b", str(bundles["changed"])) as changed,
        running("-b", str(bundles["erring"])) as erring,
    ):
        yield {"house": house, "changed": changed, "erring": erring}


class TestInProcess(PolicyConformance):
    @pytest.fixture(autouse=True)
    def _folder(self, bundles: dict[str, Path], tmp_path: Path) -> None:
        self.bundles = bundles
        self.path = tmp_path

    def of(self, name: str) -> PolicyEngine:
        return load_bundle(self.bundles[name], "bank", RULES)

    def house(self) -> PolicyEngine:
        return self.of("house")

    def changed(self) -> PolicyEngine:
        return self.of("changed")

    def empty(self) -> PolicyEngine:
        (self.path / "empty.tar.gz").write_bytes(b"")
        return load_bundle(self.path / "empty.tar.gz", "bank", RULES)

    def unreadable(self) -> PolicyEngine:
        (self.path / "cut.tar.gz").write_bytes(self.bundles["open"].read_bytes()[:-40])
        return load_bundle(self.path / "cut.tar.gz", "bank", RULES)

    def erring(self) -> PolicyEngine:
        return self.of("erring")


class TestBehindAServer(PolicyConformance):
    """One server for each set, and for an empty one a package that is not there."""

    @pytest.fixture(autouse=True)
    def _servers(self, servers: dict[str, str]) -> None:
        self.servers = servers

    def house(self) -> PolicyEngine:
        return open_server(self.servers["house"], "bank", RULES)

    def changed(self) -> PolicyEngine:
        return open_server(self.servers["changed"], "bank", RULES)

    def empty(self) -> PolicyEngine:
        return open_server(self.servers["house"], "nothing", RULES)

    def unreadable(self) -> PolicyEngine:
        raise Unavailable(
            "policy_malformed", "OPA does not start over policies that it cannot read", hint="Correct them."
        )

    def erring(self) -> PolicyEngine:
        return open_server(self.servers["erring"], "bank", RULES)


def test_yaml_and_its_twin_in_rego_agree_to_the_letter(bundles: dict[str, Path], tmp_path: Path) -> None:
    house = Path(__file__).parents[2] / "conformance" / "house.policy.yaml"
    (tmp_path / "house.policy.yaml").write_text(house.read_text("utf-8"), "utf-8")
    both = agreeing([load_policies([tmp_path]), load_bundle(bundles["house"], "bank", ["aureus"])])
    kinds = {safe_rule(both, request).kind for request in REQUESTS if both.rule(request) is not None}
    assert kinds == set(VerdictKind)
    other = agreeing([load_policies([tmp_path]), load_bundle(bundles["changed"], "bank", ["aureus"])])
    with pytest.raises(Disagreement):
        other.rule(ask("account.id"))
