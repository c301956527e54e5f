"""The few expressions that masks are made of, as each dialect spells them.

Every function is written with the system's schema, so that no object of a session can take its place. The key of a keyed mask
never stands in a text: two markers take the places of HMAC's padded keys (RFC 2104, section 2), which an engine fills with a
reference to a value that only it can reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aureus_jupyter.errors import Bug
from aureus_jupyter.values.plan import INNER_PAD, OUTER_PAD

__all__ = ["Spelling", "quoted", "spelling"]


def quoted(name: str) -> str:
    """Return an identifier in double quotes (SQL:2016 <delimited identifier>)."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How one dialect writes what masks need. Each member takes and returns SQL text.

    `call` names a built-in function; `hmac` is the keyed digest of a text as 64 hexadecimal digits; `draw` a number that is
    not negative from a digest's text and a position; `each` a text made of one text for each position of `value`, where the
    body is given the digest and the position; `kinds` what types are called otherwise than in DuckDB.
    """

    call: Callable[..., str]
    text: Callable[[str], str]
    hmac: Callable[[str], str]
    draw: Callable[[str, str], str]
    each: Callable[[str, str, Callable[[str, str], str]], str]
    floor_date: Callable[[str, str], str]
    remainder: Callable[[str, str, bool], str]
    kinds: Mapping[str, str]


def _duckdb(name: str, *arguments: str) -> str:
    return f"system.main.{name}({', '.join(arguments)})"


def _duckdb_hmac(value: str) -> str:
    inner = _duckdb("sha256", f"{INNER_PAD} || {_duckdb('encode', value)}")
    return _duckdb("sha256", f"{OUTER_PAD} || {_duckdb('unhex', inner)}")


def _duckdb_each(value: str, digest: str, body: Callable[[str, str], str]) -> str:
    # The digest is bound once, as the element of a list: written inside, it would be made for every character.
    places = _duckdb("range", "1", f"{_duckdb('length', value)} + 1")
    signs = _duckdb("list_transform", places, f"lambda aureus_n: {body('aureus_h', 'aureus_n')}")
    whole = _duckdb("array_to_string", signs, "''")
    return f"{_duckdb('list_extract', _duckdb('list_transform', f'[{digest}]', f'lambda aureus_h: {whole}'), '1')}"


_DUCKDB = Spelling(
    call=_duckdb,
    text=lambda value: f"CAST({value} AS VARCHAR)",
    hmac=_duckdb_hmac,
    draw=lambda digest, place: _duckdb("md5_number_lower", _duckdb("concat", digest, "':'", place)),
    each=_duckdb_each,
    floor_date=lambda unit, value: _duckdb("date_trunc", f"'{unit}'", value),
    remainder=lambda value, step, _double: f"{value} % {step}",
    kinds=MappingProxyType({}),
)


def _postgres(name: str, *arguments: str) -> str:
    return f"pg_catalog.{name}({', '.join(arguments)})"


def _postgres_hmac(value: str) -> str:
    inner = _postgres("sha256", f"{INNER_PAD} || {_postgres('convert_to', value, chr(39) + 'UTF8' + chr(39))}")
    return _postgres("encode", _postgres("sha256", f"{OUTER_PAD} || {inner}"), "'hex'")


def _postgres_draw(digest: str, place: str) -> str:
    text = _postgres("concat", digest, "':'", place)
    # 63 bits, so that the number has no sign.
    bits = f"('x' || {_postgres('left', _postgres('md5', text), '16')})::pg_catalog.bit(64)"
    return f"(({bits} & x'7fffffffffffffff'::pg_catalog.bit(64))::pg_catalog.int8)"


def _postgres_each(value: str, digest: str, body: Callable[[str, str], str]) -> str:
    places = _postgres("generate_series", "1", _postgres("length", value))
    signs = _postgres("string_agg", body("aureus_d.h", "aureus_p.n"), "'' ORDER BY aureus_p.n")
    return f"(SELECT COALESCE({signs}, '') FROM {places} AS aureus_p(n) CROSS JOIN (SELECT {digest} AS h OFFSET 0) AS aureus_d)"


_POSTGRES = Spelling(
    call=_postgres,
    text=lambda value: f"({value})::pg_catalog.text",
    hmac=_postgres_hmac,
    draw=_postgres_draw,
    each=_postgres_each,
    floor_date=lambda unit, value: _postgres("date_trunc", f"'{unit}'", value),
    # There is no remainder of double precision.
    remainder=lambda value, step, double: (
        f"({value} - {_postgres('trunc', f'{value} / {step}')} * {step})" if double else f"{value} % {step}"
    ),
    kinds=MappingProxyType(
        {"DOUBLE": "DOUBLE PRECISION", "FLOAT": "REAL", "HUGEINT": "NUMERIC", "TINYINT": "SMALLINT", "BLOB": "BYTEA"}
    ),
)

_SPELLINGS: Mapping[str, Spelling] = MappingProxyType({"duckdb": _DUCKDB, "postgres": _POSTGRES})


def spelling(dialect: str) -> Spelling:
    """Return how `dialect` spells masks. Raises Bug for a dialect nobody has written for."""
    found = _SPELLINGS.get(dialect)
    if found is None:
        raise Bug("no_spelling", f"masks are not written for {dialect}", hint="Connect to a supported database.")
    return found
