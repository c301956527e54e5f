"""Built-ins: texts. Source: Open Policy Agent, "Policy Reference"; Go's strings package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure
from aureus_jupyter.adapters.policies.opa.machine import Builtin, Run
from aureus_jupyter.adapters.policies.opa.operands import array_of, integer, items_of, object_of, text_of, texts_of
from aureus_jupyter.adapters.policies.opa.sprintf import rego_text, sprintf
from aureus_jupyter.adapters.policies.opa.terms import Array, Set, boolean, check_size

__all__ = ["TEXT"]

_SPACES: Final = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def _two(make: Callable[[str, str], Any]) -> Builtin:
    return lambda run, a, b: make(text_of(a, 1), text_of(b, 2))


def _lower(text: str) -> str:
    """Lower each character alone, as Go does."""
    return text.lower() if text.isascii() else "".join(_one(c, c.lower(), {"\u0130": "i"}) for c in text)


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else "".join(_one(c, c.upper(), {}) for c in text)


def _one(char: str, made: str, special: dict[str, str]) -> str:
    return special.get(char, made if len(made) == 1 else char)


def _concat(run: Run, apart: Any, value: Any) -> Any:
    between, texts = text_of(apart, 1), texts_of(value, 2)
    check_size(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _searched(text: str, wanted: str) -> tuple[str, str]:
    if not wanted:
        raise BuiltinFailure("empty search character")
    return text, wanted


def _index(text: str, wanted: str) -> int:
    return str.find(*_searched(text, wanted))


def _indexes(run: Run, text: Any, wanted: Any) -> Any:
    value, part = _searched(text_of(text, 1), text_of(wanted, 2))
    found, at = [], value.find(part)
    while at >= 0:
        run.charge(1)
        found.append(at)
        at = value.find(part, at + 1)
    return Array(found)


def _substring(run: Run, text: Any, start: Any, length: Any) -> Any:
    value, first, count = text_of(text, 1), integer(start, 2), integer(length, 3)
    if first < 0:
        raise BuiltinFailure("negative offset")
    return value[first:] if count < 0 else value[first : first + count]


def _split(text: str, apart: str) -> Array:
    return Array(text.split(apart) if apart else list(text) or [""] if text else [])


def _split_n(run: Run, text: Any, apart: Any, count: Any) -> Any:
    value, between, n = text_of(text, 1), text_of(apart, 2), integer(count, 3)
    parts = value.split(between) if between else list(value)
    if n >= 0:
        return Array(parts[:n])
    return Array(parts[max(len(parts) + n, 0) :])


def _replace(run: Run, text: Any, old: Any, new: Any) -> Any:
    value, before, after = text_of(text, 1), text_of(old, 2), text_of(new, 3)
    check_size(len(value) + value.count(before) * max(len(after) - len(before), 0))
    return value.replace(before, after)


def _replace_n(run: Run, patterns: Any, text: Any) -> Any:
    held, value = object_of(patterns, 1), text_of(text, 2)
    pairs = [(text_of(k, 1), text_of(held[k], 1)) for k in held.ordered()]
    made, at, length, emptied = [], 0, 0, False
    while at <= len(value):
        run.charge(1 + (len(pairs) >> 2))
        # At one place the first pair that fits counts; one that replaces nothing fits once between two characters.
        found = next((p for p in pairs if value.startswith(p[0], at) and (p[0] or not emptied)), None)
        emptied = found is not None and not found[0]
        part, step = (value[at : at + 1], 1) if found is None else (found[1], len(found[0]))
        made.append(part)
        length += len(part)
        check_size(length)
        at += step
    return "".join(made)


def _trim_prefix(text: str, prefix: str) -> str:
    return text.removeprefix(prefix)


def _trim_suffix(text: str, suffix: str) -> str:
    return text.removesuffix(suffix)


def _any_affix(match: Callable[[str, str], bool]) -> Builtin:
    def affix(run: Run, search: Any, base: Any) -> Any:
        texts = [search] if search.__class__ is str else texts_of(search, 1)
        affixes = [base] if base.__class__ is str else texts_of(base, 2)
        run.charge(len(texts) * len(affixes) >> 2)
        return boolean(any(match(t, a) for t in texts for a in affixes))

    return affix


def _template(run: Run, parts: Any) -> Any:
    """Join the parts of a template text. A part is a text, or a set that holds its value where that is defined."""
    made = []
    for part in array_of(parts):
        if part.__class__ is Set:
            items = items_of(part)
            if len(items) > 1:
                raise BuiltinFailure("a template has more than one value in one place")
            made.append(_shown(items[0]) if items else "<undefined>")
        else:
            made.append(_shown(part))
    check_size(sum(map(len, made)))
    return "".join(made)


def _shown(value: Any) -> str:
    return value if value.__class__ is str else rego_text(value)


TEXT: Final[dict[str, Builtin]] = {
    "concat": _concat,
    "contains": _two(lambda text, part: boolean(part in text)),
    "endswith": _two(lambda text, part: boolean(text.endswith(part))),
    "indexof": _two(_index),
    "indexof_n": _indexes,
    "internal.template_string": _template,
    "lower": lambda run, text: _lower(text_of(text)),
    "replace": _replace,
    "split": _two(_split),
    "sprintf": lambda run, text, values: sprintf(text_of(text, 1), array_of(values, 2)),
    "startswith": _two(lambda text, part: boolean(text.startswith(part))),
    "strings.any_prefix_match": _any_affix(str.startswith),
    "strings.any_suffix_match": _any_affix(str.endswith),
    "strings.count": _two(lambda text, part: text.count(part)),
    "strings.replace_n": _replace_n,
    "strings.reverse": lambda run, text: text_of(text)[::-1],
    "strings.split_n": _split_n,
    "substring": _substring,
    "trim": _two(lambda text, cut: text.strip(cut) if cut else text),
    "trim_left": _two(lambda text, cut: text.lstrip(cut) if cut else text),
    "trim_prefix": _two(_trim_prefix),
    "trim_right": _two(lambda text, cut: text.rstrip(cut) if cut else text),
    "trim_space": lambda run, text: text_of(text).strip(_SPACES),
    "trim_suffix": _two(_trim_suffix),
    "upper": lambda run, text: _upper(text_of(text)),
}
