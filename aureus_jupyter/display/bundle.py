"""A run as one MIME bundle: JSON for our renderer, HTML with inline styles, Markdown and plain text.

The bundle is deterministic: no clock, no random id. The HTML survives JupyterLab's sanitiser and reads in light and
dark.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from aureus_jupyter.core.report import fenced, inline, visible
from aureus_jupyter.display.svg import lineage_image
from aureus_jupyter.display.words import BADGES, Card, card_of, is_number
from aureus_jupyter.values.run import Run

__all__ = ["MIME", "bundle", "escape", "page"]

MIME = "application/vnd.aureus.run.v1+json"

_NO_MATH = 'class="tex2jax_ignore mathjax_ignore"'
"""Amounts in dollars are no formulas, and a formula from a row may hold a link: MathJax 2 and 3 leave these classes alone."""

_WIDEST = 40
"""Characters of one value in a table of plain text."""

_LINE = "1px solid rgba(128,128,128,.5)"
_CELL = f"border-bottom:{_LINE};padding:3px 10px"


def bundle(
    run: Run, rows: list[list[str | None]] | None = None, notices: Sequence[str] = (), estimate: str = ""
) -> dict[str, Any]:
    """Return the bundle of a run with its first rows. Everything in it that came from outside is escaped."""
    card = card_of(run, rows, tuple(notices), estimate)
    return {
        MIME: card.to_json(),
        "text/html": _html(card),
        "text/markdown": _markdown(card),
        "text/plain": _plain(card),
    }


def escape(text: str) -> str:
    """Return text for HTML, with what is not seen spelt out."""
    return html.escape(visible(text))


def _badge(card: Card) -> str:
    icon, word, colour = BADGES[card.outcome]
    return (
        f'<span style="display:inline-block;background:{colour};color:#ffffff;border-radius:4px;padding:2px 10px;'
        f'font-weight:600"><span aria-hidden="true">{icon}</span> {word}</span>'
    )


def _html(card: Card) -> str:
    parts = [f'<p style="margin:0 0 6px">{_badge(card)} <strong>{escape(card.title)}</strong></p>']
    parts += [f"<p>{escape(notice)}</p>" for notice in card.notices]
    if card.question:
        parts.append(f"<p>Question: {escape(card.question)}</p>")
    if card.what:
        parts.append(f"<p>{escape(card.what)}</p>")
    parts += [_list("Why", card.why), _list("What policy changed", card.changes)]
    if card.next:
        parts.append(f"<p><strong>What to do:</strong> {escape(card.next)}</p>")
    parts.append(_table(card))
    if card.sql:
        parts.append(f'<pre style="border:{_LINE};padding:8px;overflow:auto">{escape(card.sql)}</pre>')
    if card.lineage:
        parts.append(lineage_image(card.edges, "Lineage: " + "; ".join(card.lineage)))
        parts.append(_list("Where the columns come from", card.lineage))
    if card.evidence:
        parts.append(f"<p>Evidence: <code>{escape(card.evidence)}</code> ({escape(card.digest)})</p>")
    colour = BADGES[card.outcome][2]
    return f'<div {_NO_MATH} style="border-left:4px solid {colour};padding:4px 12px">{"".join(parts)}</div>'


def _list(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    rows = "".join(f"<li>{escape(item)}</li>" for item in items)
    # The name stands twice: a screen reader that moves from list to list hears the label, not the line before.
    name = f'<p style="margin:6px 0 0"><strong>{title}</strong></p>'
    return f'{name}<ul aria-label="{title}" style="margin:2px 0 6px">{rows}</ul>'


def _table(card: Card) -> str:
    if not card.columns:
        return ""
    sides = [_aligned(kind) for _, kind, _ in card.columns]
    head = "".join(
        f'<th scope="col" {side}>{escape(name)}{" (masked)" if masked else ""}</th>'
        for side, (name, _, masked) in zip(sides, card.columns, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td {side}>{'<em>null</em>' if value is None else escape(value)}</td>"
            for side, value in zip(sides, row, strict=True)
        )
        + "</tr>"
        for row in card.rows
    )
    return (
        f'<table style="border-collapse:collapse;margin:6px 0"><caption align="bottom">{escape(_count(card))}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _aligned(kind: str = "") -> str:
    """Return a cell's attributes. The style repeats `align`: JupyterLab's own rule for cells is stronger than the attribute."""
    side = "right" if is_number(kind) else "left"
    return f'align="{side}" style="{_CELL};text-align:{side}"'


def _count(card: Card) -> str:
    shown, total = len(card.rows), card.row_count or 0
    more = " A cap cut the result." if card.truncated else ""
    rows = f"{total:,} row{'s' * (total != 1)}"
    return f"{shown:,} of {rows} shown.{more}" if shown < total else f"{rows}.{more}"


def _markdown(card: Card) -> str:
    icon, word, _ = BADGES[card.outcome]
    lines = [f"**{icon} {word}** {inline(card.title)}", ""]
    lines += [inline(notice) + "\n" for notice in card.notices]
    if card.question:
        lines += [f"Question: {inline(card.question)}", ""]
    if card.what:
        lines += [inline(card.what), ""]
    for title, items in (("Why", card.why), ("What policy changed", card.changes)):
        if items:
            lines += [f"{title}:", "", *(f"- {inline(item)}" for item in items), ""]
    if card.next:
        lines += [f"What to do: {inline(card.next)}", ""]
    if card.columns:
        lines.append("| " + " | ".join(inline(n) + (" (masked)" if m else "") for n, _, m in card.columns) + " |")
        lines.append("|" + "|".join("---:" if is_number(t) else "---" for _, t, _ in card.columns) + "|")
        lines += ["| " + " | ".join("*null*" if v is None else inline(v) for v in row) + " |" for row in card.rows]
        lines += ["", _count(card), ""]
    if card.sql:
        lines += [fenced(card.sql, "sql"), ""]
    if card.lineage:
        lines += ["Where the columns come from:", "", *(f"- {inline(item)}" for item in card.lineage), ""]
    if card.evidence:
        lines += [f"Evidence: {inline(card.evidence)} ({card.digest})", ""]
    return "\n".join(lines)


def _plain(card: Card) -> str:
    icon, word, _ = BADGES[card.outcome]
    lines = [f"[{icon} {word}] {card.title}", *card.notices]
    lines += [f"Question: {card.question}"] if card.question else []
    lines += [card.what] if card.what else []
    lines += [f"Why: {item}" for item in card.why]
    lines += [f"Changed: {item}" for item in card.changes]
    lines += [f"What to do: {card.next}"] if card.next else []
    lines += _plain_table(card)
    lines += card.sql.splitlines()
    lines += [f"Column {item}" for item in card.lineage]
    lines += [f"Evidence: {card.evidence} ({card.digest})"] if card.evidence else []
    return "\n".join(_one_line(line) for line in lines)


def _one_line(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _plain_table(card: Card) -> list[str]:
    if not card.columns:
        return []
    grid = [[n for n, _, _ in card.columns], *([("NULL" if v is None else v) for v in row] for row in card.rows)]
    widths = [min(_WIDEST, max(len(row[i]) for row in grid)) for i in range(len(card.columns))]
    lines = ["  ".join(_cut(_one_line(v)).ljust(w) for v, w in zip(row, widths, strict=True)).rstrip() for row in grid]
    return [lines[0], "  ".join("-" * w for w in widths), *lines[1:], _count(card)]


def _indent(cell: str) -> str:
    """Return a cell's leading spaces as ones that HTML and Markdown keep: a column stands below its dataset."""
    return "\u00a0" * (len(cell) - len(cell.lstrip(" ")))


