"""Packs whose files are wrong as files: links, pipes, code, names that nothing reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aureus_jupyter.adapters.catalogs.pack import PackSource
from aureus_jupyter.adapters.catalogs.validate import Problem, validate_pack
from aureus_jupyter.errors import Unavailable

SMALL = Path(__file__).parent / "small"
B, Q, P = "contracts/borrower.odcs.yaml", "questions.yaml", "pack.yaml"
BORROWER, QUESTIONS, PACK = ((SMALL / name).read_text() for name in (B, Q, P))


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "small"))


def only(problems: list[Problem]) -> tuple[str, str, str]:
    (one,) = problems
    return one.file, one.expected, one.found


def _link(pack: Path) -> None:
    outside = pack.parent / "outside.yaml"
    outside.write_text(BORROWER)
    (pack / B).unlink()
    (pack / B).symlink_to(outside)


def _loop(pack: Path) -> None:
    (pack / B).unlink()
    (pack / B).symlink_to(pack / B)


def _pipe(pack: Path) -> None:
    (pack / B).unlink()
    os.mkfifo(pack / B)


def _binary(pack: Path) -> None:
    (pack / B).write_bytes(b"\xff\xfe\x00")


def _folder(pack: Path) -> None:
    (pack / B).unlink()
    (pack / B).mkdir()


@pytest.mark.parametrize("spoil", [_link, _loop, _pipe, _binary, _folder])
def test_a_contract_that_is_no_file_of_the_pack(spoil: Callable[[Path], None], pack: Path) -> None:
    spoil(pack)
    problems = validate_pack(pack)
    assert any(p.file == B for p in problems), problems
    assert all(str(pack) not in str(p) for p in problems)
    with pytest.raises(Unavailable) as caught:
        PackSource(pack).load()
    assert caught.value.code == "pack_malformed"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("run.py", "no code"),
        ("seeds/make.PY", "no code"),
        ("seeds/lib.so", "no code"),
        ("Makefile", "no code"),
        ("contracts/limit.yaml", "a name that is read"),
        ("policies/deny.yaml", "a name that is read"),
        ("question.yaml", "a name that is read"),
        ("semantic/metrics.yml", "a name that is read"),
        ("seeds/pack.yaml", "a name that is read"),
    ],
)
def test_files_that_do_not_belong(name: str, expected: str, pack: Path) -> None:
    (pack / name).parent.mkdir(exist_ok=True)
    (pack / name).write_text("a: 1\n")
    file, wanted, _ = only(validate_pack(pack))
    assert file == name
    assert expected in wanted


def test_files_that_belong(pack: Path) -> None:
    for name in (
        "README.md",
        "seeds/1.sql",
        "policies/eu/a.policy_test.yaml",
        "policies/a.rego",
    ):
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        (pack / name).write_text("[]\n")
    assert validate_pack(pack) == []


def test_a_link_out_of_the_pack(pack: Path) -> None:
    (pack / "data").symlink_to(pack.parent)
    (pack / "gone.md").symlink_to(pack / "nothing.md")
    found = {p.file: p.found for p in validate_pack(pack)}
    assert found == {"data": "a link to elsewhere", "gone.md": "a link to nothing, or a device"}


def test_a_name_that_is_not_text(pack: Path) -> None:
    Path(os.fsdecode(bytes(pack) + b"/b\xff.py")).write_text("")
    file, _, _ = only(validate_pack(pack))
    assert file.encode("utf-8").isascii()


def test_what_is_no_pack(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none", Path(__file__)):
        assert only(validate_pack(place)) == ("pack.yaml", "a pack.yaml", "none")
    (tmp_path / "pack.yaml").write_text(PACK)
    assert only(validate_pack(tmp_path)) == ("contracts", "a *.odcs.yaml", "none")
    with pytest.raises(Unavailable):
        PackSource(tmp_path).load()


def test_a_pack_over_another_database_speaks_its_sql(pack: Path) -> None:
    (pack / P).write_text(PACK.replace("{kind: seeds, rows: 10}", "{kind: sqlalchemy, url: 'postgresql://host/db'}"))
    (pack / Q).write_text(QUESTIONS.replace("FROM borrower", "FROM ONLY borrower TABLESAMPLE SYSTEM (10)"))
    assert validate_pack(pack) == []


def test_problems_have_an_end(pack: Path) -> None:
    columns = "".join("      - {name: 1, physicalType: 1, required: 1}\n" for _ in range(400))
    (pack / B).write_text(BORROWER[: BORROWER.index("      - name: id")] + columns)
    assert len(validate_pack(pack)) == 200
