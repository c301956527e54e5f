"""Text from a person's line: what can be kept in a record, and what can name a variable."""

from __future__ import annotations

import builtins
import keyword
import unicodedata

from aureus_jupyter.errors import UserError

__all__ = ["bad_option", "checked_text", "variable_name"]


_TAKEN = frozenset({"get_ipython", "In", "Out", "exit", "quit"})


def bad_option(message: str, hint: str) -> UserError:
    """Return the error for an option that cannot be used as it is written."""
    return UserError("bad_option", message, hint=hint)


def checked_text(text: str, what: str) -> str:
    """Return `text` as it is. Raises UserError `bad_text` for a NUL or half of a character, which no record can hold."""
    if "\x00" in text or not _encodes(text):
        raise UserError(
            "bad_text", f"{what} holds a NUL or half of a character (a lone surrogate)", hint="Type that part anew."
        )
    return text


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def variable_name(text: str) -> str:
    """Return the name as Python will look it up (NFKC, PEP 3131). Raises UserError `bad_name`."""
    name = unicodedata.normalize("NFKC", text)
    if not text.isidentifier() or not name.isidentifier() or keyword.iskeyword(name):
        raise UserError(
            "bad_name",
            f"{text[:40]!r} cannot be a variable's name",
            hint="Use letters, digits and _, a letter first, and no word of Python's own.",
        )
    if name in _TAKEN or hasattr(builtins, name) or (name.startswith("__") and name.endswith("__")):
        raise UserError(
            "bad_name",
            f"{name[:40]} is a name of Python's or the notebook's own, which cells to come need",
            hint="Take another one, such as result.",
        )
    return name
