"""Built-ins: regular expressions and globs. Source: Open Policy Agent, "Policy Reference"; Go's regexp; gobwas/glob."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure
from aureus_jupyter.adapters.policies.opa.machine import Builtin, Run
from aureus_jupyter.adapters.policies.opa.operands import array_of, integer, text_of
from aureus_jupyter.adapters.policies.opa.regex_machine import Spans, find, find_all
from aureus_jupyter.adapters.policies.opa.regex_program import Program
from aureus_jupyter.adapters.policies.opa.regex_syntax import compile_pattern
from aureus_jupyter.adapters.policies.opa.terms import FALSE, NULL, TRUE, Array, boolean, check_size

__all__ = ["REGEX"]

_REFERENCE: Final = re.compile(r"\$(?:(\$)|([0-9A-Za-z_]+)|\{([0-9A-Za-z_]+)\})")
_GLOB_SPECIAL: Final = re.compile(r"[*?\\\[\]{}]")


def _program(run: Run, pattern: str) -> Program:
    """Return a compiled pattern; its size is counted each time, for nobody knows whether it was compiled just now."""
    run.charge(len(pattern))
    program = compile_pattern(pattern)
    run.charge(len(program.steps))
    return program


def _is_valid(run: Run, pattern: Any) -> Any:
    try:
        _program(run, text_of(pattern))
    except BuiltinFailure:
        return FALSE
    return TRUE


def _match(run: Run, pattern: Any, text: Any) -> Any:
    return boolean(find(_program(run, text_of(pattern, 1)), text_of(text, 2), 0, run) is not None)


def _part(text: str, spans: Spans, group: int) -> str:
    begin, end = spans[2 * group], spans[2 * group + 1]
    return text[begin:end] if begin >= 0 <= end else ""


def _find(run: Run, pattern: Any, text: Any, most: Any) -> Any:
    value = text_of(text, 2)
    found = find_all(_program(run, text_of(pattern, 1)), value, integer(most, 3), run)
    return Array(_part(value, spans, 0) for spans in found)


def _find_groups(run: Run, pattern: Any, text: Any, most: Any) -> Any:
    value, program = text_of(text, 2), _program(run, text_of(pattern, 1))
    found = find_all(program, value, integer(most, 3), run)
    return Array(Array(_part(value, spans, g) for g in range(program.groups)) for spans in found)


def _split(run: Run, pattern: Any, text: Any) -> Any:
    value, expression = text_of(text, 2), text_of(pattern, 1)
    program = _program(run, expression)
    if expression and not value:
        return Array([""])
    parts, begin, end = [], 0, 0
    for spans in find_all(program, value, -1, run):
        end = spans[0]
        if spans[1] != 0:
            parts.append(value[begin:end])
        begin = spans[1]
    if end != len(value):
        parts.append(value[begin:])
    return Array(parts)


def _expanded(template: str, program: Program, text: str, spans: Spans) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = match[2] or match[3]
        if name.isascii() and name.isdigit():
            groups = [int(name[:6])] if int(name[:6]) < program.groups else []
        else:
            groups = [group for group, known in enumerate(program.names) if known == name]
        return next((_part(text, spans, group) for group in groups if spans[2 * group] >= 0), "")

    return _REFERENCE.sub(one, template)


def _replace(run: Run, text: Any, pattern: Any, template: Any) -> Any:
    value, wanted = text_of(text, 1), text_of(template, 3)
    program = _program(run, text_of(pattern, 2))
    made, at, length = [], 0, 0
    for spans in find_all(program, value, -1, run):
        made += [value[at : spans[0]], _expanded(wanted, program, value, spans)]
        length += len(made[-1]) + len(made[-2])
        check_size(length)
        at = spans[1]
    return "".join([*made, value[at:]])


def _template_match(run: Run, template: Any, text: Any, start: Any, end: Any) -> Any:
    pattern, begin, stop = text_of(template, 1), text_of(start, 3), text_of(end, 4)
    value = text_of(text, 2)
    if len(begin.encode()) != 1 or len(stop.encode()) != 1:
        raise BuiltinFailure("a delimiter must be exactly one character")
    made, depth, at = ["^"], 0, 0
    for index, char in enumerate(pattern):
        opens, closes = char == begin, char == stop and char != begin
        depth += opens - closes
        if depth < 0:
            raise BuiltinFailure("unbalanced braces")
        if opens and depth == 1:
            made.append(_literal(pattern[at:index]))
            at = index + 1
        elif closes and depth == 0:
            _program(run, f"^{pattern[at:index]}$")
            made.append(f"({pattern[at:index]})")
            at = index + 1
    if depth:
        raise BuiltinFailure("unbalanced braces")
    program = _program(run, "".join([*made, _literal(pattern[at:]), "$"]))
    return boolean(find(program, value, 0, run) is not None)


def _literal(text: str) -> str:
    return re.sub(r"[\\.+*?()|\[\]{}^$]", lambda m: "\\" + m[0], text)


def _glob_match(run: Run, pattern: Any, delimiters: Any, text: Any) -> Any:
    if delimiters is NULL:
        apart = ""
    else:
        marks = [text_of(d, 2) for d in array_of(delimiters, 2)]
        if any(len(m) != 1 for m in marks):
            raise BuiltinFailure("operand 2 must be an array of characters")
        apart = "".join(marks) or "."
    program = _program(run, _glob(text_of(pattern, 1), apart))
    return boolean(find(program, text_of(text, 3), 0, run) is not None)


_GLOB_PART: Final = re.compile(
    r"\\(?P<escaped>.)|(?P<any>\*\**)|(?P<one>\?)|\[(?P<not>!?+)(?P<class>(?:\\.|[^\]\\])+)\]|(?P<brace>[{}])|(?P<literal>[^\\\[])",
    re.DOTALL,
)


@lru_cache(maxsize=256)
def _glob(pattern: str, apart: str) -> str:
    """Return a glob as a regular expression. Raises BuiltinFailure for one that does not compile."""
    inner = f"[^{_members(apart)}]" if apart else "."
    made, depth, at = ["(?s)^(?:"], 0, 0
    while at < len(pattern):
        found = _GLOB_PART.match(pattern, at)
        if found is None:
            raise BuiltinFailure("a glob that does not compile")
        at = found.end()
        if found["brace"] == "{" or (found["brace"] and depth):
            depth += 1 if found["brace"] == "{" else -1
            made.append("(?:" if found["brace"] == "{" else ")")
        else:
            made.append(_glob_part(found, inner, depth))
    if depth:
        raise BuiltinFailure("a glob that does not compile")
    return "".join([*made, ")$"])


def _glob_part(found: re.Match[str], inner: str, depth: int) -> str:
    if found["any"]:
        return inner + "*" if len(found["any"]) == 1 else ".*"
    if found["one"]:
        return inner
    if found["class"]:
        return f"[{'^' if found['not'] else ''}{_glob_class(found['class'])}]"
    literal = found["escaped"] or found["literal"] or found["brace"]
    return "|" if found["literal"] == "," and depth else _literal(literal)


def _members(text: str) -> str:
    return "".join(f"\\x{{{ord(c):x}}}" for c in text)


def _glob_class(body: str) -> str:
    """Return what a class of characters holds: a range where its second sign is -, else each sign of it."""
    if body[1:2] != "-" or body[0] == "\\":
        return _members(re.sub(r"\\(.)", r"\1", body, flags=re.DOTALL))
    if len(body) != 3 or body[2] < body[0]:
        raise BuiltinFailure("a glob that does not compile")
    return f"{_members(body[0])}-{_members(body[2])}"


REGEX: Final[dict[str, Builtin]] = {
    "glob.match": _glob_match,
    "glob.quote_meta": lambda run, text: _GLOB_SPECIAL.sub(lambda m: "\\" + m[0], text_of(text)),
    "re_match": _match,
    "regex.find_all_string_submatch_n": _find_groups,
    "regex.find_n": _find,
    "regex.is_valid": _is_valid,
    "regex.match": _match,
    "regex.replace": _replace,
    "regex.split": _split,
    "regex.template_match": _template_match,
}
