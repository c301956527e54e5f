"""pyarrow, for the type checker: it carries no types and does not name what it exports."""

from __future__ import annotations

from typing import Any

import pyarrow

__all__ = ["pa"]

pa: Any = pyarrow
