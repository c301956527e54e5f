"""The project's own tools in `.ci/tools`, as modules: they lie in a hidden folder that no import finds."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

__all__ = ["tool"]

_FOLDER = Path(__file__).resolve().parents[1] / ".ci" / "tools"


def tool(name: str) -> Any:
    """Return the module `.ci/tools/<name>.py`, the same one each time."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        # Its dataclasses look themselves up among the loaded modules.
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]
