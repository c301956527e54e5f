"""How much larger than what is stored a value may become: `repeat` in `repeat` multiplies, and memory limits do not see it.

A bound, not a measure: each function with a size is taken at that size, what stands inside of another multiplies, what stands
beside another adds up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aureus_jupyter.core.functions import BOUNDED
from aureus_jupyter.values.catalog import fold

__all__ = ["Growth"]

_JOINING = frozenset("|| concat concat_ws list_value list_pack row struct_pack array_value greatest least".split())
"""Functions whose answer is about as large as all that they are given, one after another."""
_ROWS = frozenset({"range", "generate_series"})


class Growth:
    """The bound for expressions of one SELECT. `source` is that of FROM's columns, `aliases` that of earlier outputs."""

    def __init__(self, query: Callable[[Any], int], source: int, aliases: Mapping[str, int]) -> None:
        self._query, self._source, self._aliases = query, source, aliases

    def of(self, node: Any) -> int:
        """Return the bound for an expression, or the sum for several that stand beside each other."""
        if isinstance(node, list):
            return self._beside(node)
        if not isinstance(node, dict):
            return 1
        if node.get("type") == "COLUMN_REF":
            name = fold(node["column_names"][0]) if len(node["column_names"]) == 1 else ""
            return max(self._aliases.get(name, 1), self._source)
        if node.get("type") == "SUBQUERY" and "subquery" in node:
            return max(self._query(node["subquery"]["node"]), self.of(node.get("child")))
        if node.get("type") == "FUNCTION":
            return self._function(node)
        return self._beside(v for v in node.values() if isinstance(v, (dict, list)))

    def _beside(self, nodes: Iterable[Any]) -> int:
        return sum(found for node in nodes if (found := self.of(node)) > 1) or 1

    def _function(self, node: Mapping[str, Any]) -> int:
        name = str(node["function_name"]).lower()
        given = [argument.get("expression") or argument for argument in node.get("arguments") or ()]
        if name == "unnest" and len(given) == 1 and str(given[0].get("function_name", "")).lower() in _ROWS:
            return 1  # rows of one number each, not a value that is large
        inside = self._beside(given) if name in _JOINING else math.prod(self.of(item) for item in given)
        sizes = [int(text) for place in BOUNDED.get(name, ((), 0))[0] if (text := _number(given, place)).isdigit()]
        return max([1, *sizes]) * inside


def _number(given: list[Any], place: int) -> str:
    return str((given[place].get("literal") or {}).get("text", "")) if place < len(given) else ""
