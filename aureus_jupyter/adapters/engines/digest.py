"""The digest of a result: over names, types and every value in order, and over nothing else.

Method `arrow-v1`. Anyone with the rows can recompute it; these are all the rules:

- The digest is `sha256:` and the SHA-256 of canonical JSON (RFC 8785) `{"method", "rows", "columns"}`, where each
  column is `[name, type, hex]`, in order.
- `type` is Arrow's name for the column's logical type: large and view forms read as the plain form, a dictionary as
  the type of its values, an extension as its storage.
- `hex` is the SHA-256 over the 32-byte digests of the column's streams, in this order. Every type begins with *nulls*:
  the position of each NULL as a little-endian 64-bit integer. Then
  fixed-width types, *values*: little-endian, zeros where NULL; booleans one byte each;
  text and binary, *lengths*: 64-bit, 0 where NULL, and *bytes*: all values end to end;
  lists and maps, *lengths*, then the streams of the elements, those of NULL lists left out;
  fixed-size lists, the streams of the elements; structs, the streams of each field;
  any other type, the streams of its values as Python text.

How the rows are split into chunks, how many threads made them and what lies under a NULL change nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from aureus_jupyter.values.canonical import digest_json

from .arrow import pa

__all__ = ["METHOD", "digest_of"]

METHOD = "arrow-v1"


def digest_of(table: Any) -> tuple[str, str]:
    """Return (digest, method) of a `pyarrow.Table`. Does not depend on its chunks; raises nothing of its own."""
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        streams = _streams_for(column.type)
        for chunk in column.chunks:
            streams.feed(chunk)
        columns.append([name, streams.name, streams.hexdigest()])
    return digest_json({"method": METHOD, "rows": table.num_rows, "columns": columns}), METHOD


class _Streams:
    """The streams of one column or of one level inside a nested one; counts rows over all chunks."""

    name: str

    def __init__(self) -> None:
        self._count = 0
        self._nulls = hashlib.sha256()

    def feed(self, array: Any) -> None:
        """Add a chunk."""
        if array.null_count:
            positions = np.flatnonzero(_null_mask(array)).astype("<i8") + self._count
            self._nulls.update(positions.data)
        self._values(array)
        self._count += len(array)

    def _values(self, array: Any) -> None:
        """Add a chunk's values; a type without values has only nulls."""

    def digests(self) -> Iterator[bytes]:
        """Give the digest of each stream in the documented order."""
        yield self._nulls.digest()

    def hexdigest(self) -> str:
        """Return the digest over all streams."""
        return hashlib.sha256(b"".join(self.digests())).hexdigest()


class _Nothing(_Streams):
    name = "null"


class _Fixed(_Streams):
    """Values of one width: numbers, dates, times, decimals."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.name = str(kind)
        self._width = kind.bit_width // 8
        self._data = hashlib.sha256()

    def _values(self, array: Any) -> None:
        start, size = array.offset * self._width, len(array) * self._width
        raw = _bytes_of(array.buffers()[1])[start : start + size]
        if array.null_count:
            raw = raw.copy()
            raw.reshape(-1, self._width)[_null_mask(array)] = 0
        self._data.update(raw.data)

    def digests(self) -> Iterator[bytes]:
        yield from super().digests()
        yield self._data.digest()


class _Flags(_Streams):
    """Booleans, one byte each."""

    name = "bool"

    def __init__(self) -> None:
        super().__init__()
        self._data = hashlib.sha256()

    def _values(self, array: Any) -> None:
        flags = array.fill_null(False).to_numpy(zero_copy_only=False)
        self._data.update(flags.astype(np.uint8).data)

    def digests(self) -> Iterator[bytes]:
        yield from super().digests()
        yield self._data.digest()


class _Sized(_Streams):
    """What has a length per row: text, binary, lists, maps."""

    def __init__(self) -> None:
        super().__init__()
        self._lengths = hashlib.sha256()

    def _measure(self, array: Any, wide: bool) -> Any:
        """Hash the lengths and return the offsets, in elements of the values."""
        kind = np.dtype("<i8") if wide else np.dtype("<i4")
        if not len(array):
            return np.zeros(1, dtype=kind)
        buffer = array.buffers()[1]
        offsets = np.frombuffer(buffer, kind, len(array) + 1, array.offset * kind.itemsize)
        lengths = np.diff(offsets).astype("<i8")
        if array.null_count:
            lengths[_null_mask(array)] = 0
        self._lengths.update(lengths.data)
        return offsets

    def digests(self) -> Iterator[bytes]:
        yield from super().digests()
        yield self._lengths.digest()


class _Bytes(_Sized):
    """Text and binary."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self._text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        self.name = "string" if self._text else "binary"
        self._wide = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
        self._cast = None if self._wide or pa.types.is_string(kind) or pa.types.is_binary(kind) else pa.large_binary()
        self._data = hashlib.sha256()

    def _values(self, array: Any) -> None:
        if self._cast is not None:
            array, wide = array.cast(self._cast), True
        else:
            wide = self._wide
        offsets = self._measure(array, wide)
        if array.null_count and int(np.diff(offsets)[_null_mask(array)].sum()):
            array = array.fill_null("" if self._text and self._cast is None else b"")
            kind = np.dtype("<i8") if wide else np.dtype("<i4")
            offsets = np.frombuffer(array.buffers()[1], kind, len(array) + 1, array.offset * kind.itemsize)
        self._data.update(_bytes_of(array.buffers()[2])[int(offsets[0]) : int(offsets[-1])].data)

    def digests(self) -> Iterator[bytes]:
        yield from super().digests()
        yield self._data.digest()


