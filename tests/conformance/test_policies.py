"""The declarative policies meet the port."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.policies.declarative import DeclarativePolicies, load_policies
from aureus_jupyter.adapters.policies.rules import compile_rule
from aureus_jupyter.testing.policies import PolicyConformance

HOUSE = (Path(__file__).parent / "house.policy.yaml").read_text("utf-8")
OPEN = "version: 1\npolicies:\n  - {id: open, description: Everything., effect: permit}\n"


class TestDeclarative(PolicyConformance):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path = tmp_path

    def of(self, *texts: str) -> DeclarativePolicies:
        """Return the policies of these files and no other."""
        for old in self.path.iterdir():
            old.unlink()
        for number, text in enumerate(texts):
            (self.path / f"{number}.policy.yaml").write_text(text, "utf-8")
        return load_policies([self.path])

    def house(self) -> DeclarativePolicies:
        return self.of(HOUSE)

    def changed(self) -> DeclarativePolicies:
        return self.of(HOUSE.replace("rows: 10}", "rows: 11}"))

    def empty(self) -> DeclarativePolicies:
        return self.of("version: 1\npolicies: []\n")

    def unreadable(self) -> DeclarativePolicies:
        return self.of(OPEN, "version: 1\npolicies:\n  - {id: y, effect: deny")

    def erring(self) -> DeclarativePolicies:
        def fails(asked: Any) -> list[Any]:
            raise ZeroDivisionError

        rule = compile_rule({"id": "open", "description": "d", "effect": "permit"})
        return DeclarativePolicies([rule, replace(rule, make=fails)], "v")


class TestWithoutAnyFile(TestDeclarative):
    def empty(self) -> DeclarativePolicies:
        return self.of()
