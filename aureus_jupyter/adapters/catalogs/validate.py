"""Everything that is wrong with a pack, at once, with file, line and field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.binding import Binder
from aureus_jupyter.adapters.catalogs.contracts import ContractError, Place, dataset_of, standard_problems
from aureus_jupyter.adapters.catalogs.pack import SCHEMAS, is_inside
from aureus_jupyter.adapters.catalogs.questions import Fault, question_faults, question_of
from aureus_jupyter.adapters.schemas import POLICY_FILE, Schema
from aureus_jupyter.adapters.yamlstrict import YamlError, line_of, load_yaml
from aureus_jupyter.values.catalog import Dataset, fold

__all__ = ["Problem", "validate_pack"]

_DATA = {".yaml", ".yml", ".md", ".sql", ".csv", ".parquet", ".json", ".txt", ".duckdb", ".rego"}
_READ = ("pack.yaml", "questions.yaml", "contracts/*.odcs.yaml", "semantic/*.yaml")
_READ_BELOW = (".policy.yaml", ".policy_test.yaml")
_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: where, what was expected, what was found (never a data value)."""

    file: str
    line: int
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: expected {self.expected}, found {self.found}"


@dataclass(slots=True)
class _Check:
    """One pack under validation: its folder, and what was found so far."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    datasets: dict[str, tuple[Path, Dataset]] = field(default_factory=dict)

    def say(self, path: Path, where: str, expected: str, found: str, place: Place | None = None, line: int = 0) -> None:
        if place is not None and not line:
            line = line_of(path.read_text("utf-8"), place)
        name = _printable(path.relative_to(self.folder).as_posix())
        self.problems.append(Problem(file=name, line=line, field=where, expected=expected, found=found))

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
    """Return every problem of the pack in `folder`, in a stable order; at most 200.

    Reads no data and runs no SQL: the SQL of questions and metrics is bound over empty tables. Checks the form of policies and the
    names they match; whether they decide as meant, `aureus policy test` tells. Never raises for what a pack holds.
    """
    check = _Check(folder)
    if not (folder / "pack.yaml").is_file():
        return [Problem(file="pack.yaml", line=0, field="the file", expected="a pack.yaml", found="none")]
    _strangers(check)
    about = check.part(folder / "pack.yaml", SCHEMAS["pack"])
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
    return check.problems[:_MOST]


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _strangers(check: _Check) -> None:
    """Find files that do not belong: links out of the pack, code, and YAML under a name that nothing reads."""
    for path in sorted(check.folder.rglob("*")):
        if path.is_symlink() and not is_inside(path, check.folder):
            check.say(path, "the file", "a file of the pack", "a link to elsewhere")
        elif path.is_dir():
            continue
        elif not path.is_file():
            check.say(path, "the file", "a regular file", "a link to nothing, or a device")
        elif path.suffix not in _DATA and path.name != ".gitignore":
            check.say(path, "the file", "data, a pack holds no code", _printable(path.suffix) or "no suffix")
        elif path.suffix in {".yaml", ".yml"} and not _is_read(path.relative_to(check.folder)):
            check.say(path, "the file", "a name that is read, see packs/README.md", "one that is ignored")


def _is_read(name: Path) -> bool:
    if name.parts[0] == "policies":
        return name.name.endswith(_READ_BELOW)
    return any(name.parent == Path(known).parent and name.match(known) for known in _READ)


def _contract(check: _Check, path: Path) -> None:
    before = len(check.problems)
    value = check.read(path)
    if len(check.problems) > before:
        return
    errors = standard_problems(value)
    if not errors:
        try:
            dataset = dataset_of(value, "", "")
        except ContractError as error:
            errors = [error]
        else:
            first = check.datasets.setdefault(fold(dataset.name), (path, dataset))
            if first[0] != path:
                errors = [ContractError(["schema", 0, "name"], "a name of its own", f"the name in {first[0].name}")]
    for wrong in errors:
        where = ".".join(str(p) for p in wrong.path) or "the file"
        check.say(path, where, wrong.expected, wrong.found, wrong.path)


def _references(check: _Check) -> None:
    for path, dataset in check.datasets.values():
        for index, column in enumerate(dataset.columns):
            target, _, name = column.references.partition(".")
            known = check.datasets.get(fold(target))
            if column.references and (known is None or known[1].column(name) is None):
                place: Place = ["schema", 0, "properties", index, "relationships"]
                check.say(path, f"relationships of {column.name}", "dataset.column of this pack", "another name", place)


def _policies(check: _Check, about: Any) -> None:
    """Check policies: one that matches a name nobody has never fires, and a denial that never fires is a hole."""
    ids: dict[str, str] = {}
    for path in sorted((check.folder / "policies").rglob("*.policy.yaml")):
        value = check.part(path, POLICY_FILE) if is_inside(path, check.folder) else None
        for index, policy in enumerate([] if value is None else value["policies"]):
            match, where = policy.get("match", {}), policy["id"]
            place: Place = ["policies", index]
            if any(fold(name) not in check.datasets for name in match.get("datasets", ())):
                check.say(path, f"{where}.match", "datasets of the pack", "another name", [*place, "match", "datasets"])
            if isinstance(about, dict) and any(name != about["name"] for name in match.get("packs", ())):
                check.say(path, f"{where}.match", f"the pack {about['name']}", "another", [*place, "match", "packs"])
            if where in ids:
                check.say(path, f"{where}.id", "an id of its own", f"one in {ids[where]}", [*place, "id"])
            ids[where] = path.name


def _bound(check: _Check, binder: Binder, about: Any) -> None:
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
            _faults(check, path, binder.questions(questions))


def _faults(check: _Check, path: Path, faults: Iterable[Fault]) -> None:
    for fault in faults:
        check.say(path, fault.field, fault.expected, fault.found, [*fault.path])


def _metrics(check: _Check, binder: Binder | None) -> None:
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


def _metric(check: _Check, binder: Binder | None, item: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    if fold(item["dataset"]) not in check.datasets:
        yield "dataset", "the name of a dataset of the pack", "another name"
    elif binder is not None and (why := binder.metric(item["sql"], item["dataset"])):
        yield "sql", "an expression over the dataset", why
