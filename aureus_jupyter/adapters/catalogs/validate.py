"""Everything that is wrong with a pack, at once, with file, line and field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.contracts import ContractError, dataset_of, standard_problems
from aureus_jupyter.adapters.catalogs.pack import schema_errors
from aureus_jupyter.adapters.yamlstrict import YamlError, line_of, load_yaml
from aureus_jupyter.core.text import bind_names
from aureus_jupyter.values.catalog import Dataset, fold

__all__ = ["Problem", "validate_pack"]

_DATA = {".yaml", ".yml", ".md", ".sql", ".csv", ".parquet", ".json", ".txt", ".duckdb", ".rego"}


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


def validate_pack(folder: Path) -> list[Problem]:
    """Return every problem of the pack in `folder`, in a stable order. Reads no data and runs no SQL."""
    if not (folder / "pack.yaml").is_file():
        return [Problem(file="pack.yaml", line=0, field="the file", expected="a pack.yaml", found="none")]
    found = [*_strangers(folder), *_schema(folder, folder / "pack.yaml", "pack")]
    datasets: dict[str, tuple[Path, Dataset]] = {}
    contracts = sorted((folder / "contracts").glob("*.odcs.yaml"))
    if not contracts:
        found.append(Problem(file="contracts", line=0, field="the folder", expected="a *.odcs.yaml", found="none"))
    for path in contracts:
        found += _contract(folder, path, datasets)
    found += _references(folder, datasets)
    for path in sorted((folder / "semantic").glob("*.yaml")):
        found += _schema(folder, path, "metrics")
    if (folder / "questions.yaml").is_file():
        found += _questions(folder, folder / "questions.yaml")
    return found


def _strangers(folder: Path) -> Iterator[Problem]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            yield Problem(
                file=name, line=0, field="the file", expected="a file of the pack", found="a link to elsewhere"
            )
        elif path.is_file() and path.suffix not in _DATA:
            yield Problem(file=name, line=0, field="the file", expected="data, a pack holds no code", found=path.suffix)


def _read(folder: Path, path: Path) -> tuple[Any, list[Problem]]:
    name = path.relative_to(folder).as_posix()
    try:
        return load_yaml(path), []
    except YamlError as error:
        return None, [Problem(file=name, line=error.line, field="the file", expected="plain YAML", found=error.why)]


def _schema(folder: Path, path: Path, part: str) -> list[Problem]:
    value, problems = _read(folder, path)
    if problems:
        return problems
    text = path.read_text("utf-8")
    return [
        Problem(
            file=path.relative_to(folder).as_posix(),
            line=line_of(text, [*error.absolute_path]),
            field=".".join(str(p) for p in error.absolute_path) or "the file",
            expected=f"{error.validator} {error.validator_value!r}"[:120],
            found=f"a value of kind {type(error.instance).__name__}",
        )
        for error in schema_errors(part, value)
    ]


def _contract(folder: Path, path: Path, datasets: dict[str, tuple[Path, Dataset]]) -> list[Problem]:
    value, problems = _read(folder, path)
    if problems:
        return problems
    text = path.read_text("utf-8")
    errors = standard_problems(value)
    if not errors:
        try:
            dataset = dataset_of(value, "", "")
        except ContractError as error:
            errors = [error]
        else:
            first = datasets.setdefault(fold(dataset.name), (path, dataset))
            if first[0] != path:
                where: list[str | int] = ["schema", 0, "name"]
                errors = [ContractError(where, "a name of its own", f"the name in {first[0].name}")]
    name = path.relative_to(folder).as_posix()
    return [
        Problem(
            file=name,
            line=line_of(text, error.path),
            field=".".join(str(p) for p in error.path) or "the file",
            expected=error.expected,
            found=error.found,
        )
        for error in errors
    ]


def _references(folder: Path, datasets: dict[str, tuple[Path, Dataset]]) -> Iterator[Problem]:
    for path, dataset in datasets.values():
        for index, column in enumerate(dataset.columns):
            target, _, name = column.references.partition(".")
            known = datasets.get(fold(target))
            if column.references and (known is None or known[1].column(name) is None):
                where: list[str | int] = ["schema", 0, "properties", index, "relationships"]
                yield Problem(
                    file=path.relative_to(folder).as_posix(),
                    line=line_of(path.read_text("utf-8"), where),
                    field=f"relationships of {column.name}",
                    expected="dataset.column of this pack",
                    found="another name",
                )


def _questions(folder: Path, path: Path) -> list[Problem]:
    problems = _schema(folder, path, "questions")
    if problems:
        return problems
    value, _ = _read(folder, path)
    text = path.read_text("utf-8")
    seen: set[str] = set()
    for index, item in enumerate(value["questions"]):
        slots = set(item.get("slots", {}))
        used = set(bind_names(item["sql"])[1])
        where: list[str | int] = ["questions", index]
        wrong = [("id", "an id of its own")] if item["id"] in seen else []
        seen.add(item["id"])
        if used != slots:
            wrong.append(("sql", "each slot bound once or more as :slot, and nothing else bound"))
        for phrasing in item["phrasings"]:
            if set(re.findall(r"\{(\w+)\}", phrasing)) - slots:
                wrong.append(("phrasings", "only the slots of the question in {braces}"))
        problems += [
            Problem(
                file=path.name,
                line=line_of(text, [*where, field]),
                field=f"{item['id']}.{field}",
                expected=e,
                found="another",
            )
            for field, e in wrong
        ]
    return problems
