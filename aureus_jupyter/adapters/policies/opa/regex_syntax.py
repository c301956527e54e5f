"""Regular expressions as RE2 and Go read them, compiled for a machine that takes linear time.

Python's own `re` reads another language (look-around, references) and takes exponential time on some patterns and texts; a
policy's decision must not. What is not read here, Unicode scripts among it, is a pattern that does not compile.
Source: RE2, "Syntax"; R. Cox, "Regular Expression Matching: the Virtual Machine Approach" (2009).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.regex_program import Emitter, Program, bad_pattern, repeats

__all__ = ["compile_pattern"]

_MAX_PATTERN: Final = 2_000
_MAX_REPEAT: Final = 1000
_MAX_NESTING: Final = 60

Test = Callable[[str], bool]


def _in(*ranges: str) -> Test:
    pairs = [(r[0], r[-1]) for r in ranges]
    return lambda c: any(low <= c <= high for low, high in pairs)


def _is(char: str) -> Test:
    return lambda c: c == char


def _of_category(name: str) -> Test:
    return lambda c: unicodedata.category(c).startswith(name)


def _any_of(tests: Sequence[Test]) -> Test:
    return lambda c: any(test(c) for test in tests)


_DIGIT = _in("09")
_SPACE = _in("\t\n", "\f\r", "  ")
_WORD = _in("09", "AZ", "az", "__")
_PERL = {"d": _DIGIT, "s": _SPACE, "w": _WORD}
_POSIX: dict[str, Test] = {
    "alnum": _in("09", "AZ", "az"),
    "alpha": _in("AZ", "az"),
    "ascii": _in("\x00\x7f"),
    "blank": lambda c: c in "\t ",
    "cntrl": lambda c: c < " " or c == "\x7f",
    "digit": _DIGIT,
    "graph": _in("!~"),
    "lower": _in("az"),
    "print": _in(" ~"),
    "punct": _in("!/", ":@", "[`", "{~"),
    "space": lambda c: c in "\t\n\v\f\r ",
    "upper": _in("AZ"),
    "word": _WORD,
    "xdigit": _in("09", "AF", "af"),
}
_ESCAPES = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CATEGORIES = frozenset(
    "L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs C Cc Cf Co Cs".split()
)


def _not(test: Test) -> Test:
    return lambda c: not test(c)


def _folded(test: Test) -> Test:
    def same(char: str) -> bool:
        # The Kelvin sign and the long s are letters k and s to a pattern that does not mind case.
        extra = {"k": "\u212a", "K": "\u212a", "s": "\u017f", "S": "\u017f", "\u212a": "k", "\u017f": "s"}.get(char, "")
        return test(char) or any(len(o) == 1 and test(o) for o in (char.lower(), char.upper(), extra, extra.upper()))

    return same


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Program:
    """Return the program of a pattern. Raises BuiltinFailure where it does not compile."""
    if len(pattern) > _MAX_PATTERN:
        raise bad_pattern("it is too long")
    parser = _Parser(pattern)
    tree = parser.whole()
    emitter = Emitter()
    emitter.emit(("group", 0, tree))
    emitter.add("match")
    return Program(tuple(map(tuple, emitter.steps)), len(parser.names), tuple(parser.names))


class _Parser:
    """Reads a pattern into nested tuples. Flags are i (any case), m (lines), s (dot takes a newline), U (lazy first)."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._flags: frozenset[str] = frozenset()
        self._depth = 0
        self.names: list[str] = [""]

    def whole(self) -> Any:
        tree = self._either()
        if self._at < len(self._text):
            raise bad_pattern("an unexpected )")
        return tree

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        if not char:
            raise bad_pattern("it ends too early")
        self._at += 1
        return char

    def _eat(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) * found
        return found

    def _either(self) -> Any:
        branches = [self._sequence()]
        while self._eat("|"):
            branches.append(self._sequence())
        return ("either", branches) if len(branches) > 1 else branches[0]

    def _sequence(self) -> Any:
        parts: list[Any] = []
        while self._peek() not in ("", "|", ")"):
            if self._eat("\\Q"):
                end = self._text.find("\\E", self._at)
                literal = self._text[self._at : end if end >= 0 else len(self._text)]
                self._at += len(literal) + (2 if end >= 0 else 0)
                parts.extend(self._char(c) for c in literal)
                continue
            atom = self._atom()
            if atom is not None:
                parts.append(self._repeated(atom))
        return ("sequence", parts)

    def _repeated(self, atom: Any) -> Any:
        bounds = self._bounds()
        if bounds is None:
            return atom
        low, high = bounds
        lazy = self._eat("?") != ("U" in self._flags)
        if self._bounds() is not None:
            raise bad_pattern("a repetition of a repetition")
        if max(low, high or 0) * repeats(atom) > _MAX_REPEAT or (high is not None and high < low):
            raise bad_pattern("a repeat count that is not allowed")
        return ("repeat", atom, low, high, lazy)

    def _bounds(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self._peek() in simple and self._peek():
            return simple[self._next()]
        found = re.compile(r"\{([0-9]+)(,([0-9]*))?\}").match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        low = int(found[1][:6])
        return low, (low if found[2] is None else int(found[3][:6]) if found[3] else None)

    def _char(self, char: str) -> Any:
        test = _is(char)
        return ("char", _folded(test) if "i" in self._flags else test)

    def _atom(self) -> Any:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return ("char", self._class())
        if char == ".":
            return ("char", (lambda c: True) if "s" in self._flags else (lambda c: c != "\n"))
        if char == "^":
            return ("assert", "line_start" if "m" in self._flags else "start")
        if char == "$":
            return ("assert", "line_end" if "m" in self._flags else "end")
        if char in "*+?":
            raise bad_pattern("nothing to repeat")
        return self._escape() if char == "\\" else self._char(char)

    def _group(self) -> Any:
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise bad_pattern("it nests too deeply")
        before, number = self._flags, 0
        if self._eat("?"):
            named = re.compile(r"P?<([A-Za-z0-9_]+)>").match(self._text, self._at)
            if named is not None:
                self._at, number = named.end(), len(self.names)
                self.names.append(named[1])
            elif self._set_flags() == ")":
                self._depth -= 1
                return None
        else:
            number = len(self.names)
            self.names.append("")
        tree = self._either()
        if not self._eat(")"):
            raise bad_pattern("a ) is missing")
        self._flags = before
        self._depth -= 1
        return ("group", number, tree) if number else tree

    def _set_flags(self) -> str:
        found = re.compile(r"([imsU]*)(-([imsU]+))?([:)])").match(self._text, self._at)
        if found is None or (found[4] == ")" and not found[1] and not found[2]):
            raise bad_pattern("a group that is not known")
        self._at = found.end()
        self._flags = (self._flags | set(found[1])) - set(found[3] or "")
        return found[4]

    def _escape(self) -> Any:
        char = self._peek()
        asserts = {"A": "start", "z": "end", "b": "word", "B": "not_word"}
        if char in asserts and char:
            self._at += 1
            return ("assert", asserts[char])
        test = self._named_class()
        if test is not None:
            return ("char", _folded(test) if "i" in self._flags else test)
        return self._char(self._escaped_char())

    def _named_class(self) -> Test | None:
        char = self._peek()
        if char.lower() in _PERL and char:
            self._at += 1
            return _PERL[char] if char in _PERL else _not(_PERL[char.lower()])
        if char not in ("p", "P") or not char:
            return None
        found = re.compile(r"[pP](?:\{(\^?)([A-Za-z]+)\}|([A-Z]))").match(self._text, self._at)
        name = found and (found[2] or found[3])
        if found is None or name not in _CATEGORIES:
            raise bad_pattern("a class of characters that is not known")
        self._at = found.end()
        test = _of_category(str(name))
        return _not(test) if (char == "P") != bool(found[1]) else test

    def _escaped_char(self) -> str:
        char = self._next()
        if char in _ESCAPES:
            return _ESCAPES[char]
        if char == "x":
            found = re.compile(r"([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\}").match(self._text, self._at)
            code = int(found[1] or found[2], 16) if found else 0x110000
            if found is None or code > 0x10FFFF:
                raise bad_pattern("an escape that is not known")
            self._at = found.end()
            return chr(code)
        if char in "01234567":
            octal = re.compile(r"[0-7]{0,2}").match(self._text, self._at)
            more = octal[0] if octal else ""
            if char != "0" and not more:
                raise bad_pattern("a reference to a group")
            self._at += len(more)
            return chr(int(char + more, 8))
        if char.isalnum() or char == "_" or char > "\x7f":
            raise bad_pattern("an escape that is not known")
        return char

    def _class(self) -> Test:
        negated = self._eat("^")
        # A ] that comes first is a member.
        tests = [self._range("]")] if self._eat("]") else []
        while not self._eat("]"):
            tests.append(self._class_item())
        test = _any_of(tests)
        folded = _folded(test) if "i" in self._flags else test
        return _not(folded) if negated else folded

    def _class_item(self) -> Test:
        posix = re.compile(r"\[:(\^?)([a-z]+):\]").match(self._text, self._at)
        if posix is not None:
            if posix[2] not in _POSIX:
                raise bad_pattern("a class of characters that is not known")
            self._at = posix.end()
            return _not(_POSIX[posix[2]]) if posix[1] else _POSIX[posix[2]]
        if self._eat("\\"):
            test = self._named_class()
            if test is not None:
                return test
            return self._range(self._escaped_char())
        return self._range(self._next())

    def _range(self, low: str) -> Test:
        after = self._text[self._at + 1 : self._at + 2]
        if self._peek() != "-" or after in ("]", ""):
            return lambda c: c == low
        self._at += 1
        high = self._escaped_char() if self._eat("\\") else self._next()
        if high < low:
            raise bad_pattern("a range of characters that is empty")
        return lambda c: low <= c <= high
