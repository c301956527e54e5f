"""Evidence for people: one Markdown page in plain words.

User text appears only inside code fences longer than any run of backticks in it, so that it cannot pretend to be ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from aureus_jupyter.core.budgets import budget_words
from aureus_jupyter.core.reviews import review_words
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.run import Run
from aureus_jupyter.values.verdict import Filter, Mask, Op, SummaryOnly

__all__ = ["changes", "fenced", "inline", "is_changed", "report", "visible"]

_TITLES = {
    "allowed": "Allowed and run as written",
    "masked": "Run over masked or filtered data",
    "refused": "Refused: nothing was read",
    "waiting": "Waiting for approval: nothing was read",
    "failed": "Failed while running: nothing was returned",
}


_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]()#+-!|<>~&$"})


# Controls, and what turns the direction of the text around it (Unicode TR 36, "Trojan Source"): neither is seen itself.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


def visible(text: str) -> str:
    """Return text with every control and every sign that turns its direction spelt out, as `\\u202e`; tab and newline stay."""
    if text.isprintable():
        return text
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def inline(text: str) -> str:
    """Return user or catalog text for the middle of a Markdown line: one line, no markup."""
    return visible(" ".join(text.split())).translate(_ESCAPES)


def fenced(text: str, language: str = "") -> str:
    """Return text in a code fence that nothing in it can close."""
    text = visible(text.replace("\r\n", "\n").replace("\r", "\n"))
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


_WORDS = {
    "null": "hidden",
    "constant": "replaced by one value",
    "redact": "replaced by dots",
    "hash": "replaced by a pseudonym",
    "token": "replaced by other signs of the same kinds",
    "last": "cut to the last characters",
    "partial": "cut to the first and last characters",
    "email": "cut to the domain",
    "year": "cut to the year",
    "bucket": "cut to the lower edge of a range",
    "month": "cut to the month",
    "round": "rounded towards zero",
    "expression": "replaced by what a policy computes",
}
_SIGNS = {"lt": "below", "le": "at most", "gt": "above", "ge": "at least"}


def _mask_words(mask: Mask) -> str:
    return f"{mask.dataset}.{mask.column} is {_WORDS[mask.method]}: {mask.reason}"


def _filter_words(rule: Filter) -> str:
    values = ", ".join(str(v) for v in rule.values) or "(nothing)"
    if rule.op is Op.EXPRESSION:
        return f"only rows of {rule.dataset} that a condition of the policy {rule.policy} lets through: {rule.reason}"
    if rule.op is Op.WITHIN:
        other = rule.within.dataset if rule.within is not None else "nothing"
        return (
            f"only rows of {rule.dataset} whose {rule.column} is among those of {other} that you may see: {rule.reason}"
        )
    how = {
        "in": f"is one of {values}",
        "not_in": f"is none of {values}",
        "is_null": "is empty",
        "not_null": "is not empty",
    }.get(rule.op) or f"is {_SIGNS[rule.op]} {values}"
    return f"only rows of {rule.dataset} where {rule.column} {how}: {rule.reason}"


def _summary_words(rule: SummaryOnly) -> str:
    whom = "persons" if rule.person else "rows"
    return f"answers about {rule.dataset} only for groups of at least {rule.smallest} {whom}: {rule.reason}"


def is_changed(run: Run) -> bool:
    """Whether policy changed a column the statement uses, or hides rows from it."""
    if run.verdict is None or run.facts is None:
        return False
    used = {(u.dataset, c) for u in run.facts.tables for c in u.columns}
    return bool(run.verdict.filters) or any((m.dataset, m.column) in used for m in run.verdict.masks)


def _hidden_words(run: Run) -> list[str]:
    """Say that columns are left out of a whole row that the statement takes; their names are not the user's to know."""
    tables = run.facts.tables if run.facts is not None else ()
    whole = {use.dataset for use in tables if use.star}
    hidden = run.verdict.hidden if run.verdict is not None else ()
    return [
        f"some columns of {name} are left out: a policy hides them"
        for name in sorted(whole & {h.dataset for h in hidden})
    ]