class _Lists(_Sized):
    """Lists and maps: lengths, then the elements of the lists that are there."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        is_map = pa.types.is_map(kind)
        # Arrow has no `flatten` for a map: it is read as the list of pairs that it is.
        pair = pa.struct([("key", kind.key_type), ("value", kind.item_type)]) if is_map else None
        self._plain = pa.list_(pair) if is_map else None
        self._inner = _streams_for(pair if is_map else kind.value_type)
        self._wide = pa.types.is_large_list(kind)
        self.name = f"{'map' if is_map else 'list'}<{self._inner.name}>"

    def _values(self, array: Any) -> None:
        self._measure(array, self._wide)
        if self._plain is not None:
            array = array.cast(self._plain)
        self._inner.feed(array.flatten())

    def digests(self) -> Iterator[bytes]:
        yield from super().digests()
        yield from self._inner.digests()


class _FixedLists(_Streams):
    """Lists of one length."""

    def __init__(self, size: int, inner: _Streams) -> None:
        super().__init__()
        self._inner = inner
        self.name = f"list<{inner.name}>[{size}]"

    def _values(self, array: Any) -> None:
        self._inner.feed(array.flatten())

    def digests(self) -> Iterator[bytes]:
        yield from super().digests()
        yield from self._inner.digests()


class _Structs(_Streams):
    """Structs: each field, NULL where the struct is."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self._fields = [_streams_for(kind.field(i).type) for i in range(kind.num_fields)]
        names = [f"{kind.field(i).name}: {f.name}" for i, f in enumerate(self._fields)]
        self.name = f"struct<{', '.join(names)}>"

    def _values(self, array: Any) -> None:
        for streams, values in zip(self._fields, array.flatten(), strict=True):
            streams.feed(values)

    def digests(self) -> Iterator[bytes]:
        yield from super().digests()
        for streams in self._fields:
            yield from streams.digests()


class _Inside(_Streams):
    """A type that stands for another: the values of a dictionary, the storage of an extension."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self._dictionary = pa.types.is_dictionary(kind)
        self._inner = _streams_for(kind.value_type if self._dictionary else kind.storage_type)
        self.name = self._inner.name

    def feed(self, array: Any) -> None:
        self._inner.feed(array.dictionary_decode() if self._dictionary else array.storage)

    def digests(self) -> Iterator[bytes]:
        yield from self._inner.digests()


class _Spelled(_Streams):
    """Any other type, by the Python text of its values."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self._inner = _Bytes(pa.large_string())
        self.name = str(kind)

    def feed(self, array: Any) -> None:
        texts = [None if value is None else repr(value) for value in array.to_pylist()]
        self._inner.feed(pa.array(texts, pa.large_string()))

    def digests(self) -> Iterator[bytes]:
        yield from self._inner.digests()


def _streams_for(kind: Any) -> _Streams:
    make = _COMMON.get(str(kind))
    return make(kind) if make is not None else _uncommon(kind)


def _uncommon(kind: Any) -> _Streams:
    if pa.types.is_dictionary(kind) or isinstance(kind, pa.BaseExtensionType):
        return _Inside(kind)
    if pa.types.is_null(kind):
        return _Nothing()
    if pa.types.is_boolean(kind):
        return _Flags()
    if pa.types.is_nested(kind):
        return _nested(kind)
    if _has_bytes(kind):
        return _Bytes(kind)
    return _Fixed(kind)


# What most columns are, found without asking a type what it is not.
_COMMON: dict[str, Callable[[Any], _Streams]] = {
    **dict.fromkeys(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"), _Fixed),
    **dict.fromkeys(("float", "double", "date32[day]", "timestamp[us]"), _Fixed),
    **dict.fromkeys(("string", "large_string"), _Bytes),
}


def _nested(kind: Any) -> _Streams:
    if pa.types.is_struct(kind):
        return _Structs(kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        return _Lists(kind)
    if pa.types.is_fixed_size_list(kind):
        return _FixedLists(kind.list_size, _streams_for(kind.value_type))
    return _Spelled(kind)


def _has_bytes(kind: Any) -> bool:
    checks = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in checks)


def _null_mask(array: Any) -> Any:
    return array.is_null().to_numpy(zero_copy_only=False)


def _bytes_of(buffer: Any) -> Any:
    return np.empty(0, np.uint8) if buffer is None else np.frombuffer(buffer, np.uint8)
