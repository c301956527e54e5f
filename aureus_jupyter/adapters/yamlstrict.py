"""YAML the way people read it: no surprises, no code, with line numbers for errors.

A subset of YAML 1.2's core schema: only true and false are booleans (not yes, no, on, off), a key occurs once, there
are no tags, anchors or aliases, and size and depth are bounded.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

__all__ = ["MAX_BYTES", "YamlError", "line_of", "load_text", "load_yaml"]

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32

_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


def _resolver(tag: str, pattern: str, first: str) -> None:
    for char in [*first] or [""]:
        _RESOLVERS.setdefault(char, []).append((tag, re.compile(pattern)))


_resolver("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf")
_resolver("tag:yaml.org,2002:null", r"^(?:null|~)$", "n~")
_resolver("tag:yaml.org,2002:null", r"^$", "")
_resolver("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789")
_resolver("tag:yaml.org,2002:float", r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$", "-+0123456789")


class YamlError(ValueError):
    """A file that is not the YAML described above. `line` counts from 1, 0 when there is no place."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.line = line


_Loader: Any = type(
    "StrictLoader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {"yaml_implicit_resolvers": _RESOLVERS}
)


def load_yaml(path: Path) -> Any:
    """Return the value in a file. Raises YamlError; an empty file is None."""
    try:
        data = path.read_bytes()
    except OSError as cause:
        raise YamlError(f"the file cannot be read ({type(cause).__name__})") from cause
    if len(data) > MAX_BYTES:
        raise YamlError(f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        return load_text(data.decode("utf-8"))
    except UnicodeDecodeError as cause:
        raise YamlError("the file is not UTF-8 text") from cause


def load_text(text: str) -> Any:
    """Return the value in a text. Raises YamlError."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as cause:
        mark = getattr(cause, "problem_mark", None)
        problem = getattr(cause, "problem", None) or "it is not YAML"
        raise YamlError(str(problem), mark.line + 1 if mark is not None else 0) from None
    except (ValueError, RecursionError) as cause:
        raise YamlError(f"it is not YAML ({type(cause).__name__})") from None
    return None if root is None else _value(root, set(), 0)


def _value(node: Any, open_: set[int], depth: int) -> Any:
    """Build a plain value; a node met inside itself, or twice, is an alias."""
    line = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        raise YamlError(f"it nests deeper than {MAX_DEPTH} levels", line)
    if id(node) in open_:
        raise YamlError("anchors and aliases are not used here", line)
    open_.add(id(node))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, open_, depth)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, open_, depth + 1) for item in node.value]
    return _scalar(node, line)


def _mapping(node: Any, open_: set[int], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith(":str"):
            raise YamlError("a key is plain text", line)
        if key.value in found:
            raise YamlError(f"the key {key.value!r} occurs twice", line)
        found[key.value] = _value(value, open_, depth + 1)
    return found


def _scalar(node: Any, line: int) -> Any:
    kind, text = node.tag.rpartition(":")[2], node.value
    if kind == "str":
        return text
    if kind == "bool":
        return text == "true"
    if kind == "null":
        return None
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    raise YamlError("tags are not used here", line)


def line_of(text: str, path: list[str | int]) -> int:
    """Return the line where the value at `path` stands, or of its nearest parent that exists; 0 when unknown."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return 0
    line = 0
    for part in path:
        if node is None:
            break
        line = node.start_mark.line + 1
        node = _child(node, part)
    return node.start_mark.line + 1 if node is not None else line


def _child(node: Any, part: str | int) -> Any:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None