def page(title: str, rows: Sequence[tuple[str, ...]], heads: Sequence[str] = (), text: str = "") -> dict[str, Any]:
    """Return a small bundle for a line command: a title, a table of words, and a closing text."""
    head = "".join(f'<th scope="col" {_aligned()}>{escape(h)}</th>' for h in heads)
    head = f"<thead><tr>{head}</tr></thead>" if heads else ""
    body = "".join(
        "<tr>" + "".join(f"<td {_aligned()}>{_indent(cell)}{escape(cell.lstrip())}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    table = f'<table style="border-collapse:collapse">{head}<tbody>{body}</tbody></table>' if rows else ""
    closing = f"<p>{escape(text)}</p>" if text else ""
    whole = f"<div {_NO_MATH}><p><strong>{escape(title)}</strong></p>{table}{closing}</div>"
    width = max((len(row[0]) for row in rows), default=0)
    plain = [
        title,
        *("  " + row[0].ljust(width) + "  " + "  ".join(row[1:]) for row in rows),
        *([text] if text else []),
    ]
    marked = [f"**{inline(title)}**", ""]
    if rows:
        marked += ["| " + " | ".join(heads or [""] * len(rows[0])) + " |", "|" + "---|" * len(rows[0])]
        marked += ["| " + " | ".join(_indent(cell) + inline(cell) for cell in row) + " |" for row in rows]
    marked += ["", inline(text)] if text else []
    return {
        "text/html": whole,
        "text/markdown": "\n".join(marked),
        "text/plain": "\n".join(_one_line(p) for p in plain),
    }
