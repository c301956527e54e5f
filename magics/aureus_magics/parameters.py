"""Values for `:name` in a statement: from the line, from JSON, or from variables of the notebook."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aureus_jupyter.errors import UserError
from aureus_magics.text import bad_option, checked_text

__all__ = ["parameters", "variable"]

_NAME = re.compile(r"[^\W\d]\w*\Z")
_LARGEST = 2**63 - 1
"""Beyond it no engine has an integer to bind to; as text it can be cast to DECIMAL."""


def parameters(values: list[str], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Read `a=1 b=x c=$variable`, or one JSON object. Raises UserError `bad_option`, `bad_parameter`, `bad_text`."""
    if values[0].lstrip().startswith("{"):
        return _from_json(" ".join(values))
    found: dict[str, Any] = {}
    for item in values:
        name, sep, text = item.partition("=")
        if not sep:
            raise _malformed()
        if name in found:
            raise bad_option(f"the parameter :{name[:40]} is given twice", "Leave one out.")
        found[_parameter_name(name)] = variable(text[1:], namespace) if text.startswith("$") else _scalar(text)
    return found


def _parameter_name(name: str) -> str:
    if not _NAME.match(name):
        raise _malformed()
    return name


def _malformed() -> UserError:
    return bad_option(
        "--params takes name=value pairs or a JSON object",
        "Write for example --params pd=0.1, without spaces around =; quote a value that has some.",
    )


def _from_json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise bad_option("the JSON after --params cannot be read", "Quote it: --params '{\"pd\": 0.1}'.") from None
    return {_parameter_name(name): _bindable(item, f"the parameter {name[:40]!r}") for name, item in value.items()}


def _no_number(word: str) -> float:
    raise ValueError(word)


def variable(name: str, namespace: Mapping[str, Any]) -> Any:
    """Return a variable's value in a form that can be bound: dates and decimals as text, a missing value as None.

    Does not evaluate an expression. Raises UserError `bad_parameter`, which never tells the value.
    """
    if name not in namespace:
        raise UserError("bad_parameter", f"there is no variable {name[:40]!r}", hint="Assign it in a cell above.")
    return _bindable(_plain(namespace[name]), f"the variable {name[:40]!r}")


def _plain(value: Any) -> Any:
    """Turn what NumPy, pandas and the standard library hold one value in into Python's own."""
    if type(value).__module__.startswith("pandas.") and str(value) in {"NaT", "<NA>"}:
        return None
    if not hasattr(value, "isoformat") and hasattr(value, "item") and not getattr(value, "ndim", 0):
        value = value.item()
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value) if isinstance(value, Decimal) else value


def _bindable(value: Any, what: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return checked_text(str(value), what)
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise UserError("bad_parameter", f"{what} is too large a number", hint="Bind it as text and cast it.")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UserError("bad_parameter", f"{what} is not a finite number", hint="Bind null for a missing value.")
        return float(value)
    raise UserError(
        "bad_parameter",
        f"{what} holds a {type(value).__name__[:40]}, a parameter is a text, a number, true, false, a date or null",
        hint="Bind one value at a time, or join a dataset.",
    )


def _scalar(text: str) -> Any:
    """Read a word of the line: a number, true, false, null, or text.

    A number is what every program would write back alike: `00123` and `+49` are texts, as codes and telephone numbers are.
    """
    if text in {"true", "false"}:
        return text == "true"
    if text == "null":
        return None
    if re.fullmatch(r"-?(0|[1-9][0-9]*)", text) and abs(int(text[:40])) <= _LARGEST:
        return int(text)
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,299})\.[0-9]+(e[-+]?[0-9]{1,2})?", text):
        return _bindable(float(text), "the number")
    return text
