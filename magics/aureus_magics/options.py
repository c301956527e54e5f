"""The line of `%%aureus`: options, names and parameters, with errors a person can act on."""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aureus_jupyter.errors import UserError
from aureus_magics.parameters import parameters, variable
from aureus_magics.text import bad_option, checked_text, variable_name

__all__ = ["COMMANDS", "FLAGS", "Line", "parse_line"]

FLAGS = {
    "--as": "sql or question",
    "-o": "name for the result",
    "--output": "name for the result",
    "--purpose": "why you read",
    "--why": "why you need it now",
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

COMMANDS = ("status", "whoami", "catalog", "budgets", "connect", "explain", "evidence", "resume", "help")

_LONGEST = 1000
_SAME = {"--output": "-o", "--engine": "-e", "-A": "--alias"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A parsed line. `words` are what is neither option nor assignment."""

    words: tuple[str, ...] = ()
    kind: str = ""
    output: str = ""
    purpose: str = ""
    why: str = ""
    engine: str = ""
    parameters: tuple[tuple[str, Any], ...] = ()
    max_results: int | None = None
    dry_run: bool = False
    pack: str = ""
    frame: str = "pandas"
    alias: str = ""


def parse_line(line: str, namespace: Mapping[str, Any]) -> Line:
    """Return what a line asks for. `namespace` gives the values of `$name` parameters.

    Raises UserError: `unknown_option`, `bad_option`, `missing_value`, `bad_name`, `bad_parameter`, `bad_text`.
    """
    tokens = list(_split(checked_text(line, "the %%aureus line")))
    found: dict[str, Any] = {}
    words: list[str] = []
    while tokens:
        word = tokens.pop(0)
        if not word.startswith("-") or len(word) == 1:
            words.append(word)
            continue
        flag, sep, inline = word.partition("=")
        _known(flag)
        if not FLAGS[flag]:
            if sep:
                raise bad_option(f"{flag} takes no value", f"Write {flag} alone, or leave it out.")
            found["dry_run"] = True
            continue
        values = ([inline] if inline else []) if sep else _values(flag, tokens)
        if not values:
            raise UserError("missing_value", f"{flag} needs a value: {FLAGS[flag]}", hint=f"Write {flag} VALUE.")
        _store(found, _SAME.get(flag, flag), values, namespace)
    output, rest = _assignment(words)
    if output and found.setdefault("output", output) != output:
        raise bad_option("the result has two names", "Give it one: NAME << or -o NAME.")
    return Line(words=tuple(rest), **found)


@lru_cache(maxsize=64)
def _split(line: str) -> tuple[str, ...]:
    """Split as a POSIX shell does; on Windows a backslash is a part of a path."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=False)
    reader.whitespace_split, reader.commenters = True, ""
    if os.name == "nt":
        reader.escape = ""
    try:
        return tuple(reader)
    except ValueError:
        raise bad_option("a quote on the %%aureus line is never closed", "Close it, or leave it out.") from None


def _known(flag: str) -> None:
    if flag in FLAGS:
        return
    near = difflib.get_close_matches(flag, FLAGS, n=1, cutoff=0.6)
    raise UserError(
        "unknown_option",
        f"there is no option {flag[:40]!r}",
        hint=f"Did you mean {near[0]}?" if near else "See %aureus help for the options.",
    )


def _values(flag: str, tokens: list[str]) -> list[str]:
    """Take an option's values off the tokens: one each, but --params as many as there are, up to an assignment."""
    values: list[str] = []
    while tokens and tokens[0].partition("=")[0] not in FLAGS and not tokens[0].startswith("--"):
        if values and (flag != "--params" or tokens[0].endswith("<<") or tokens[1:2] == ["<<"]):
            break
        values.append(tokens.pop(0))
    return values


def _assignment(tokens: Sequence[str]) -> tuple[str, list[str]]:
    """Take `name <<` (or `name<<`) out of the words."""
    rest = list(tokens)
    for place, word in enumerate(rest):
        if word == "<<" and not place:
            raise UserError("missing_value", "a name is missing before <<", hint="Write NAME << and then the options.")
        if word == "<<":
            return variable_name(rest[place - 1]), rest[: place - 1] + rest[place + 1 :]
        if word.endswith("<<") and len(word) > 2:
            return variable_name(word[:-2]), rest[:place] + rest[place + 1 :]
    return "", rest


def _store(found: dict[str, Any], flag: str, values: list[str], namespace: Mapping[str, Any]) -> None:
    value = values[0]
    if flag == "--params":
        given, more = dict(found.get("parameters", ())), parameters(values, namespace)
        for name in given.keys() & more.keys():
            raise _twice(f"the parameter :{name}")
        found["parameters"] = tuple(sorted({**given, **more}.items()))
        return
    if value.startswith("$"):
        value = checked_text(str(variable(value[1:], namespace)), f"the value of {flag}")
    if len(value) > _LONGEST:
        raise bad_option(f"the value of {flag} is longer than {_LONGEST} characters", f"Write {flag} VALUE.")
    name = _MEMBERS[flag]
    if name in found:
        raise _twice(flag)
    read = _READERS.get(name)
    found[name] = read(flag, value) if read is not None else value


def _twice(what: str) -> UserError:
    return bad_option(f"{what} is given twice", "Leave one out: which of the two counts would be a guess.")


def _count(flag: str, value: str) -> int:
    """Read a number of rows: ASCII digits, few enough for every engine and record."""
    if not re.fullmatch(r"[0-9]{1,15}", value) or int(value) < 1:
        raise bad_option(f"{flag} takes a whole number from 1", f"Write for example {flag} 1000.")
    return int(value)


def _one_of(flag: str, value: str, *options: str) -> str:
    if value not in options:
        near = difflib.get_close_matches(value, options, n=1, cutoff=0.4)
        raise bad_option(f"{flag} takes {' or '.join(options)}", f"Write {flag} {(near or options)[0]}.")
    return value


_MEMBERS = {
    "-o": "output",
    "-e": "engine",
    "--purpose": "purpose",
    "--why": "why",
    "--pack": "pack",
    "--alias": "alias",
    "--as": "kind",
    "--frame": "frame",
    "--max-results": "max_results",
}
_READERS: dict[str, Callable[[str, str], Any]] = {
    "output": lambda flag, value: variable_name(value),
    "max_results": _count,
    "kind": lambda flag, value: _one_of(flag, value, "sql", "question"),
    "frame": lambda flag, value: _one_of(flag, value, "pandas", "polars", "arrow"),
}
