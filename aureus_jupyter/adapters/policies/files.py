"""A policy file: plain YAML that fits the schema, its lists of words put in, and what no schema can say checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aureus_jupyter.adapters.policies.conditions import ABOUT_STATEMENTS
from aureus_jupyter.adapters.schemas import POLICY_FILE
from aureus_jupyter.adapters.yamlstrict import YamlError, line_of, load_yaml
from aureus_jupyter.errors import Unavailable

__all__ = ["MALFORMED_HINT", "read_policies"]

MALFORMED_HINT = "Correct {path} and run: aureus policy test. Until then nothing may be read."

_Place = tuple[str | int, ...]


class _WrongError(Exception):
    """Something in a file that fits the schema and cannot work all the same."""

    def __init__(self, place: _Place, expected: str) -> None:
        super().__init__(expected)
        self.place, self.expected = place, expected


def read_policies(path: Path) -> list[dict[str, Any]]:
    """Return the policies of a file. Raises Unavailable `policy_malformed` with file, line, field and what was expected."""
    try:
        value = load_yaml(path)
    except YamlError as error:
        raise _malformed(path, error.line, "the file", f"plain YAML: {error.why}") from None
    wrong = POLICY_FILE.first(value)
    if wrong is not None:
        raise _malformed(path, _line(path, wrong.path), wrong.field, wrong.expected)
    try:
        policies = [_filled(p, value.get("lists", {}), ("policies", i)) for i, p in enumerate(value["policies"])]
        for index, policy in enumerate(policies):
            for one in _wrong(policy):
                raise _WrongError(("policies", index, *one.place), one.expected)
    except _WrongError as found:
        field = ".".join(map(str, found.place))
        raise _malformed(path, _line(path, found.place), field, found.expected) from None
    return policies


def _line(path: Path, place: Sequence[str | int]) -> int:
    return line_of(path.read_text("utf-8"), [*place])


def _filled(value: Any, lists: Mapping[str, list[str]], place: _Place) -> Any:
    """Put the words of a list in the place of `$NAME` in an array of words."""
    if isinstance(value, dict):
        return {name: _filled(inner, lists, (*place, name)) for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    found: list[Any] = []
    for index, item in enumerate(value):
        if isinstance(item, str) and item.startswith("$"):
            if item[1:] not in lists:
                raise _WrongError((*place, index), "the name of one of the file's lists")
            found.extend(lists[item[1:]])
        else:
            found.append(_filled(item, lists, (*place, index)))
    return found


def _wrong(policy: Mapping[str, Any]) -> Iterator[_WrongError]:
    when = policy.get("when", {})
    for name in ("since", "until"):
        if name in when and not _is_day(when[name]):
            yield _WrongError(("when", name), "a day that exists, such as 2026-01-31")
    for name in ("hours", "hours_not"):
        if name in when and not _is_place(when[name].partition(" ")[2]):
            yield _WrongError(("when", name), "hours, and then a time zone such as Europe/Prague or nothing")
    if policy["effect"] == "filter":
        yield from _wrong_condition(policy["filter"], ("filter",))
    if policy["effect"] == "hide":
        for name in sorted(ABOUT_STATEMENTS & set(when)):
            yield _WrongError(("when", name), "absent: what is hidden must not depend on the statement")
    mask = policy.get("mask", {})
    for method, member in (("bucket", "edges"), ("constant", "constant")):
        if method in {mask.get(kind) for kind in ("text", "date", "number")} and member not in mask:
            yield _WrongError(("mask",), f"a mask with {member}, which {method} needs")


def _wrong_condition(spec: Mapping[str, Any], place: _Place) -> Iterator[_WrongError]:
    """A condition says what its column is compared with, in one way."""
    ways = {"attribute", "values", "within", "at_most_days_old"} & set(spec)
    alone = spec.get("op", "") in {"is_null", "not_null"}
    if len(ways) != (0 if alone else 1):
        yield _WrongError(
            place, "an attribute of the principal, or values, or within, or at_most_days_old: one of them"
        )
    if "op" in spec and ways & {"within", "at_most_days_old"}:
        yield _WrongError((*place, "op"), "absent, beside within or at_most_days_old")
    for index, inner in enumerate(spec.get("within", {}).get("where", ())):
        yield from _wrong_condition(inner, (*place, "within", "where", index))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_place(zone: str) -> bool:
    try:
        ZoneInfo(zone or "UTC")
    except (OSError, ValueError, KeyError):
        return False
    return True


def _malformed(path: Path, line: int, field: str, expected: str) -> Unavailable:
    place = f"{path.name}, line {line}" if line else path.name
    return Unavailable(
        "policy_malformed",
        f"the policy file {place}: {field} must be {expected}",
        hint=MALFORMED_HINT.format(path=path),
    )
