"""What every `ports.CatalogSource` must do, as tests an adapter's own suite inherits.

    class TestMine(CatalogConformance):
        def house(self): ...       # and the other sources

Needs no test framework beyond one that runs methods called `test_*`. The adapter's author writes `HOUSE` in the form the
adapter reads.
"""

from __future__ import annotations

from abc import abstractmethod

from aureus_jupyter.core.text import bind_names
from aureus_jupyter.errors import Unavailable
from aureus_jupyter.ports import CatalogSource
from aureus_jupyter.testing.engines import raised
from aureus_jupyter.values.catalog import Catalog, Classification, Dataset, Pii, fold

__all__ = ["HOUSE", "CatalogConformance"]

HOUSE = """\
Two contracts and one verified question.
account: the columns id (BIGINT, the key, public), holder (VARCHAR, confidential, PII direct) and note (VARCHAR, with no label).
client: the column id (BIGINT, public). Its contract says internal; that of account gives no classification.
The question above, "accounts above {id}": SELECT count(*) AS n FROM account WHERE id > :id, with the number id."""


class CatalogConformance:
    """The suite. Each source is a method; what it returns is made anew."""

    @abstractmethod
    def house(self) -> CatalogSource:
        """Return a source of what `HOUSE` says."""

    @abstractmethod
    def changed(self) -> CatalogSource:
        """Return a source of `HOUSE` where the contract of client describes its column in other words."""

    @abstractmethod
    def unreadable(self) -> CatalogSource:
        """Return a source of `HOUSE` where the contract of client cannot be read."""

    @abstractmethod
    def draft(self) -> CatalogSource:
        """Return a source of `HOUSE` where the contract of client is a draft: its status is not active."""

    def _account(self) -> Dataset:
        found = self.house().load().dataset("ACCOUNT")
        assert found is not None
        return found

    def test_it_is_a_source(self) -> None:
        """It gives every dataset and question, and no other."""
        source = self.house()
        assert isinstance(source, CatalogSource)
        catalog = source.load()
        assert isinstance(catalog, Catalog)
        assert sorted(fold(d.name) for d in catalog.datasets) == ["account", "client"]
        assert [q.id for q in catalog.questions] == ["above"]

    def test_columns_and_labels_are_the_contracts(self) -> None:
        """In the contract's order, with types, key, classification and PII."""
        account = self._account()
        assert [(c.name, c.type, c.key) for c in account.columns] == [
            ("id", "BIGINT", True),
            ("holder", "VARCHAR", False),
            ("note", "VARCHAR", False),
        ]
        labels = [(c.classification, c.pii) for c in account.columns[:2]]
        assert labels == [(Classification.PUBLIC, Pii.NONE), (Classification.CONFIDENTIAL, Pii.DIRECT)]
        client = self.house().load().dataset("client")
        assert client is not None
        assert client.classification is Classification.INTERNAL

    def test_what_has_no_label_is_restricted(self) -> None:
        """A dataset and a column alike."""
        account = self._account()
        assert account.classification is Classification.RESTRICTED
        assert account.columns[2].classification is Classification.RESTRICTED

    def test_it_loads_the_same_again(self) -> None:
        """Unchanged contracts give an equal catalog with the same version."""
        source = self.house()
        first = source.load()
        assert first == source.load() == self.house().load()
        assert first.version.strip()

    def test_the_version_follows_the_contracts(self) -> None:
        """Any change of a contract's text is another version, through the digest of that contract alone."""
        before, after = self.house().load(), self.changed().load()
        assert before.version != after.version
        digests = [{fold(d.name): d.contract_digest for d in c.datasets} for c in (before, after)]
        assert digests[0]["account"] == digests[1]["account"] != ""
        assert "" != digests[0]["client"] != digests[1]["client"]

    def test_the_whole_or_nothing(self) -> None:
        """A contract that cannot be read is an error that says what to do: not a catalog without it."""
        error = raised(Unavailable, lambda: self.unreadable().load())
        assert error.code
        assert error.hint

    def test_a_draft_is_out_of_reach(self) -> None:
        """It is no dataset of the catalog, which knows where to open it; what is active stays."""
        catalog = self.draft().load()
        assert [fold(d.name) for d in catalog.datasets] == ["account"]
        (waiting,) = catalog.waiting
        assert (fold(waiting.name), waiting.status) == ("client", "draft")
        assert waiting.file
        assert self.house().load().waiting == ()

    def test_a_question_binds_its_slots(self) -> None:
        """They stay names in the SQL, and are never its text."""
        (question,) = self.house().load().questions
        assert question.phrasings == ("accounts above {id}",)
        assert [(s.name, s.kind) for s in question.slots] == [("id", "number")]
        assert list(bind_names(question.sql)[1]) == ["id"]
