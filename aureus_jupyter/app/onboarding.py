"""`aureus onboard`: joins the raw reader of an engine with the drafting of packs."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.onboard import OnboardReport, check_target, onboard
from aureus_jupyter.adapters.catalogs.onboard_files import is_data_file
from aureus_jupyter.adapters.config.connections import Connection, connection_of
from aureus_jupyter.adapters.config.secrets import is_reference
from aureus_jupyter.errors import UserError

__all__ = ["onboard_location"]

_CUT = "The password was left out of pack.yaml. Put a reference in its place, such as env:NAME, or use ~/.pgpass."


def onboard_location(location: str, out: Path, name: str, force: bool = False) -> OnboardReport:
    """Draft a pack for a folder, a CSV, Parquet or DuckDB file, or the URL of a database into `out`.

    A CSV or Parquet file, or a folder that holds CSV files, is loaded into one DuckDB file within the pack. PostgreSQL is read
    where it is; of any other database the first rows of each table are copied aside for the time this takes. Raises UserError
    and Unavailable.
    """
    check_target(out, force)
    single = Path(location).expanduser()
    if is_data_file(single):
        # Linked into a folder of its own: what else lies beside it was not asked for.
        with tempfile.TemporaryDirectory(prefix="aureus-onboard-") as alone:
            Path(alone, single.name).symlink_to(single.resolve())
            return _from_files(Connection(alias="onboard", kind="folder", location=alone), out, name, force, [])
    connection = connection_of("onboard", location, Path.cwd())
    if connection.kind == "sqlalchemy":
        return _from_database(location, connection, out, name, force)
    about: list[str] = []
    if connection.kind == "folder":
        from aureus_jupyter.adapters.catalogs.onboard_files import has_csv, not_read

        try:
            about, loads = not_read(Path(connection.location)), has_csv(Path(connection.location))
        except OSError as cause:
            raise UserError(
                "folder_unreadable",
                f"the folder cannot be read ({cause.strerror or type(cause).__name__})",
                hint="Check its permissions, and that the disk is there.",
            ) from None
        if loads:
            return _from_files(connection, out, name, force, about)
    reader = _duckdb(connection.location)
    try:
        return onboard(reader, _described(connection, out), out, name=name, force=force, about=about)
    finally:
        reader.close()


def _from_files(connection: Connection, out: Path, name: str, force: bool, about: list[str]) -> OnboardReport:
    from aureus_jupyter.adapters.catalogs.onboard_files import load_files

    staging = out.with_name(f".{out.name}.{os.getpid()}.data")
    try:
        staging.mkdir(parents=True)
        loaded = load_files(Path(connection.location), staging / "data.duckdb")
        reader = _duckdb(str(loaded.path))
        try:
            return onboard(reader, {}, out, name=name, force=force, loaded=loaded, about=about)
        finally:
            reader.close()
    except OSError as cause:
        raise UserError(
            "pack_not_written",
            f"the data files cannot be loaded beside {out.name} ({cause.strerror or type(cause).__name__})",
            hint="Check the place of the new pack, its permissions, and that the disk has room for the data.",
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _from_database(location: str, connection: Connection, out: Path, name: str, force: bool) -> OnboardReport:
    from aureus_jupyter.adapters.catalogs.onboard_sql import SqlReader, is_postgres, without_password
    from aureus_jupyter.adapters.config.connections import resolved_url

    # What is written is what was given: a reference stays one, a password in a URL goes.
    shown, cut = (location, False) if is_reference(location) else without_password(location)
    url, about = resolved_url(connection.location), [_CUT] if cut else []
    told = {"kind": "sqlalchemy", "url": _from_pack(shown, out)}
    if not is_postgres(url):
        return _from_copy(url, told, out, name, force, about)
    reader = SqlReader.open(url)
    try:
        return onboard(reader, told, out, name=name, force=force, about=about)
    finally:
        reader.close()


def _from_copy(url: str, told: dict[str, str], out: Path, name: str, force: bool, about: list[str]) -> OnboardReport:
    from aureus_jupyter.adapters.engines.copied_reader import CopyReader

    with tempfile.TemporaryDirectory(prefix="aureus-onboard-") as scratch:
        reader = CopyReader.open(url, Path(scratch, "copy.duckdb"))
        # The reader adds to its notes while the tables are read, before the review is written.
        reader.notes.extend(about)
        try:
            return onboard(reader, told, out, name=name, force=force, about=reader.notes)
        finally:
            reader.close()


def _from_pack(url: str, out: Path) -> str:
    """Return a URL of SQLite's with its file as seen from the pack, which may be moved with it; any other as it is."""
    found = re.fullmatch(r"(sqlite(?:\+\w+)?:///)(?!:memory:|file:|[A-Za-z]:)([^?]+)(.*)", url)
    return url if found is None else f"{found[1]}{os.path.relpath(Path(found[2]).resolve(), out.resolve())}{found[3]}"


def _duckdb(location: str) -> Any:
    from aureus_jupyter.adapters.engines.duckdb import RawReader

    return RawReader.open(location)


def _described(connection: Connection, out: Path) -> dict[str, str]:
    """Return the connection for pack.yaml, with a path as seen from the pack."""
    return {"kind": connection.kind, "path": os.path.relpath(Path(connection.location).resolve(), out.resolve())}
