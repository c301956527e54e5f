"""Everything that is wrong with a pack, at once, with file, line and field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.binding import Binder
from aureus_jupyter.adapters.catalogs.contracts import (
    ACTIVE,
    ContractError,
    Place,
    contract_problems,
    dataset_of,
    standard_problems,
    status_of,
)
from aureus_jupyter.adapters.catalogs.labels import label_problems, near
from aureus_jupyter.adapters.catalogs.pack import SCHEMAS, is_inside
from aureus_jupyter.adapters.catalogs.questions import Fault, question_faults, question_of
from aureus_jupyter.adapters.catalogs.strangers import printable, strangers
from aureus_jupyter.adapters.schemas import POLICY_FILE, POLICY_TEST_FILE, Schema
from aureus_jupyter.adapters.yamlstrict import YamlError, line_of, load_yaml
from aureus_jupyter.values.catalog import Dataset, fold

__all__ = ["Check", "Problem", "validate", "validate_pack"]

_MOST = 200
_STATUSES = ("proposed", "draft", ACTIVE, "deprecated", "retired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: where, what was expected, what was found (never a data value).

    A warning spoils nothing, but is probably not what was meant.
    """

    file: str
    line: int
    field: str
    expected: str
    found: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        mark = "warning: " if self.warning else ""
        return f"{mark}{place}: {self.field}: expected {self.expected}, found {self.found}"


@dataclass(slots=True)
class Check:
    """One pack under validation: its folder, what it says of itself, its datasets, and what was found so far.

    `unread` are names of datasets whose contracts cannot be read: what follows from that alone is not said again.
    """

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    datasets: dict[str, tuple[Path, Dataset]] = field(default_factory=dict)
    about: dict[str, Any] | None = None
    unread: set[str] = field(default_factory=set)

    def say(
        self,
        path: Path,
        where: str,
        expected: str,
        found: str,
        place: Place | None = None,
        line: int = 0,
        warning: bool = False,
    ) -> None:
        """Add a problem of a file of the pack, with the line of `place` in it."""
        if place is not None and not line:
            line = line_of(path.read_text("utf-8"), place)
        name = printable(path.relative_to(self.folder).as_posix())
        self.problems.append(
            Problem(file=name, line=line, field=where, expected=expected, found=found, warning=warning)
        )

    def read(self, path: Path) -> Any:
        """Return what a file holds; None when it cannot be read, which is a problem of its own."""
        try:
            return load_yaml(path)
        except YamlError as error:
            self.say(path, "the file", "plain YAML", error.why, line=error.line)
            return None

    def part(self, path: Path, schema: Schema) -> Any:
        """Return what a file of ours holds when it fits its schema, else None."""
        before = len(self.problems)
        value = self.read(path)
        if len(self.problems) > before:
            return None
        for wrong in schema.violations(value):
            self.say(path, wrong.field, wrong.expected, wrong.found, [*wrong.path])
        return value if len(self.problems) == before else None


def validate_pack(folder: Path) -> list[Problem]:
    """Return every problem of the pack in `folder` that the pack alone can tell, in a stable order; at most 200.

    Reads no data and runs no SQL: the SQL of questions and metrics is bound over empty tables. Checks the form of policies and of
    their tests, and the datasets they name. Does not run those tests and looks at no connection: `app.packs` does. Never raises for
    what a pack holds.
    """
    return validate(folder).problems[:_MOST]


def validate(folder: Path) -> Check:
    """Return the pack in `folder` as `validate_pack` sees it, with its problems."""
    check = Check(folder)
    if not (folder / "pack.yaml").is_file():
        check.problems.append(Problem(file="pack.yaml", line=0, field="the file", expected="a pack.yaml", found="none"))
        return check
    for path, expected, found in strangers(folder):
        check.say(path, "the file", expected, found)
    about = check.about = check.part(folder / "pack.yaml", SCHEMAS["pack"])
    contracts = sorted((folder / "contracts").glob("*.odcs.yaml"))
    if not contracts:
        check.problems.append(
            Problem(file="contracts", line=0, field="the folder", expected="a *.odcs.yaml", found="none")
        )
    for path in contracts:
        if is_inside(path, folder):
            _contract(check, path)
    _references(check)
    _policies(check, about)
    with Binder() as binder:
        _bound(check, binder, about)
    return check


def _contract(check: Check, path: Path) -> None:
    """Say all that is wrong with a contract: of several findings at one place the first one, which knows most."""
    before = len(check.problems)
    value = check.read(path)
    if len(check.problems) > before:
        check.unread.add(fold(path.name.partition(".")[0]))
        return
    wrong = contract_problems(value)
    if wrong:
        check.unread.update({fold(path.name.partition(".")[0]), *_named(value)})
    else:
        dataset = dataset_of(value, (check.about or {}).get("name", ""), "")
        first = check.datasets.setdefault(fold(dataset.name), (path, dataset))
        if first[0] != path:
            wrong = [ContractError(["schema", 0, "name"], "a name of its own", f"the name in {first[0].name}")]
    said: list[Place] = []
    for error in [*label_problems(value), *standard_problems(value), *wrong]:
        if error.path not in said:
            said.append(error.path)
            check.say(path, _field(value, error.path), error.expected, error.found, error.path)
    _draft(check, path, value)


def _field(value: Any, place: Place) -> str:
    """Return a place in words, with the name of the column it is about: nobody counts to the ninth."""
    where = ".".join(str(part) for part in place) or "the file"
    if place[2:3] != ["properties"] or len(place) < 4:
        return where
    try:
        name = value["schema"][place[1]]["properties"][place[3]]["name"]
    except (LookupError, TypeError):
        return where
    return f"{where} of {name}" if isinstance(name, str) and name.isprintable() and len(name) <= 80 else where


