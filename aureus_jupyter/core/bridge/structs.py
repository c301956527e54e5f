"""Expressions that only some engines have: lambdas, structs, maps."""

from __future__ import annotations

from typing import Any

STRUCTS: dict[Any, Any] = {}
