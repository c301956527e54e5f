"""A pack's folder as a catalog."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from aureus_jupyter.adapters.catalogs.contracts import ContractError, dataset_of
from aureus_jupyter.adapters.yamlstrict import YamlError, line_of, load_yaml
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.values.canonical import digest_bytes
from aureus_jupyter.values.catalog import Catalog, Dataset, Metric, Question, Slot

__all__ = ["PackSource", "schema_errors"]


@cache
def _validator(part: str) -> Any:
    from jsonschema import Draft202012Validator

    text = files("aureus_jupyter.adapters.catalogs").joinpath("pack.schema.json").read_text("utf-8")
    schema = json.loads(text)
    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]})


def schema_errors(part: str, value: Any) -> list[Any]:
    """Return the schema's errors for `part` (pack, questions or metrics), outermost first."""
    return sorted(_validator(part).iter_errors(value), key=lambda e: (len(e.path), str(e.path)))


class PackSource:
    """Reads one pack. Every call reads the files again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def about(self) -> dict[str, Any]:
        """Return pack.yaml. Raises Unavailable `pack_malformed`."""
        return self._checked(self.folder / "pack.yaml", "pack")

    def load(self) -> Catalog:
        """Return the pack's datasets, questions and metrics.

        Does not run the open-data-contract-standard package: `aureus pack validate` does. Raises Unavailable
        `pack_malformed` or `contract_malformed` with file, line, field and what was expected.
        """
        name = str(self.about()["name"])
        paths = sorted((self.folder / "contracts").glob("*.odcs.yaml"))
        datasets = tuple(self._dataset(path, name) for path in paths)
        if not datasets:
            raise self._bad("pack_malformed", self.folder / "contracts", [], "at least one *.odcs.yaml")
        try:
            return Catalog(datasets=datasets, questions=self._questions(name), metrics=self._metrics())
        except ValueError:
            raise self._bad("pack_malformed", self.folder / "contracts", [], "datasets with different names") from None

    def _dataset(self, path: Path, pack: str) -> Dataset:
        try:
            return dataset_of(self._yaml(path), pack, digest_bytes(path.read_bytes()))
        except ContractError as error:
            raise self._bad("contract_malformed", path, error.path, error.expected) from None

    def _questions(self, pack: str) -> tuple[Question, ...]:
        path = self.folder / "questions.yaml"
        if not path.is_file():
            return ()
        return tuple(_question(item, pack) for item in self._checked(path, "questions")["questions"])

    def _metrics(self) -> tuple[Metric, ...]:
        found: list[Metric] = []
        for path in sorted((self.folder / "semantic").glob("*.yaml")):
            for item in self._checked(path, "metrics")["metrics"]:
                found.append(Metric(**{**item, "synonyms": tuple(item.get("synonyms", ()))}))
        return tuple(found)

    def _yaml(self, path: Path) -> Any:
        try:
            return load_yaml(path)
        except YamlError as error:
            raise self._bad("pack_malformed", path, [], f"plain YAML ({error.why})", error.line) from None

    def _checked(self, path: Path, part: str) -> dict[str, Any]:
        value = self._yaml(path)
        errors = schema_errors(part, value)
        if errors:
            expected = f"{errors[0].validator} {json.dumps(errors[0].validator_value)[:100]}"
            raise self._bad("pack_malformed", path, [*errors[0].absolute_path], expected)
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


def _question(item: Mapping[str, Any], pack: str) -> Question:
    slots = tuple(
        Slot(
            name=name,
            kind=spec["kind"],
            choices=tuple(spec.get("choices", ())),
            default=spec.get("default", ""),
        )
        for name, spec in item.get("slots", {}).items()
    )
    return Question(
        id=item["id"],
        phrasings=tuple(item["phrasings"]),
        sql=item["sql"].strip(),
        slots=slots,
        pack=pack,
        answer=item.get("answer", ""),
    )
