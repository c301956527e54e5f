"""Lineage as a picture: datasets left, result columns right. Deterministic; words carry the same facts."""

from __future__ import annotations

import base64
from html import escape

from aureus_jupyter.core.report import visible

__all__ = ["lineage_image"]

_ROW, _WIDTH, _MOST = 26, 560, 12


def lineage_image(edges: tuple[tuple[str, str], ...], words: str) -> str:
    """Return an `<img>` with the drawing as a data URI and `words` as its alternative text, or "" without edges."""
    if not edges:
        return ""
    left = list(dict.fromkeys(source for source, _ in edges))[:_MOST]
    right = list(dict.fromkeys(target for _, target in edges))[:_MOST]
    height = max(len(left), len(right)) * _ROW + 12
    shapes = [
        f'<path d="M190 {_y(left, a)}C280 {_y(left, a)} 280 {_y(right, b)} 370 {_y(right, b)}" '
        'fill="none" stroke="#757575" stroke-width="1.5"/>'
        for a, b in edges
        if a in left and b in right
    ]
    shapes += [_box(10, _y(left, name), name, "#0d47a1") for name in left]
    shapes += [_box(370, _y(right, name), name, "#1b5e20") for name in right]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12">{"".join(shapes)}</svg>'
    )
    data = base64.b64encode(svg.encode()).decode("ascii")
    alt = escape(visible(words), quote=True)
    return f'<img src="data:image/svg+xml;base64,{data}" width="{_WIDTH}" height="{height}" alt="{alt}">'


def _y(names: list[str], name: str) -> int:
    return names.index(name) * _ROW + 19


def _box(x: int, y: int, name: str, colour: str) -> str:
    shown = name if len(name) <= 24 else name[:23] + "…"
    return (
        f'<rect x="{x}" y="{y - 11}" width="180" height="22" rx="4" fill="{colour}"/>'
        f'<text x="{x + 8}" y="{y + 4}" fill="#fff">{escape(_printable(shown))}</text>'
    )


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
