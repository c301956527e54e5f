"""`aureus onboard`: joins the raw reader of an engine with the drafting of packs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.onboard import OnboardReport, onboard
from aureus_jupyter.adapters.config.connections import Connection, connection_of
from aureus_jupyter.errors import UserError

__all__ = ["onboard_location"]


def onboard_location(location: str, out: Path, name: str, force: bool = False) -> OnboardReport:
    """Draft a pack for a folder, a DuckDB file or a URL into `out`. Raises UserError and Unavailable."""
    connection = connection_of("onboard", location, Path.cwd())
    reader: Any
    if connection.kind == "sqlalchemy":
        raise UserError(
            "onboard_url",
            "onboarding reads folders of CSV and Parquet files and DuckDB files",
            hint="Export the tables to Parquet, or write the contracts by hand.",
        )
    from aureus_jupyter.adapters.engines.duckdb import RawReader

    reader = RawReader.open(connection.location)
    try:
        return onboard(reader, _described(connection, out), out, name=name, force=force)
    finally:
        reader.close()


def _described(connection: Connection, out: Path) -> dict[str, str]:
    """Return the connection for pack.yaml, with a path as seen from the pack."""
    return {"kind": connection.kind, "path": os.path.relpath(Path(connection.location).resolve(), out.resolve())}
