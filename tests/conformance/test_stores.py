"""The folder store meets the port."""

from __future__ import annotations

from aureus_jupyter.testing.stores import RunStoreConformance


class TestFolder(RunStoreConformance):
    factory = "aureus_jupyter.adapters.stores.folder:FolderRunStore"
