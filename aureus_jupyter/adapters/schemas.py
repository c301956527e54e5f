"""Values against JSON Schemas: quick where a value fits, exact where it does not.

Importing jsonschema takes over a second where its optional formats are installed, as they are beside JupyterLab; a first
cell should not wait for that. So fastjsonschema answers whether a value fits, and jsonschema is loaded to say why not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from aureus_jupyter.core.nearest import nearest

__all__ = ["POLICY_FILE", "POLICY_TEST", "POLICY_TEST_FILE", "Schema", "Violation"]

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing a schema says against a value: where, what was expected, what was found. Never holds a value."""

    path: _Path
    expected: str
    found: str

    @property
    def field(self) -> str:
        """The path in words."""
        return ".".join(str(part) for part in self.path) or "the file"


class Schema:
    """A schema that ships with a package. Reads it on first use, and once."""

    def __init__(self, package: str, name: str, part: str = "") -> None:
        self._package = package
        self._name = name
        self._part = part

    @cached_property
    def _schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = json.loads(files(self._package).joinpath(self._name).read_text("utf-8"))
        return {"$ref": f"#/$defs/{self._part}", "$defs": schema["$defs"]} if self._part else schema

    @cached_property
    def _quick(self) -> Any:
        import fastjsonschema

        return fastjsonschema.compile(self._schema, use_default=False)

    @cached_property
    def _exact(self) -> Any:
        from jsonschema.validators import Draft202012Validator, validator_for

        return validator_for(self._schema, default=Draft202012Validator)(self._schema)

    def fits(self, value: Any) -> bool:
        """Return whether a value fits. Does not know `unevaluatedProperties`, which our own schemas do not use."""
        from fastjsonschema import JsonSchemaValueException

        try:
            self._quick(value)
        except JsonSchemaValueException:
            return False
        return True

    def violations(self, value: Any) -> list[Violation]:
        """Return what is wrong with a value, outermost first; nothing when it fits both validators."""
        leaves = [_leaf(e) for e in self._exact.iter_errors(value)]
        found = sorted({_violation(e) for e in leaves if not _follows_from_others(e, leaves)}, key=_order)
        if not found and not self.fits(value):
            return [Violation(path=(), expected="a value the schema allows", found="another")]
        return found

    def first(self, value: Any) -> Violation | None:
        """Return the outermost thing that is wrong with a value, or None."""
        return None if self.fits(value) else self.violations(value)[0]


POLICY_FILE = Schema("aureus_jupyter.adapters.policies", "policy.schema.json")
"""A file of policies: read by the policy engine, and checked with the pack that holds it."""
POLICY_TEST_FILE = Schema("aureus_jupyter.adapters.policies", "policy_test.schema.json")
"""A file of tests beside policies."""
POLICY_TEST = Schema("aureus_jupyter.adapters.policies", "policy_test.schema.json", "test")
"""One of them."""


def _order(violation: Violation) -> tuple[int, tuple[str, ...], str]:
    return (
        len(violation.path),
        tuple(f"{p:06}" if isinstance(p, int) else p for p in violation.path),
        violation.expected,
    )


def _follows_from_others(error: Any, errors: list[Any]) -> bool:
    """A member that is wrong inside counts as unevaluated too; only the inner error helps."""
    rule = "unevaluatedProperties"
    path = [*error.absolute_path]
    others = (e for e in errors if e.validator != rule or len(e.absolute_path) > len(path))
    return error.validator == rule and any([*e.absolute_path][: len(path)] == path for e in others)


def _leaf(error: Any) -> Any:
    """Return the error a person can act on: of several forms, that of the one form that was meant."""
    while error.context:
        forms: dict[Any, list[Any]] = {}
        for inner in error.context:
            forms.setdefault(inner.schema_path[0], []).append(inner)
        meant = [errors for errors in forms.values() if not any(_is_another_form(e) for e in errors)]
        if len(meant) != 1:
            return error
        error = meant[0][0]
    return error


def _is_another_form(error: Any) -> bool:
    return error.validator in {"const", "enum"} or (error.validator == "type" and len(error.path) == 0)


def _violation(error: Any) -> Violation:
    return Violation(path=tuple(error.absolute_path), expected=_expected(error), found=_found(error))


def _expected(error: Any) -> str:
    rule, value = error.validator, error.validator_value
    if rule == "required":
        return f"the members {', '.join(value)}"
    if rule == "unevaluatedProperties":
        return "only members the schema knows"
    if rule == "additionalProperties":
        return f"only the members {', '.join(sorted(error.schema.get('properties', {})))}"[:300]
    if rule in {"oneOf", "anyOf"}:
        return _forms(error)
    return _of_value(error, rule, value)


def _of_value(error: Any, rule: str, value: Any) -> str:
    """Return what was expected of one plain value or list."""
    if rule == "enum":
        known = [str(v) for v in value]
        close = nearest(error.instance, known, 1) if isinstance(error.instance, str) else ()
        return f"one of {', '.join(known)}"[:300] + (f" (nearest: {close[0]})" if close else "")
    if rule == "type":
        return " or ".join(_KINDS.get(k, k) for k in ([value] if isinstance(value, str) else value))
    if rule in {"minItems", "minLength", "minProperties"} and value == 1:
        return "not empty"
    words = {"const": "{}", "pattern": "a text of the form {}", "minimum": "at least {}", "maximum": "at most {}"}
    return words[rule].format(value)[:160] if rule in words else f"{rule} {json.dumps(value)[:120]}"


_KINDS = {
    "object": "a table of names and values",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_FOUND = {
    "dict": "a table",
    "list": "a list",
    "str": "another text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
}


def _forms(error: Any) -> str:
    words = [w for inner in error.context for w in _words(inner)]
    wanted = [f"the members {', '.join(e.validator_value)}" for e in error.context if e.validator == "required"]
    if words:
        return f"one of {', '.join(dict.fromkeys(words))}"
    return " or ".join(dict.fromkeys(wanted)) or "one of the forms the schema knows"


def _words(error: Any) -> Iterable[str]:
    if error.validator == "const":
        return [str(error.validator_value)]
    return [str(v) for v in error.validator_value] if error.validator == "enum" else []


def _found(error: Any) -> str:
    value = error.instance
    if error.validator == "required" and isinstance(value, dict):
        return f"no {', '.join(str(name) for name in error.validator_value if name not in value)}"
    if error.validator == "additionalProperties" and isinstance(value, dict):
        strangers = [str(name)[:40] for name in value if name not in error.schema.get("properties", {})]
        return f"also {', '.join(strangers[:5])}"
    if error.validator == "unevaluatedProperties":
        return "also " + ", ".join(re.findall(r"'([^']*)'", error.message)[:5])[:200]
    return "nothing" if value is None or value == "" else _FOUND.get(type(value).__name__, "another value")
