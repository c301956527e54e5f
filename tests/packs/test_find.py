"""Where packs and policies are looked for, in which order, and what odd names get."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import aureus_jupyter
from aureus_jupyter.adapters.catalogs.find import data_dirs, find_pack, pack_names
from aureus_jupyter.errors import UserError


def shipped(root: Path, kind: str) -> Path:
    """Where our own packs or policies are: inside the installed package, or in the checkout that stands for it."""
    inside = Path(str(aureus_jupyter.__file__)).parent / "_data" / kind
    return inside if inside.is_dir() else root / kind


def make(folder: Path, name: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "pack.yaml").write_text("name: x\n")
    return (folder / name).resolve()


def test_the_order_of_the_places(tmp_path: Path, root: Path, quiet_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUREUS_PACKS_PATH", os.pathsep.join([str(tmp_path / "b"), "", str(tmp_path / "none")]))
    jupyter = quiet_home / "data" / "aureus" / "packs"
    places = [tmp_path / "a", tmp_path / "b", jupyter]
    for place in reversed(places):
        make(place, "mine")
        assert find_pack("mine", str(tmp_path / "a")) == (place / "mine").resolve()
    assert data_dirs("packs", str(tmp_path / "a"))[:3] == places
    assert data_dirs("packs")[-1] == shipped(root, "packs")
    assert find_pack("credit-risk") == shipped(root, "packs") / "credit-risk"
    assert {"credit-risk", "mine"} <= set(pack_names(str(tmp_path / "a")))


def test_policies_add_up(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "more").mkdir()
    monkeypatch.setenv("AUREUS_POLICIES_PATH", str(tmp_path / "more"))
    assert data_dirs("policies") == [tmp_path / "more", shipped(root, "policies")]


def test_a_path_names_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = make(tmp_path, "mine")
    monkeypatch.chdir(mine)
    assert find_pack(str(mine)) == mine
    assert find_pack(".") == mine
    assert find_pack("../mine") == mine


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "credit_risk",
        "nothing",
        "a\0b",
        "x" * 5000,
        "~nobody-here/x",
        "/",
        "..",
        "./none",
        "Credit-Risk",
        "é\ud800",
    ],
)
def test_names_of_no_pack(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        find_pack(name, "\0:~nobody-here/packs:" + str(tmp_path))
    assert caught.value.code == "unknown_pack"
    assert len(caught.value.message) < 400


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(UserError) as caught:
        find_pack("credit_risk")
    assert "credit-risk" in caught.value.hint
