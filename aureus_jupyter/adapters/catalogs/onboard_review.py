"""REVIEW.md: what was guessed, why, and what a person must check. Counts and shares only, no value of the data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from aureus_jupyter.adapters.catalogs.onboard_profile import ColumnProfile, Join, TableProfile

__all__ = ["review"]

_FEW_ROWS = 20
_LISTED = re.compile(r"ENUM\('(?:[^']|'')*'(?:, '(?:[^']|'')*')*\)")
_NAMELESS = re.compile(r"(column|col|c|f|v|x|field|var|unnamed)?[ _:]*\d+", re.IGNORECASE)

_TOP = """
Everything here was guessed from the data. Nothing is sure until you have checked it.

- A table without a contract cannot be reached, and neither can one whose contract is a draft: nobody reads anything yet.
- Every table and column begins at the classification internal. A guess at personal data raises a column to confidential (restricted
  for special categories) and its table to confidential. No guess does not mean no personal data.
- Nothing in these files is a value from the data, but for the members of ENUM types: the reasons are names, counts and shares.

Check: names and descriptions, keys, joins, every guess at personal data and what was *not* guessed, owner and approvers,
jurisdiction, retention, and who may read for which purpose (policies/access.policy.yaml). In each contract that is right, change
`status: draft` to `status: active`: from then on its table can be read, under the policies. Contracts can be opened one by one.
Then set the status in pack.yaml to active, and run `aureus pack validate`.
"""


def review(
    name: str,
    tables: Sequence[TableProfile],
    joins: Mapping[tuple[str, str], Join],
    left_out: Mapping[str, str],
    about: Sequence[str] = (),
) -> str:
    """Return the document. The same input gives the same text."""
    lines = [f"# Review of {_plain(name)}", _TOP.rstrip()]
    lines += ["", *(f"- {_plain(line)}" for line in about)] if about else []
    if left_out:
        lines += ["", "## Left out", "", "These have no contract, so nobody can reach them:", ""]
        lines += [f"- `{_plain(what)}`: {_plain(why)}" for what, why in sorted(left_out.items())]
    for table in tables:
        lines += ["", *_table(table, joins)]
    return "\n".join(lines) + "\n"


def _table(table: TableProfile, joins: Mapping[tuple[str, str], Join]) -> list[str]:
    key = f"`{_plain(table.key)}`, never empty and never twice" if table.key else _no_key(table)
    lines = [f"## {table.name}", "", f"{table.rows:,} rows from `{_plain(table.origin or table.source)}`. Key: {key}."]
    notes = [*table.notes, *(["It has no rows, so its types are a guess."] if not table.rows else [])]
    if table.rows and table.key and table.rows < _FEW_ROWS:
        notes.append(f"With {table.rows} rows a column is easily never twice: check the key.")
    listed = [column.name for column in table.columns if _LISTED.search(column.type)]
    if listed:
        notes.append(
            f"The contract lists the values of ENUM types, as they are part of the type: {', '.join(listed)}. Check that all may be read."
        )
    if table.columns and all(_NAMELESS.fullmatch(column.name) for column in table.columns):
        notes.append(
            "The names of its columns say nothing, so personal data was looked for in values only. Look at each column."
        )
    lines += ["", *(f"- {_plain(note)}" for note in notes)] if notes else []
    lines += ["", "| column | type | empty | distinct | guess | why |", "|---|---|--:|--:|---|---|"]
    for column in table.columns:
        cells = _cells(table, column, joins.get((table.name, column.name)))
        lines.append("| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |")
    return lines


def _no_key(table: TableProfile) -> str:
    unique = [f"`{_plain(column.name)}`" for column in table.columns if column.unique and column.empty == 0]
    return f"none drafted; never empty and never twice: {', '.join(unique[:5])}" if unique else "none found"


def _cells(table: TableProfile, column: ColumnProfile, join: Join | None) -> tuple[str, ...]:
    guesses, why = [], []
    if column.pii is not None:
        guesses.append(f"{column.pii.what} ({column.pii.level})")
        why.append(column.pii.evidence)
    if join is not None:
        where = f"{join.target_table}.{join.target_column}"
        share = f"{int(join.share * 1000) / 10}% of its distinct values are"
        guesses += [f"points to {where}"] if join.likely else []
        why.append(
            f"{share} found there" if join.likely else f"named like {where}, but only {share} there: no join drafted"
        )
    if column.note:
        why.append(column.note)
    empty = f"{column.empty / table.rows:.1%}" if table.rows else "–"
    distinct = "–" if column.distinct is None else f"{column.distinct:,}"
    return column.name, _LISTED.sub("ENUM", column.type), empty, distinct, "; ".join(guesses), "; ".join(why)


def _plain(text: str) -> str:
    """Return a name so that it stays on its line and within its marks."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).replace("`", "'").replace("<", "&lt;")
