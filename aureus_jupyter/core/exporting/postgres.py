"""Grants as PostgreSQL's own: row level security, column privileges, and barrier views where a column is masked.

Source: PostgreSQL 15 documentation, CREATE POLICY and CREATE VIEW. Where nothing is masked and rows are filtered by the table's
own columns, the role reads the table itself, through a row policy. Otherwise it reads a view of the owner's, and not the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aureus_jupyter.core.filters import Written, where
from aureus_jupyter.core.rewrite import rewrite
from aureus_jupyter.core.spelling import quoted
from aureus_jupyter.values.catalog import Catalog, Dataset
from aureus_jupyter.values.facts import Facts, TableUse
from aureus_jupyter.values.grant import Exported, Grant
from aureus_jupyter.values.obligations import Hide, Op
from aureus_jupyter.values.plan import RAW
from aureus_jupyter.values.principal import Principal
from aureus_jupyter.values.verdict import Verdict, VerdictKind

__all__ = ["postgres"]

_PADS = ("aureus_keys.inner_pad", "aureus_keys.outer_pad")
_KEYS = "aureus_private.mask_key"
_HEAD = f"""-- For PostgreSQL 15 or newer. Run by the owner of the tables, who is no superuser and has no BYPASSRLS.
-- Each role finds its datasets by search_path.
-- Masks of the kinds hash and token need the key, as HMAC pads it: fill {_KEYS} once, and let no role read it.
BEGIN;
CREATE SCHEMA IF NOT EXISTS aureus_private;
CREATE TABLE IF NOT EXISTS {_KEYS} (inner_pad bytea NOT NULL, outer_pad bytea NOT NULL);"""


def postgres(grants: Sequence[Grant], catalog: Catalog, people: Iterable[Principal]) -> Exported:
    """Return the statements for `grants`; `people` are the principals the grants were made for."""
    by_name = {person.name: person for person in people}
    lines = [_HEAD]
    for role in dict.fromkeys(grant.role for grant in grants):
        lines += ["", f"-- {_remark(role)}", f"CREATE SCHEMA IF NOT EXISTS {quoted(_schema(role))};"]
        lines += [f"GRANT USAGE ON SCHEMA {quoted(_schema(role))} TO {quoted(role)};"]
        for grant in grants:
            if grant.role == role:
                lines += _dataset(grant, catalog, by_name[role])
        lines += [f"ALTER ROLE {quoted(role)} SET search_path = {quoted(_schema(role))};"]
    return Exported(text="\n".join([*lines, "", "COMMIT;", ""]), unexpressed=())


def _schema(role: str) -> str:
    return f"aureus_{role}"


def _remark(text: str) -> str:
    """Return text that cannot leave a comment of one line."""
    return " ".join(text.split())


def _table(dataset: Dataset) -> str:
    return ".".join(quoted(part) for part in dataset.source.split("."))


def _dataset(grant: Grant, catalog: Catalog, person: Principal) -> list[str]:
    table, role = _table(grant.dataset), quoted(grant.role)
    view = f"{quoted(_schema(grant.role))}.{quoted(grant.dataset.name)}"
    lines = ["", f"REVOKE ALL ON {table} FROM {role};", f"DROP VIEW IF EXISTS {view};"]
    if not grant.columns:
        return [*lines, f"-- {_remark(grant.dataset.name)} is not granted."]
    if grant.masks or any(rule.op is Op.WITHIN for rule in grant.filters):
        options, select = "security_barrier", _select(grant, catalog, person)
    else:
        options, columns = "security_barrier, security_invoker", ", ".join(map(quoted, grant.columns))
        select = f"SELECT {columns} FROM {table}"
        condition = (
            where(grant.filters, grant.dataset, Written(catalog, "postgres", person)).replace(f"{RAW}.", "") or "true"
        )
        every, policy = quoted(f"aureus_{grant.role}_all"), quoted(f"aureus_{grant.role}")
        # Who has two roles sees what both let through: the conditions restrict, and do not add up.
        lines += [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;",
            f"DROP POLICY IF EXISTS {every} ON {table};",
            f"DROP POLICY IF EXISTS {policy} ON {table};",
            f"CREATE POLICY {every} ON {table} FOR SELECT TO {role} USING (true);",
            f"CREATE POLICY {policy} ON {table} AS RESTRICTIVE FOR SELECT TO {role} USING ({condition});",
            f"GRANT SELECT ({columns}) ON {table} TO {role};",
        ]
        schema = grant.dataset.source.rpartition(".")[0]
        lines += [f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {role};"] if schema else []
    return [*lines, f"CREATE VIEW {view} WITH ({options}) AS {select};", f"GRANT SELECT ON {view} TO {role};"]


def _select(grant: Grant, catalog: Catalog, person: Principal) -> str:
    """Return the very SELECT that a cell of the role reads in place of the raw table."""
    kept = set(grant.columns)
    hidden = tuple(
        Hide(policy="", dataset=grant.dataset.name, column=c.name, reason="")
        for c in grant.dataset.columns
        if c.name not in kept
    )
    verdict = Verdict(kind=VerdictKind.ALLOW, masks=grant.masks, filters=grant.filters, hidden=hidden)
    facts = Facts(tables=(TableUse(dataset=grant.dataset.name, columns=grant.columns),))
    shadow = rewrite("SELECT 1", facts, verdict, catalog, "postgres", principal=person).shadows[0]
    others = {d.source: _table(d) for d in catalog.datasets if d.source in shadow.others}
    return shadow.select(_table(grant.dataset), _PADS, others, f"{_KEYS} AS aureus_keys")
