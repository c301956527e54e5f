"""Packs edited at random: validation and loading answer, and what loading refuses, validation explains."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.validate import validate_pack
from aureus_jupyter.errors import Unavailable

SMALL = Path(__file__).parent / "small"
FILES = sorted(path.relative_to(SMALL).as_posix() for path in SMALL.rglob("*.yaml"))
WORDS = [
    "null",
    "true",
    "[]",
    "{}",
    "[null]",
    "{a: 1}",
    '""',
    "-1",
    "1.5",
    "x",
    '"a\\nb"',
    "{a}",
    ":who",
    "loan",
    '"',
    "'",
    "[[]]",
]
WORDS += ["&a", "!!str", "é", "STRUCT(a INT)", "DECIMAL(99,2)", "ENUM()", "VARCHAR[", "rowid", "x" * 300, "select 1;"]
WORDS += ["relationships: [5]", "team: [{role: owner}]", "roles: [{firstLevelApprovers: 5}]", "description: 5"]


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    """Return a file of the pack and its text with a few words and lines changed."""
    name = draw(st.sampled_from(FILES))
    lines = (SMALL / name).read_text().split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["word", "word", "drop", "copy"]))
        if what == "word":
            words = lines[at].split(" ")
            words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(WORDS))
            lines[at] = " ".join(words)
        elif what == "copy":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif len(lines) > 1:
            del lines[at]
    return name, "\n".join(lines)


@settings(deadline=None, max_examples=80)
@given(edits())
def test_any_edit_is_answered(edit: tuple[str, str]) -> None:
    name, text = edit
    with TemporaryDirectory() as folder:
        pack = Path(shutil.copytree(SMALL, Path(folder) / "small"))
        (pack / name).write_text(text)
        problems = validate_pack(pack)
        assert all(p.file and p.field and p.expected and p.found and p.line >= 0 for p in problems)
        try:
            PackSource(pack).load()
        except Unavailable:
            assert problems
