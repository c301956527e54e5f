"""`%config Aureus.name = value`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from traitlets import TraitType
from traitlets.config import Configurable

from aureus_jupyter.errors import AureusError, UserError
from aureus_jupyter.values.settings import ABOUT

__all__ = ["AureusConfig", "forget_refused", "raise_refused"]


class Setting(TraitType[Any, Any]):
    """One of the application's settings. Holds no value of its own, so that the two can never differ.

    The settings' own reader checks what is assigned: its errors are two lines where those of a typed trait are a traceback.
    """

    def __init__(self) -> None:
        super().__init__(config=True)

    def class_init(self, cls: Any, name: str | None) -> None:
        """Take the setting's meaning from where all are described."""
        super().class_init(cls, name)
        self.help = ABOUT[str(name)]

    def get(self, obj: Any, cls: Any = None) -> Any:
        """Return what the setting is now. Raises UserError `config_malformed` when some file cannot be read."""
        from aureus_jupyter.app import get_app

        return getattr(get_app().settings, str(self.name))

    def validate(self, obj: Any, value: Any) -> Any:
        """Set the setting. Raises UserError `config_malformed`, `config_locked`; the setting then stays as it was."""
        from aureus_jupyter.app import get_app

        with _kept(str(self.name)):
            get_app().configure(**{str(self.name): value})
        return value


@contextmanager
def _kept(name: str) -> Iterator[None]:
    """Keep a refusal for the next cell: `%config` prints an error and goes on, and a pipeline would run with other settings.

    Only the same setting, set well, makes it good.
    """
    _refused.pop(name, None)
    try:
        yield
    except AureusError as error:
        _refused[name] = error
        raise


_refused: dict[str, AureusError] = {}


def forget_refused() -> None:
    """Forget what the last change was refused for."""
    _refused.clear()


def raise_refused() -> None:
    """Raise, once, what a change of a setting was refused for, unless the same setting was changed well since."""
    if _refused:
        error = next(iter(_refused.values()))
        _refused.clear()
        raise error


class AureusConfig(Configurable):
    """Settings of this kernel. What an administrator fixed cannot be changed here; the change is then refused.

    Has none for who you are, keys and trust, which no cell should move (a notebook may be somebody else's), and none for secrets,
    which a notebook would keep.
    """

    purpose = Setting()
    pack = Setting()
    packs_path = Setting()
    engine = Setting()
    display_rows = Setting()
    max_results = Setting()
    time_limit = Setting()
    memory_limit = Setting()
    threads = Setting()
    seed_rows = Setting()
    evidence_folder = Setting()
    include_rows = Setting()
    copilot = Setting()
    copilot_base_url = Setting()
    copilot_model = Setting()
    copilot_timeout = Setting()
    copilot_token_budget = Setting()

    def update_config(self, config: Any) -> None:
        """Take changes. Raises UserError for a name that is no setting; traitlets would only warn."""
        known = self.trait_names(config=True)
        for name in set(config.get("Aureus", {})) - set(known):
            near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
            with _kept(str(name)):
                raise UserError(
                    "config_malformed",
                    f"%config: there is no setting {str(name)[:60]!r} that a cell may change",
                    hint=f"Did you mean {near[0]}?" if near else "%config Aureus lists them.",
                )
        super().update_config(config)

    @classmethod
    def class_name(cls) -> str:
        """Return the name `%config` knows."""
        return "Aureus"


AureusConfig.__name__ = "Aureus"
