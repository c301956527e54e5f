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
    monkeypatch.setenv("AUREUS_PACKS_PATH", str(tmp_path / "elsewhere"))
    make(tmp_path / "elsewhere", "mine")  # the settings' reader decides whether the environment counts
    extra = os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b"), "", str(tmp_path / "none")])
    jupyter = quiet_home / "data" / "aureus" / "packs"
    places = [tmp_path / "a", tmp_path / "b", jupyter]
    for place in reversed(places):
        make(place, "mine")
        assert find_pack("mine", extra) == (place / "mine").resolve()
    assert data_dirs("packs", extra)[:3] == places
    assert data_dirs("packs")[-1] == shipped(root, "packs")
    assert find_pack("credit-risk") == shipped(root, "packs") / "credit-risk"
    assert {"credit-risk", "mine"} <= set(pack_names(extra))


def test_policies_add_up(tmp_path: Path, root: Path) -> None:
    (tmp_path / "more").mkdir()
    assert data_dirs("policies", str(tmp_path / "more")) == [tmp_path / "more", shipped(root, "policies")]


def test_closed_places_are_the_administrators_and_the_packages(tmp_path: Path, root: Path, quiet_home: Path) -> None:
    own = make(quiet_home / "data" / "aureus" / "packs", "own")
    make(quiet_home / "data" / "aureus" / "packs", "credit-risk")
    bank = make(tmp_path / "bank", "bank")
    (tmp_path / "bank" / "linked").symlink_to(bank)
    extra = str(tmp_path / "bank")
    assert data_dirs("packs", extra, closed=True) == [tmp_path / "bank", shipped(root, "packs")]
    assert find_pack("credit-risk", extra, closed=True) == shipped(root, "packs") / "credit-risk"
    assert find_pack("bank", extra, closed=True) == find_pack(str(bank), extra, closed=True) == bank
    assert find_pack("linked", extra, closed=True) == bank
    for name in ("own", str(own), f"{bank}/../../{own.relative_to(own.anchor)}", "~nobody-here/x"):
        with pytest.raises(UserError) as caught:
            find_pack(name, extra, closed=True)
        assert caught.value.code == "unknown_pack"
        assert "own" not in caught.value.hint
    assert find_pack("own", extra) == own


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
