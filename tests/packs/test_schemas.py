"""The quick validator and the exact one agree on our schemas; where they do not, the value is refused."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from aureus_jupyter.adapters.schemas import Schema
from aureus_jupyter.adapters.yamlstrict import load_yaml

ROOT = Path(__file__).resolve().parents[2]
PACK = ("aureus_jupyter.adapters.catalogs", "pack.schema.json")
POLICY = ("aureus_jupyter.adapters.policies", "policy.schema.json")
CASES: list[tuple[tuple[str, str], str, Path]] = [
    (PACK, "pack", ROOT / "packs/credit-risk/pack.yaml"),
    (PACK, "questions", ROOT / "packs/credit-risk/questions.yaml"),
    (PACK, "metrics", ROOT / "packs/credit-risk/semantic/metrics.yaml"),
    *((POLICY, "", path) for path in sorted(ROOT.glob("**/policies/*.policy.yaml")) if ".venv" not in path.parts),
]
SCHEMAS = [Schema(*where, part) for where, part, _ in CASES]
GOOD = [load_yaml(path) for _, _, path in CASES]

odd = st.sampled_from([None, True, 0, -1, 1.5, "", " ", "x", "null", [], ["x", "x"], {}, {"x": 1}, {"kind": "seeds"}])


def exact(index: int) -> Any:
    (package, name), part, _ = CASES[index]
    schema = json.loads((ROOT / package.replace(".", "/") / name).read_text())
    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]} if part else schema)


EXACT = [exact(index) for index in range(len(CASES))]


def spoiled(value: Any, draw: Any) -> Any:
    """Return a copy with one member replaced, removed, renamed or added, somewhere."""
    value = copy.deepcopy(value)
    parent, key = None, None
    here = value
    while isinstance(here, dict | list) and here and draw(st.integers(0, 4)):
        parent, key = here, draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        here = here[key]
    what = draw(st.sampled_from(["replace", "remove", "add"]))
    if parent is None:
        return draw(odd)
    if what == "remove":
        del parent[key]
    elif what == "add" and isinstance(here, dict):
        here["stranger"] = draw(odd)
    elif what == "add" and isinstance(here, list):
        here.append(draw(odd))
    else:
        parent[key] = draw(odd)
    return value


def test_the_schemas_and_the_files_fit() -> None:
    assert len(CASES) >= 6
    for schema, checker, value in zip(SCHEMAS, EXACT, GOOD, strict=True):
        Draft202012Validator.check_schema(checker.schema)
        assert schema.fits(value)
        assert schema.violations(value) == []
        assert schema.first(value) is None


@settings(deadline=None)
@given(st.data())
def test_both_validators_agree(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(CASES) - 1))
    value = spoiled(GOOD[index], data.draw)
    before = copy.deepcopy(value)
    fits = EXACT[index].is_valid(value)
    assert SCHEMAS[index].fits(value) == fits
    found = SCHEMAS[index].violations(value)
    assert bool(found) != fits
    assert SCHEMAS[index].first(value) == (found[0] if found else None)
    assert value == before, "a validator fills in nothing"


GOOD_PACK = {"name": "a", "title": "t", "version": "1.0.0", "status": "draft"}


@pytest.mark.parametrize(
    ("connection", "field", "expected"),
    [
        ({"kind": "postgres"}, "connection", "one of seeds, duckdb, folder, sqlalchemy"),
        ({"kind": "seeds", "rows": 0}, "connection.rows", "at least 1"),
        ({"kind": "duckdb"}, "connection", "the members kind, path"),
        ({"kind": "sqlalchemy", "url": ""}, "connection.url", "not empty"),
        ({"kind": "folder", "path": 5}, "connection.path", "a text"),
        (5, "connection", "one of the forms the schema knows"),
    ],
)
def test_of_several_forms_the_one_that_was_meant_is_explained(connection: object, field: str, expected: str) -> None:
    (found,) = Schema(*PACK, "pack").violations({**GOOD_PACK, "connection": connection})
    assert (found.field, found.expected) == (field, expected)


def test_no_value_is_repeated() -> None:
    secret = "S3cr3t"
    value = {**GOOD_PACK, "name": secret, "status": secret, "connection": {"kind": secret, "path": [secret]}}
    found = Schema(*PACK, "pack").violations(value)
    assert len(found) == 3
    assert secret not in str(found)


def test_a_value_only_the_quick_one_refuses_is_refused() -> None:
    """For jsonschema, `$` in a pattern also stands before a newline at the end."""
    schema = Schema(*PACK, "pack")
    assert [v.expected for v in schema.violations({**GOOD_PACK, "name": "a\n"})] == ["a value the schema allows"]
    assert schema.first({**GOOD_PACK, "name": "a\n"}) is not None


def test_a_value_that_fits_loads_no_slow_validator() -> None:
    code = (
        "import sys; from aureus_jupyter.adapters.catalogs.find import find_pack;"
        "from aureus_jupyter.adapters.catalogs.pack import PackSource;"
        "from aureus_jupyter.adapters.policies.declarative import load_policies;"
        "pack = find_pack('credit-risk'); PackSource(pack).load(); load_policies([pack / 'policies']);"
        "print([m for m in ('jsonschema', 'open_data_contract_standard', 'pydantic', 'duckdb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
