"""The line of `%%aureus`: options, names and parameters, with errors a person can act on."""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aureus_jupyter.errors import UserError

__all__ = ["COMMANDS", "FLAGS", "Line", "parse_line"]

FLAGS = {
    "--as": "sql or question",
    "-o": "name for the result",
    "--output": "name for the result",
    "--purpose": "why you read",
    "-e": "connection alias",
    "--engine": "connection alias",
    "--params": "name=value ... or a JSON object",
    "--max-results": "most rows to return",
    "--dry-run": "",
    "--pack": "pack name",
    "--frame": "pandas, polars or arrow",
    "-A": "name for the connection",
    "--alias": "name for the connection",
}
"""Options and what follows them; empty for a switch."""

COMMANDS = ("status", "whoami", "catalog", "connect", "explain", "evidence", "resume", "help")

_NAME = re.compile(r"[^\W\d]\w*\Z")
_SAME = {"--output": "-o", "--engine": "-e", "-A": "--alias"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A parsed line. `words` are what is neither option nor assignment."""

    words: tuple[str, ...] = ()
    kind: str = ""
    output: str = ""
    purpose: str = ""
    engine: str = ""
    parameters: tuple[tuple[str, Any], ...] = ()
    max_results: int | None = None
    dry_run: bool = False
    pack: str = ""
    frame: str = "pandas"
    alias: str = ""


def _bad(code: str, message: str, hint: str) -> UserError:
    return UserError(code, message, hint=hint)


def parse_line(line: str, namespace: Mapping[str, Any]) -> Line:
    """Return what a line asks for. `namespace` gives the values of `$name` parameters.

    Raises UserError: `unknown_option`, `bad_option`, `missing_value`, `bad_name`.
    """
    try:
        tokens = shlex.split(line, comments=False, posix=True)
    except ValueError:
        raise _bad("bad_option", "a quote on the %%aureus line is never closed", "Close it, or leave it out.") from None
    found: dict[str, Any] = {}
    words: list[str] = []
    place = 0
    while place < len(tokens):
        word = tokens[place]
        place += 1
        if not word.startswith("-") or len(word) == 1:
            words.append(word)
            continue
        flag, sep, inline = word.partition("=")
        _known(flag)
        if not FLAGS[flag]:
            found["dry_run"] = True
            continue
        values = [inline] if sep else []
        while (
            not sep
            and place < len(tokens)
            and not tokens[place].startswith("--")
            and _takes(flag, values, tokens[place:])
        ):
            values.append(tokens[place])
            place += 1
        if not values:
            raise _bad("missing_value", f"{flag} needs a value: {FLAGS[flag]}", f"Write {flag} VALUE.")
        _store(found, _SAME.get(flag, flag), values, namespace)
    output, rest = _assignment(words)
    if output:
        found["output"] = output
    return Line(words=tuple(rest), **found)


def _known(flag: str) -> None:
    if flag in FLAGS:
        return
    near = difflib.get_close_matches(flag, FLAGS, n=1, cutoff=0.4)
    raise _bad(
        "unknown_option",
        f"there is no option {flag[:40]!r}",
        f"Did you mean {near[0]}?" if near else "See %aureus help for the options.",
    )


def _takes(flag: str, values: list[str], rest: list[str]) -> bool:
    """Whether an option takes the next word: one each, but --params as many as there are, up to an assignment."""
    if flag != "--params":
        return not values
    assigns = rest[0].endswith("<<") or (len(rest) > 1 and rest[1] == "<<")
    return not values or not assigns


def _assignment(tokens: Sequence[str]) -> tuple[str, list[str]]:
    """Take `name <<` (or `name<<`) out of the words."""
    rest = list(tokens)
    for place, word in enumerate(rest):
        if word == "<<" and place:
            return _name(rest[place - 1]), rest[: place - 1] + rest[place + 1 :]
        if word.endswith("<<") and len(word) > 2:
            return _name(word[:-2]), rest[:place] + rest[place + 1 :]
    return "", rest


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise _bad(
            "bad_name", f"{text[:40]!r} cannot be a variable's name", "Use letters, digits and _, a letter first."
        )
    return text


def _store(found: dict[str, Any], flag: str, values: list[str], namespace: Mapping[str, Any]) -> None:
    value = values[0]
    if flag != "--params" and value.startswith("$"):
        value = str(_variable(value[1:], namespace))
    if flag == "--params":
        found["parameters"] = tuple(
            sorted({**dict(found.get("parameters", ())), **_parameters(values, namespace)}.items())
        )
    elif flag == "-o":
        found["output"] = _name(value)
    elif flag == "--max-results":
        if not value.isdigit() or int(value) < 1:
            raise _bad(
                "bad_option", "--max-results takes a whole number from 1", "Write for example --max-results 1000."
            )
        found["max_results"] = int(value)
    elif flag == "--as":
        found["kind"] = _one_of(flag, value, ("sql", "question"))
    elif flag == "--frame":
        found["frame"] = _one_of(flag, value, ("pandas", "polars", "arrow"))
    else:
        found[{"-e": "engine", "--purpose": "purpose", "--pack": "pack", "--alias": "alias"}[flag]] = value


def _one_of(flag: str, value: str, options: tuple[str, ...]) -> str:
    if value not in options:
        raise _bad("bad_option", f"{flag} takes {' or '.join(options)}", f"Write {flag} {options[0]}.")
    return value


def _parameters(values: list[str], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Read `a=1 b=x c=$variable`, or one JSON object."""
    if values[0].lstrip().startswith("{"):
        return _json_parameters(" ".join(values))
    found: dict[str, Any] = {}
    for item in values:
        name, sep, text = item.partition("=")
        if not sep or not _NAME.match(name):
            raise _bad(
                "bad_option", "--params takes name=value pairs or a JSON object", "Write for example --params pd=0.1."
            )
        found[name] = _variable(text[1:], namespace) if text.startswith("$") else _scalar(text)
    return found


def _json_parameters(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise _bad(
            "bad_option", "the JSON after --params cannot be read", "Quote it: --params '{\"pd\": 0.1}'."
        ) from None
    if not isinstance(value, dict) or not all(_bindable(v) for v in value.values()):
        raise _bad(
            "bad_parameter", "a parameter is a text, a number, true, false or null", "Take lists and objects out."
        )
    return value


def _variable(name: str, namespace: Mapping[str, Any]) -> Any:
    if name not in namespace:
        raise _bad("bad_parameter", f"there is no variable {name[:40]!r} for --params", "Assign it in a cell above.")
    value = namespace[name]
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if not _bindable(value):
        raise _bad(
            "bad_parameter",
            f"the variable {name[:40]!r} holds a {type(value).__name__}, a parameter is a text, a number, a date or None",
            "Bind one value at a time, or join a dataset.",
        )
    return value


def _bindable(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _scalar(text: str) -> Any:
    """Read a word of the line: a number, true, false, null, or text."""
    if text in {"true", "false"}:
        return text == "true"
    if text == "null":
        return None
    if re.fullmatch(r"[-+]?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"[-+]?\d+\.\d+(e[-+]?\d+)?", text):
        return float(text)
    return text