def _named(value: Any) -> Iterator[str]:
    """Yield the names of the tables of a contract that cannot be read."""
    tables = value.get("schema") if isinstance(value, dict) else None
    for table in tables if isinstance(tables, list) else ():
        if isinstance(table, dict) and isinstance(table.get("name"), str):
            yield fold(table["name"])


def _draft(check: Check, path: Path, value: Any) -> None:
    """Warn of a contract that opens nothing, so that a person who has reviewed it knows which line to change.

    Another word than the standard's own is no mistake: it allows any.
    """
    status = status_of(value) if isinstance(value, dict) else ACTIVE
    if status and status != ACTIVE:
        known = status in _STATUSES
        expected = f"{ACTIVE} once it is reviewed; until then its dataset cannot be read"
        expected, found = (expected, status) if known else (expected + near(status, _STATUSES), "another word")
        check.say(path, "status", expected, found, ["status"], warning=True)


def _references(check: Check) -> None:
    for path, dataset in check.datasets.values():
        for index, column in enumerate(dataset.columns):
            target, _, name = column.references.partition(".")
            known = check.datasets.get(fold(target))
            if fold(target) in check.unread:
                continue
            if column.references and (known is None or known[1].column(name) is None):
                place: Place = ["schema", 0, "properties", index, "relationships"]
                every = [f"{d.name}.{c.name}" for _, d in check.datasets.values() for c in d.columns]
                expected = f"dataset.column of this pack{near(column.references, every)}"
                check.say(path, f"relationships of {column.name}", expected, "another name", place)


def _policies(check: Check, about: Any) -> None:
    """Check policies: one that matches a name nobody has never fires, and a denial that never fires is a hole."""
    ids: dict[str, str] = {}
    for path in sorted((check.folder / "policies").rglob("*.policy.yaml")):
        value = check.part(path, POLICY_FILE) if is_inside(path, check.folder) else None
        for index, policy in enumerate([] if value is None else value["policies"]):
            match, where = policy.get("match", {}), policy["id"]
            place: Place = ["policies", index]
            for number, name in enumerate(match.get("datasets", ())):
                if fold(name) not in check.datasets and fold(name) not in check.unread:
                    expected = f"datasets of the pack{near(name, [d.name for _, d in check.datasets.values()])}"
                    there: Place = [*place, "match", "datasets", number]
                    check.say(path, f"{where}.match", expected, "another name", there)
            if isinstance(about, dict) and any(name != about["name"] for name in match.get("packs", ())):
                check.say(path, f"{where}.match", f"the pack {about['name']}", "another", [*place, "match", "packs"])
            if where in ids:
                check.say(path, f"{where}.id", "an id of its own", f"one in {ids[where]}", [*place, "id"])
            ids[where] = path.name
    for path in sorted((check.folder / "policies").rglob("*.policy_test.yaml")):
        if is_inside(path, check.folder):
            check.part(path, POLICY_TEST_FILE)


def _bound(check: Check, binder: Binder, about: Any) -> None:
    """Check what DuckDB must understand. A pack over another database speaks that database's SQL: its SQL is not bound."""
    for path, dataset in check.datasets.values():
        for place, expected, found in binder.create(dataset):
            check.say(path, ".".join(str(p) for p in place), expected, found, place)
    binder.lock()
    is_duckdb = isinstance(about, dict) and about.get("connection", {}).get("kind") != "sqlalchemy"
    _metrics(check, binder if is_duckdb else None)
    path = check.folder / "questions.yaml"
    value = check.part(path, SCHEMAS["questions"]) if path.is_file() and is_inside(path, check.folder) else None
    if value is not None:
        questions = [question_of(item, "") for item in value["questions"]]
        faults = list(question_faults(questions))
        _faults(check, path, faults)
        if is_duckdb and not faults:
            _faults(check, path, (f for f in binder.questions(questions) if not _follows(check, f.found)))


def _follows(check: Check, found: str) -> bool:
    """Whether the binder misses a table only because its contract cannot be read."""
    missing = re.search(r"Table with name (\S+) does not exist", found)
    return missing is not None and fold(missing[1]) in check.unread


def _faults(check: Check, path: Path, faults: Iterable[Fault]) -> None:
    for fault in faults:
        check.say(path, fault.field, fault.expected, fault.found, [*fault.path])


def _metrics(check: Check, binder: Binder | None) -> None:
    names: dict[str, str] = {}
    for path in sorted((check.folder / "semantic").glob("*.yaml")):
        value = check.part(path, SCHEMAS["metrics"]) if is_inside(path, check.folder) else None
        for index, item in enumerate([] if value is None else value["metrics"]):
            for member, expected, found in _metric(check, binder, item):
                check.say(path, f"{item['name']}.{member}", expected, found, ["metrics", index, member])
            if item["name"] in names:
                found = f"one in {names[item['name']]}"
                check.say(path, f"{item['name']}.name", "a name of its own", found, ["metrics", index, "name"])
            names[item["name"]] = path.name


def _metric(check: Check, binder: Binder | None, item: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    if fold(item["dataset"]) in check.unread:
        return
    if fold(item["dataset"]) not in check.datasets:
        expected = (
            f"the name of a dataset of the pack{near(item['dataset'], [d.name for _, d in check.datasets.values()])}"
        )
        yield "dataset", expected, "another name"
    elif binder is not None and (why := binder.metric(item["sql"], item["dataset"])):
        yield "sql", "an expression over the dataset", why