def changes(run: Run) -> tuple[str, ...]:
    """Return what policy changed, one sentence each, only for columns and rows the statement could see."""
    if run.verdict is None:
        return ()
    used = {(u.dataset, c) for u in run.facts.tables for c in u.columns} if run.facts is not None else set()
    masks = [_mask_words(m) for m in run.verdict.masks if (m.dataset, m.column) in used]
    filters = [_filter_words(f) for f in run.verdict.filters]
    capped = run.result is not None and run.result.truncated
    caps = [f"only the first {run.result.rows:,} rows are given"] if run.result is not None and capped else []
    outputs = run.facts.outputs if run.facts is not None else ()
    shown = {source for output in outputs for source in output.sources}
    # A column that is used and not shown stands in a condition, a join or a group.
    compared = [
        f"conditions, joins and groups of this cell compare {m.dataset}.{m.column} as it is masked, not as it is stored"
        for m in run.verdict.masks
        if outputs and (m.dataset, m.column) in used and f"{m.dataset}.{m.column}" not in shown
    ]
    summaries = [_summary_words(rule) for rule in run.verdict.summaries]
    return (*masks, *compared, *filters, *summaries, *_hidden_words(run), *caps)


def report(run: Run, outcome: str) -> str:
    """Return the page. Deterministic; holds no row of any result."""
    sections = [
        f"# {_TITLES[outcome]}",
        _facts(run),
        _reasons(run),
        _changed(run),
        _list("Reviews", review_words(run)),
        _list("Budgets", [budget_words(use, done=bool(run.events)) for use in run.budgets]),
        _texts(run),
        _result(run),
        _verify(run),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _facts(run: Run) -> str:
    who = inline(run.principal.name) + f" (known from {inline(run.principal.source)})"
    rows = [
        ("Run", run.id),
        ("Who", who),
        ("Purpose", inline(run.cell.purpose) or "none given"),
        ("Pack", inline(run.pack)),
        ("Connection", inline(run.connection)),
        ("Notebook", inline(run.cell.notebook) or "not known"),
        ("Cell", inline(run.cell.cell_id) or "not known"),
        ("Tier", f"{run.tier}: the guard ran in the user's own process"),
        ("Policies that fired", inline(", ".join(run.verdict.fired)) if run.verdict is not None else "none"),
    ]
    table = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    steps = [
        f"{i}. {e.at} {e.kind} by {inline(e.actor)}" + (f" ({inline(e.detail)})" if e.detail else "")
        for i, e in enumerate(run.events, start=1)
    ]
    return "\n".join([*table, "", "## What happened", "", *(steps or ["Nothing was decided."])])


def _reasons(run: Run) -> str:
    lines = []
    if run.verdict is not None:
        lines = [
            f"- {inline(r.message.rstrip('.'))}. {inline(r.hint)} (policy {inline(r.policy)}, code {r.code})"
            for r in run.verdict.reasons
        ]
    if run.failure is not None and not lines:
        lines = [f"- {inline(run.failure.message)}. {inline(run.failure.hint)} (code {run.failure.code})"]
    return "\n".join(["## Why", "", *lines]) if lines else ""


def _changed(run: Run) -> str:
    return _list("What policy changed", changes(run))


def _list(title: str, found: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {inline(line)}" for line in found)]) if found else ""


def _texts(run: Run) -> str:
    parts = ["## The cell", "", fenced(run.cell.source)]
    if run.draft is not None and run.draft.sql != run.cell.source:
        parts += ["", f"Answered by {inline(run.draft.by)} with:", "", fenced(run.draft.sql, "sql")]
    if run.plan is not None:
        parts += [
            "",
            "## What ran",
            "",
            "The statement above, over these relations. This text is for reading; it is not what was executed.",
            "",
            fenced(run.plan.rewritten(), "sql"),
        ]
    return "\n".join(parts)


def _result(run: Run) -> str:
    result = run.result
    if result is None:
        return ""
    rows = [
        f"| {inline(c.name)} | {inline(c.type)} | {inline(', '.join(c.sources)) or '–'} "
        f"| {'yes' if c.masked else 'no'} |"
        for c in result.columns
    ]
    head = f"{result.rows:,} row{'s' * (result.rows != 1)}, digest `{result.digest}` ({result.digest_method})."
    return "\n".join(["## The result", "", head, "", "| column | type | from | masked |", "|---|---|---|---|", *rows])


def _verify(run: Run) -> str:
    source = digest_bytes(run.cell.source.encode("utf-8", "replace"))
    return (
        "## How to check this\n\nRun `aureus verify` on this folder, on any machine, without a network. It checks the "
        f"signature in statement.dsse.json and the digest of every file. The cell's own digest is `{source}`."
    )
