"""YAML the way people read it: no surprises, no code, with line numbers for errors.

A subset of YAML 1.2's core schema: only true and false are booleans (not yes, no, on, off), a key occurs once, there
are no tags, anchors or aliases, and size and depth are bounded.
"""

from __future__ import annotations

import re
import stat
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

__all__ = ["MAX_BYTES", "YamlError", "line_of", "load_text", "load_yaml", "read_text"]

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 40

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
    return load_text(read_text(path))


def read_text(path: Path) -> str:
    """Return a file's text; its UTF-8 bytes are the file's. Raises YamlError.

    Does not open what is not a regular file: a pipe would never end.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise YamlError("it is not a regular file")
        if found.st_size > MAX_BYTES:
            raise YamlError(f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
        return path.read_bytes().decode("utf-8")
    except OSError as cause:
        raise YamlError(f"the file cannot be read ({type(cause).__name__})") from cause
    except UnicodeDecodeError as cause:
        raise YamlError("the file is not UTF-8 text") from cause


def load_text(text: str) -> Any:
    """Return the value in a text. Raises YamlError."""
    root = _compose(text)
    return None if root is None else _value(root, 0)


@lru_cache(maxsize=1)
def _compose(text: str) -> Any:
    """Return the tree of nodes. Keeps the last one: every problem of a file asks for its line."""
    try:
        if _SIGNS.search(text):
            _refuse_signs(text)
        return yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as cause:
        mark = getattr(cause, "problem_mark", None)
        problem = getattr(cause, "problem", None) or "it is not YAML"
        raise YamlError(str(problem), mark.line + 1 if mark is not None else 0) from None
    except RecursionError as cause:
        raise YamlError(f"it is not YAML ({type(cause).__name__})") from None


_SIGNS = re.compile(r"[!&*]")


def _refuse_signs(text: str) -> None:
    """Refuse tags, anchors and aliases wherever they stand; in the tree they would have left no trace."""
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.TagToken):
            raise YamlError("tags are not used here", token.start_mark.line + 1)
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            raise YamlError("anchors and aliases are not used here", token.start_mark.line + 1)


def _value(node: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise YamlError(f"it nests deeper than {MAX_DEPTH} levels", node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, depth)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, depth + 1) for item in node.value]
    return _scalar(node)


def _mapping(node: Any, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith(":str"):
            raise YamlError("a key is plain text", line)
        if key.value in found:
            raise YamlError(f"the key {key.value[:80]!r} occurs twice", line)
        found[key.value] = _value(value, depth + 1)
    return found


def _scalar(node: Any) -> Any:
    kind, text = node.tag.rpartition(":")[2], node.value
    if kind == "str":
        return text
    if kind == "bool":
        return text == "true"
    if kind == "null":
        return None
    if len(text) > MAX_DIGITS:
        raise YamlError(f"a number has at most {MAX_DIGITS} digits", node.start_mark.line + 1)
    number = int(text) if kind == "int" else float(text)
    if number in (float("inf"), float("-inf")):
        raise YamlError("the number is too large", node.start_mark.line + 1)
    return number


def line_of(text: str, path: list[str | int]) -> int:
    """Return the line where the value at `path` stands, or of its nearest parent that exists; 0 when unknown."""
    try:
        node = _compose(text)
    except YamlError:
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
