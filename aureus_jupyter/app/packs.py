"""`aureus pack validate`: a pack beside the house's policies and the data it points to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.find import data_dirs
from aureus_jupyter.adapters.catalogs.labels import near
from aureus_jupyter.adapters.catalogs.validate import Check, Problem, validate
from aureus_jupyter.adapters.config.connections import connection_of
from aureus_jupyter.adapters.config.redact import has_secret
from aureus_jupyter.adapters.config.secrets import is_reference
from aureus_jupyter.adapters.policies.files import read_policies
from aureus_jupyter.adapters.policies.reach import misses
from aureus_jupyter.adapters.policies.testing import run_policy_tests
from aureus_jupyter.adapters.yamlstrict import YamlError
from aureus_jupyter.errors import AureusError
from aureus_jupyter.values.catalog import fold
from aureus_jupyter.values.settings import Settings

__all__ = ["check_pack"]

_MOST = 200


def check_pack(folder: Path, settings: Settings) -> list[Problem]:
    """Return every problem and warning of the pack in `folder`, problems first; at most 200.

    Beyond what the pack alone can tell: where its connection leads, what its policies can reach, and whether their tests pass
    beside the house's policies. Reads names of tables and no data; connects to no server. Never raises for what a pack holds.
    """
    check = validate(folder)
    if check.about is not None:
        _connection(check, check.about.get("connection", {"kind": "seeds"}))
    _reach(check)
    _tests(check, settings)
    return sorted(check.problems, key=lambda problem: problem.warning)[:_MOST]


def _connection(check: Check, spec: Mapping[str, Any]) -> None:
    path, kind = check.folder / "pack.yaml", spec["kind"]
    if kind == "seeds":
        if not any((check.folder / "seeds").glob("*.sql")):
            check.say(path, "connection", "seeds/*.sql to make the data with", "none", ["connection"])
    elif kind == "sqlalchemy":
        _url(check, path, spec["url"])
    else:
        try:
            found = connection_of("pack", spec["path"], check.folder)
        except AureusError as error:
            expected = "a folder that exists" if kind == "folder" else "a DuckDB file that exists"
            check.say(path, "connection.path", expected, error.message, ["connection", "path"])
            return
        if found.kind != kind:
            wanted = "a folder" if kind == "folder" else "a DuckDB file"
            check.say(path, "connection.path", f"{wanted}, as its kind says", f"a {found.kind}", ["connection", "path"])
        else:
            _sources(check, path, found.location)


def _url(check: Check, path: Path, url: str) -> None:
    """Check a URL's form. Does not connect, and resolves no reference: neither is there on every machine."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    if is_reference(url):
        return
    if has_secret(url):
        expected = "a reference in place of the secret, such as env:NAME"
        check.say(path, "connection.url", expected, "a secret in plain", ["connection", "url"])
    try:
        made = make_url(url)
        if made.get_backend_name() != "postgres":
            made.get_dialect()
    except NoSuchModuleError:
        # Another machine may have the package that brings it.
        expected, found = "a dialect that SQLAlchemy knows here", f"{made.drivername[:30]}"
        check.say(path, "connection.url", expected, found, ["connection", "url"], warning=True)
    except (ArgumentError, ImportError, ValueError):
        expected = "a URL such as postgresql://user@host/database"
        check.say(path, "connection.url", expected, "another text", ["connection", "url"])
        return
    if made.get_backend_name() == "sqlite" and made.database not in {None, "", ":memory:"}:
        _tables(check, path, connection_of("pack", url, check.folder).location)


def _tables(check: Check, path: Path, url: str) -> None:
    """Check that a file of SQLite's holds what the contracts say: it needs no server and no secret."""
    from aureus_jupyter.adapters.engines.copied_source import reflected

    try:
        have = reflected(url)
    except AureusError as error:
        check.say(path, "connection.url", "a database that can be read", error.message, ["connection", "url"])
        return
    for contract, dataset in check.datasets.values():
        columns = have.get(dataset.source)
        if columns is None:
            expected = f"a table of the connection{near(dataset.source, list(have))}"
            check.say(contract, "schema.0.physicalName", expected, "none of that name", ["schema", 0, "physicalName"])
            continue
        for place, column in enumerate(dataset.columns):
            if fold(column.name) not in columns:
                field: list[str | int] = ["schema", 0, "properties", place, "name"]
                expected = f"a column of {dataset.source}{near(column.name, sorted(columns))}"
                check.say(contract, f"schema.0.properties.{place}.name", expected, "none of that name", field)


def _sources(check: Check, path: Path, location: str) -> None:
    """Check that every contract's table is there. A file that is in use says nothing against the pack."""
    from aureus_jupyter.adapters.engines.duckdb import RawReader

    try:
        reader = RawReader.open(location)
    except AureusError as error:
        in_use = error.code == "file_in_use"
        check.say(path, "connection", "data that can be opened", error.message, ["connection", "path"], warning=in_use)
        return
    try:
        for contract, dataset in check.datasets.values():
            try:
                reader.relation(dataset.source)
            except AureusError:
                known = [table.source for table in reader.tables()]
                expected = f"a table of the connection{near(dataset.source, known)}"
                check.say(
                    contract, "schema.0.physicalName", expected, "none of that name", ["schema", 0, "physicalName"]
                )
    finally:
        reader.close()


def _reach(check: Check) -> None:
    """Warn of what policies name in vain. Says nothing where a contract or the pack cannot be read: more may be there."""
    datasets = [dataset for _, dataset in check.datasets.values()]
    if not datasets or check.unread or check.about is None:
        return
    spoilt = {problem.file for problem in check.problems}
    for path in sorted((check.folder / "policies").rglob("*.policy.yaml")):
        if path.relative_to(check.folder).as_posix() in spoilt:
            continue
        for index, policy in enumerate(_policies_of(check, path)):
            for miss in misses(policy, datasets):
                field = f"{policy['id']}.{'.'.join(str(part) for part in miss.place if isinstance(part, str))}"
                check.say(path, field, miss.expected, miss.found, ["policies", index, *miss.place], warning=True)


def _policies_of(check: Check, path: Path) -> list[dict[str, Any]]:
    """Return a file's policies with their lists of words put in; where one cannot work, none, and a problem."""
    try:
        return read_policies(path)
    except AureusError as error:
        check.say(path, "the file", "policies that can work", error.message, [])
        return []


def _tests(check: Check, settings: Settings) -> None:
    """Run the pack's own tests, against the house's policies and the pack's together, as a session would."""
    own = check.folder / "policies"
    policies = [p for p in check.problems if p.file.startswith("policies/") and not p.warning]
    if policies or not own.is_dir() or not any(own.rglob("*.policy_test.yaml")):
        return
    try:
        results = run_policy_tests([*data_dirs("policies", settings.policies_path), own], tests=[own])
    except (AureusError, YamlError) as error:
        why = error.message if isinstance(error, AureusError) else error.why
        found = Problem(
            file="policies", line=0, field="the policies", expected="policies that load beside the house's", found=why
        )
        check.problems.append(found)
        return
    for result in results:
        if result.problem:
            check.say(result.path, result.name or "a test", "a test that passes", result.problem, [result.index])
