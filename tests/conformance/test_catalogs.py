"""A pack's folder meets the port of catalogs, and each check of that suite can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.testing.catalogs import CatalogConformance
from aureus_jupyter.testing.suites import checks, failures
from aureus_jupyter.values.catalog import Catalog, Classification, Waiting

HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: c.{0}\nversion: 1.0.0\nstatus: active\n{1}schema:\n  - name: {0}\n    properties:\n"
ACCOUNT = HEAD.format("account", "") + (
    "      - {name: id, physicalType: BIGINT, primaryKey: true, classification: public}\n"
    "      - {name: holder, physicalType: VARCHAR, classification: confidential,"
    " customProperties: [{property: pii, value: direct}]}\n"
    "      - {name: note, physicalType: VARCHAR}\n"
)
LABEL = "customProperties:\n  - {property: classification, value: internal}\n"
CLIENT = HEAD.format("client", LABEL) + (
    "      - {name: id, physicalType: BIGINT, classification: public, description: Its number.}\n"
)
PACK = "name: c\ntitle: C\nversion: 1.0.0\nstatus: draft\nconnection: {kind: seeds, rows: 10}\n"
QUESTIONS = """questions:
  - id: above
    phrasings: ["accounts above {id}"]
    slots: {id: {kind: number}}
    sql: SELECT count(*) AS n FROM account WHERE id > :id
"""


class Packs(CatalogConformance):
    folder: Path

    def of(self, client: str) -> PackSource:
        """Return a pack with this contract of client."""
        (self.folder / "contracts").mkdir(exist_ok=True)
        texts = {"pack.yaml": PACK, "questions.yaml": QUESTIONS}
        texts |= {"contracts/account.odcs.yaml": ACCOUNT, "contracts/client.odcs.yaml": client}
        for name, text in texts.items():
            (self.folder / name).write_text(text, "utf-8")
        return PackSource(self.folder)

    def house(self) -> Any:
        return self.of(CLIENT)

    def changed(self) -> Any:
        return self.of(CLIENT.replace("Its number", "The number"))

    def unreadable(self) -> Any:
        return self.of(CLIENT + "      - {name: ")

    def draft(self) -> Any:
        return self.of(CLIENT.replace("status: active", "status: draft"))


class TestPack(Packs):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path) -> None:
        self.folder = tmp_path


class Bent:
    """A source whose catalog an edit bends."""

    def __init__(self, source: PackSource, edit: Callable[[Callable[[], Catalog]], Any]) -> None:
        self.source, self.edit = source, edit

    def load(self) -> Any:
        return self.edit(self.source.load)


def datasets(**members: Any) -> Callable[[Callable[[], Catalog]], Catalog]:
    """Change every dataset."""

    def edit(load: Callable[[], Catalog]) -> Catalog:
        found = load()
        return Catalog(datasets=tuple(replace(d, **members) for d in found.datasets), questions=found.questions)

    return edit


def columns(**members: Any) -> Callable[[Callable[[], Catalog]], Catalog]:
    """Change every column."""

    def edit(load: Callable[[], Catalog]) -> Catalog:
        found = load()
        changed = [replace(d, columns=tuple(replace(c, **members) for c in d.columns)) for d in found.datasets]
        return Catalog(datasets=tuple(changed), questions=found.questions)

    return edit


def what_can_be_read(load: Callable[[], Catalog]) -> Catalog:
    try:
        return load()
    except Unavailable:
        return Catalog(datasets=())


def texts_filled_in(load: Callable[[], Catalog]) -> Catalog:
    found = load()
    return replace(found, questions=tuple(replace(q, sql=q.sql.replace(":id", "1")) for q in found.questions))


def counting() -> Callable[[Callable[[], Catalog]], Catalog]:
    loads: list[Catalog] = []

    def edit(load: Callable[[], Catalog]) -> Catalog:
        loads.append(load())
        return replace(loads[-1], version=f"v{len(loads)}")

    return edit


BROKEN: dict[str, tuple[Callable[[Callable[[], Catalog]], Any], str]] = {
    "no question": (lambda load: replace(load(), questions=()), "it_is_a_source"),
    "no pii": (columns(pii="none"), "columns_and_labels_are_the_contracts"),
    "unlabelled is public": (datasets(classification=Classification.PUBLIC), "what_has_no_label_is_restricted"),
    "a version each time": (counting(), "it_loads_the_same_again"),
    "one version": (lambda load: replace(load(), version="v"), "the_version_follows_the_contracts"),
    "one digest": (datasets(contract_digest="x"), "the_version_follows_the_contracts"),
    "the part that can be read": (what_can_be_read, "the_whole_or_nothing"),
    "drafts too": (
        lambda load: replace(load(), waiting=(Waiting(name="client", status="draft", file="x", line=1),)),
        "a_draft_is_out_of_reach",
    ),
    "values as text": (texts_filled_in, "a_question_binds_its_slots"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_catalog_fails_at_its_check(name: str, tmp_path: Path) -> None:
    class Broken(Packs):
        folder = tmp_path

        def of(self, client: str) -> Any:
            return Bent(super().of(client), BROKEN[name][0])

    assert f"test_{BROKEN[name][1]}" in failures(Broken())


def test_every_check_has_a_catalog_that_fails_it() -> None:
    assert sorted({f"test_{named}" for _, named in BROKEN.values()}) == checks(CatalogConformance)
