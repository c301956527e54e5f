"""A pack's folder as a catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.contracts import ACTIVE, ContractError, dataset_of, status_of
from aureus_jupyter.adapters.catalogs.questions import question_faults, question_of
from aureus_jupyter.adapters.schemas import Schema
from aureus_jupyter.adapters.yamlstrict import YamlError, line_of, load_text, read_text
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.catalog import Catalog, Dataset, Metric, Question, Waiting, fold

__all__ = ["SCHEMAS", "PackSource", "is_inside"]

SCHEMAS = {
    part: Schema("aureus_jupyter.adapters.catalogs", "pack.schema.json", part)
    for part in ("pack", "questions", "metrics")
}


def is_inside(path: Path, folder: Path) -> bool:
    """Return whether a path, its links followed, is inside a folder."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False


class PackSource:
    """Reads one pack. Every call reads the files again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def about(self) -> dict[str, Any]:
        """Return pack.yaml. Raises Unavailable `pack_malformed`."""
        return self._checked(self.folder / "pack.yaml", "pack")

    def load(self) -> Catalog:
        """Return the pack's datasets, questions and metrics. A dataset whose contract is not active waits, out of reach.

        Does not run the open-data-contract-standard package, and binds no SQL: `aureus pack validate` does. Raises
        Unavailable `pack_malformed` or `contract_malformed` with file, line, field and what was expected.
        """
        name = str(self.about()["name"])
        paths = sorted((self.folder / "contracts").glob("*.odcs.yaml"))
        read = [self._dataset(path, name) for path in paths]
        if not read:
            raise self._bad("pack_malformed", self.folder / "contracts", [], "at least one *.odcs.yaml")
        names = {fold(dataset.name) for dataset, _ in read}
        if len(names) < len(read):
            raise self._bad("pack_malformed", self.folder / "contracts", [], "datasets with different names")
        datasets = tuple(dataset for dataset, waiting in read if waiting is None)
        active = {fold(dataset.name) for dataset in datasets}
        return Catalog(
            datasets=datasets,
            questions=self._questions(name),
            metrics=tuple(m for m in self._metrics(names) if fold(m.dataset) in active),
            waiting=tuple(waiting for _, waiting in read if waiting is not None),
        )

    def _dataset(self, path: Path, pack: str) -> tuple[Dataset, Waiting | None]:
        value, text = self._yaml(path)
        try:
            dataset = dataset_of(value, pack, digest_bytes(text.encode("utf-8")))
        except ContractError as error:
            raise self._bad("contract_malformed", path, error.path, error.expected) from None
        status = status_of(value)
        if status == ACTIVE:
            return dataset, None
        line = line_of(text, ["status"]) if "status" in value else 0
        return dataset, Waiting(name=dataset.name, status=status, file=f"contracts/{path.name}", line=line)

    def _questions(self, pack: str) -> tuple[Question, ...]:
        path = self.folder / "questions.yaml"
        if not path.is_file():
            return ()
        questions = tuple(question_of(item, pack) for item in self._checked(path, "questions")["questions"])
        for fault in question_faults(questions):
            raise self._bad("pack_malformed", path, [*fault.path], f"{fault.expected} (found {fault.found})")
        return questions

    def _metrics(self, names: set[str]) -> tuple[Metric, ...]:
        found: dict[str, Metric] = {}
        for path in sorted((self.folder / "semantic").glob("*.yaml")):
            for index, item in enumerate(self._checked(path, "metrics")["metrics"]):
                where: list[str | int] = ["metrics", index]
                if fold(item["dataset"]) not in names:
                    raise self._bad("pack_malformed", path, [*where, "dataset"], "the name of a dataset of the pack")
                if item["name"] in found:
                    raise self._bad("pack_malformed", path, [*where, "name"], "a name of its own")
                found[item["name"]] = Metric(**{**item, "synonyms": tuple(item.get("synonyms", ()))})
        return tuple(found.values())

    def _yaml(self, path: Path) -> tuple[Any, str]:
        """Return what a file holds and its text, read once: the digest is that of what was understood."""
        if not is_inside(path, self.folder):
            raise self._bad("pack_malformed", path, [], "a file of the pack, not a link to elsewhere")
        try:
            text = read_text(path)
            return load_text(text), text
        except YamlError as error:
            raise self._bad("pack_malformed", path, [], f"plain YAML ({error.why})", error.line) from None

    def _checked(self, path: Path, part: str) -> dict[str, Any]:
        value, _ = self._yaml(path)
        wrong = SCHEMAS[part].first(value)
        if wrong is not None:
            raise self._bad("pack_malformed", path, [*wrong.path], f"{wrong.expected} (found {wrong.found})")
        assert isinstance(value, dict), "the schema says so"
        return value

    def _bad(self, code: str, path: Path, where: list[str | int], expected: str, line: int = 0) -> Unavailable:
        if not line and where and path.is_file():
            line = line_of(path.read_text("utf-8", "replace"), where)
        place = f"{path.name}, line {line}" if line else path.name
        field = ".".join(str(part) for part in where) or "the file"
        return Unavailable(
            code, f"{place}: {field} must be {expected}", hint=f"Correct it and run: aureus pack validate {self.folder}"
        )
