"""What tests of the model copilot share: one that waits for nothing, and what every failure of it must hold to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aureus_jupyter.adapters.copilots.openai_copilot import OpenAICopilot
from aureus_jupyter.errors import AureusError
from aureus_jupyter.ports import CopilotContext
from aureus_jupyter.testing.copilots import ModelServer, context

KEY = "sk-KEYMARK-123"
ASKED = "how many loans are there"


class Waits(list[float]):
    """Keeps what it was asked to wait, and does not."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    """Every pause a copilot of this test asked for."""
    return Waits()


@pytest.fixture
def ask(waits: Waits) -> Callable[..., OpenAICopilot]:
    """Return what makes a copilot that asks a server, or an address."""

    def make(server: ModelServer | str, **how: Any) -> OpenAICopilot:
        url = server if isinstance(server, str) else f"{server.url}/v1"
        return OpenAICopilot(**{"base_url": url, "model": "m-1", "key": KEY, "timeout": 20.0, "wait": waits, **how})

    return make


@pytest.fixture
def failure() -> Callable[..., AureusError]:
    """Return what makes a copilot fail and checks that the error helps and tells no key."""

    def fail(made: OpenAICopilot, asked: CopilotContext | None = None) -> AureusError:
        with pytest.raises(AureusError) as caught:
            made.draft(ASKED, asked or context())
        error = caught.value
        assert KEY not in f"{error} {error.to_dict()} {error.args} {error.__cause__!r}"
        assert error.hint
        assert "loans with PD above 10 %" in error.hint or error.code == "copilot_settings"
        return error

    return fail
