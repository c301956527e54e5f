"""The cells of a notebook that a policy could change: SQL under `%%aureus`, read from the file and never run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aureus_jupyter.errors import AureusError, UserError
from aureus_jupyter.service.decisions import Reader
from aureus_jupyter.service.drafting import origin_of
from aureus_jupyter.values.draft import Cell, Origin
from aureus_jupyter.values.plan import Parameter

__all__ = ["SqlCell", "cells_of"]

_FIRST = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlCell:
    """One governed cell: its place, its SQL and what its line says; or why it is skipped."""

    name: str
    sql: str = ""
    purpose: str = ""
    parameters: tuple[tuple[str, Parameter], ...] = ()
    skipped: str = ""

    @property
    def first(self) -> str:
        """The beginning of the statement, on one line."""
        text = " ".join(self.sql.split())
        return text if len(text) <= _FIRST else text[: _FIRST - 1] + "…"


def cells_of(path: Path, reader: Reader) -> Iterator[SqlCell]:
    """Yield the cells that begin with %%aureus, in order. Raises UserError `notebook_unreadable`."""
    import nbformat

    try:
        read: Any = nbformat.reads
        notebook = read(path.read_text("utf-8"), as_version=4)
        sources = [(str(c["cell_type"]), str(c["source"])) for c in notebook["cells"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as cause:
        raise UserError(
            "notebook_unreadable",
            f"{path} is no notebook that can be read ({type(cause).__name__})",
            hint="Name an .ipynb file.",
        ) from None
    for number, (kind, source) in enumerate(sources, start=1):
        text = source.lstrip("\n")
        if kind == "code" and re.match(r"%%aureus(\s|$)", text):
            line, _, body = text.partition("\n")
            yield _cell(f"cell {number}", line.removeprefix("%%aureus"), body.rstrip("\n"), reader)


def _cell(name: str, line: str, body: str, reader: Reader) -> SqlCell:
    try:
        options = _options(line)
        if "--pack" in options or "-e" in options or "--engine" in options:
            return SqlCell(name=name, skipped="it names a pack or a connection of its own")
        asked = Cell(source=body, kind=" ".join(options.get("--as", ())))
        if origin_of(asked, lambda sql: _parses(sql, reader)) is Origin.QUESTION:
            return SqlCell(name=name, skipped="it is a question, whose SQL a copilot writes when it runs")
    except AureusError as error:
        return SqlCell(name=name, skipped=f"it could not run: {error.message}")
    except ValueError:
        return SqlCell(name=name, skipped="a quote on its line is never closed")
    purpose = " ".join(options.get("--purpose", ()))
    if purpose.startswith("$"):
        return SqlCell(name=name, skipped="its purpose is a variable of the notebook")
    return SqlCell(name=name, sql=body, purpose=purpose, parameters=_parameters(options.get("--params", [])))


def _parses(sql: str, reader: Reader) -> bool:
    try:
        reader.read(sql)
    except AureusError:
        return False
    return True


def _options(line: str) -> dict[str, list[str]]:
    """Return each option's words. The magic itself is strict about them; here only a few matter."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for word in shlex.split(line):
        if word.startswith("-") and len(word) > 1:
            flag, sep, value = word.partition("=")
            current = found.setdefault(flag, [])
            current += [value] if sep else []
        else:
            current.append(word)
    for flag in found.keys() - {"--params"}:
        del found[flag][1:]
    return found


def _parameters(words: list[str]) -> tuple[tuple[str, Parameter], ...]:
    text = " ".join(words)
    if text.startswith("{"):
        import json

        try:
            pairs = json.loads(text).items()
        except (ValueError, AttributeError):
            pairs = ()
    else:
        pairs = (tuple(word.split("=", 1)) for word in words if "=" in word)
        pairs = [(name, _scalar(value)) for name, value in pairs]
    return tuple(sorted(((str(name), value) for name, value in pairs), key=lambda pair: pair[0]))


def _scalar(text: str) -> Parameter:
    """Read a word as the magic does: a number, true, false, null, or text. A variable's value is not known, and null."""
    if text in {"true", "false"}:
        return text == "true"
    if text == "null" or text.startswith("$"):
        return None
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}", text) else text
