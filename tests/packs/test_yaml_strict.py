"""The strict reader: what it reads, and that nothing else gets through, neither as a value nor as a crash."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aureus_jupyter.adapters import yamlstrict
from aureus_jupyter.adapters.yamlstrict import YamlError, line_of, load_text, load_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: NO", "NO"),
        ("a: no", "no"),
        ("a: on", "on"),
        ("a: off", "off"),
        ("a: Yes", "Yes"),
        ("a: y", "y"),
        ("a: True", "True"),
        ("a: true", True),
        ("a: false", False),
        ("a:", None),
        ("a: ~", None),
        ("a: null", None),
        ("a: NULL", "NULL"),
        ("a: 017", "017"),
        ("a: 0o17", "0o17"),
        ("a: 0x1f", "0x1f"),
        ("a: 1_000", "1_000"),
        ("a: 1:30", "1:30"),
        ("a: 2026-01-01", "2026-01-01"),
        ("a: .inf", ".inf"),
        ("a: -12", -12),
        ("a: 1.50", 1.5),
        ("a: '5'", "5"),
        ("a: 5 & 6!", "5 & 6!"),
        ("a: count(*)", "count(*)"),
        ("a: {<<: 1}", {"<<": 1}),
        ("\ufeffa: ž", "ž"),
    ],
)
def test_what_it_reads(text: str, value: object) -> None:
    found = load_text(text)
    assert (found if found is None else found["a"]) == value
    assert type(found if found is None else found["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("a: 1\na: 2", "occurs twice", 2),
        ("a: 1\n'a': 2", "occurs twice", 2),
        ("a:\n  b: {c: 1, c: 2}", "occurs twice", 2),
        ("a: 1\n---\nb: 2", "another document", 2),
        ("a: 1\nb: !!python/object/apply:os.system ['true']", "tags", 2),
        ("!!python/object:x {a: 1}", "tags", 1),
        ("a: !!bool maybe", "tags", 1),
        ("a: !!int abc", "tags", 1),
        ("a: !own:str x", "tags", 1),
        ("!!set {a, b}", "tags", 1),
        ("a: &x 1\nb: *x", "aliases", 1),
        ("a: &x 1", "aliases", 1),
        ("a: &x [*x]", "aliases", 1),
        ("1: a", "a key is plain text", 1),
        ("? [a]\n: b", "a key is plain text", 1),
        ("true: a", "a key is plain text", 1),
        ("a: [1, 2", "", 2),
        ("a:\n\t- b", "", 2),
        ('a: "\0"', "", 0),
        ("a: " + "9" * 5000, "digits", 1),
        ("a: 1.5e400", "too large", 1),
        ("[" * 40 + "]" * 40, "deeper", 1),
        ("[" * 200_000, "", 1),
        ("- " * 200_000, "", 1),
    ],
)
def test_what_it_refuses(text: str, why: str, line: int) -> None:
    with pytest.raises(YamlError) as caught:
        load_text(text)
    assert why in caught.value.why
    assert caught.value.line == line
    assert "99999" not in caught.value.why


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: &x [*x]", "a: !!int x", "[" * 2000, "- " * 2000, "a: [1, 2"])
def test_the_slow_reader_refuses_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where libyaml is missing, the reader written in Python answers, and does not fall into its own depth."""
    resolvers = {"yaml_implicit_resolvers": yamlstrict._RESOLVERS}
    monkeypatch.setattr(yamlstrict, "_Loader", type("Slow", (yaml.SafeLoader,), resolvers))
    with pytest.raises(YamlError):
        load_text(text)
    assert load_text("a: [NO, 1, true]") == {"a": ["NO", 1, True]}


def test_aliases_cannot_blow_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    with pytest.raises(YamlError, match="aliases"):
        load_text("\n".join(lines))


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"a: \xff\xfe", "UTF-8"), (b"a: \xed\xa0\x80", "UTF-8"), (b"#" * (yamlstrict.MAX_BYTES + 1), "larger")],
)
def test_files_it_refuses(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    with pytest.raises(YamlError, match=why):
        load_yaml(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(YamlError, match="cannot be read"):
        load_yaml(tmp_path / "none.yaml")
    with pytest.raises(YamlError, match="regular file"):
        load_yaml(tmp_path)
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(YamlError, match="regular file"):
        load_yaml(tmp_path / "pipe.yaml")


def test_the_line_of_a_member() -> None:
    text = "a: 1\nb:\n  - c: x\n  - d: y\n"
    assert line_of(text, []) == 1
    assert line_of(text, ["b", 1, "d"]) == 4
    assert line_of(text, ["b", 1, "missing"]) == 4
    assert line_of(text, ["b", 9]) == 3
    assert line_of(text, ["a", "x", "y"]) == 1
    assert line_of("a: [", ["a"]) == 0
    assert line_of("", ["a"]) == 0


letters = st.text(
    st.characters(min_codepoint=0xA0, max_codepoint=0x17F) | st.characters(codec="ascii", exclude_categories=["Cc"])
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | letters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(letters, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(plain)
def test_json_is_read_as_json(value: object) -> None:
    assert load_text(json.dumps({"a": value}, ensure_ascii=False)) == {"a": value}


@settings(deadline=None)
@given(st.text(max_size=200) | st.text("ab:-[]{}!&*?'\" \n\t#|>%@`~0.", max_size=60))
def test_any_text_is_a_value_or_a_refusal(text: str) -> None:
    try:
        load_text(text)
    except YamlError as error:
        assert error.line >= 0
        assert error.why
