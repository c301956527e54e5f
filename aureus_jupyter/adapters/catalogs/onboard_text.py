"""Text files as UTF-8: what a CSV file is written in, told from its bytes, and a copy in UTF-8 where it is not."""

from __future__ import annotations

import codecs
import gzip
import shutil
from pathlib import Path
from typing import IO, cast

__all__ = ["Unfit", "as_utf8"]

_CHUNK = 1 << 20
# Bytes above 127 that are a usual letter in one code page and a rare sign in the other.
_CENTRAL = frozenset(b"\xec\xf9\xb3\xb9\xbf\x9d\x9f\x9c\x8f\x8d\xd8\xcc\xd9\xa3\xa5\xf8")
_WESTERN = frozenset(b"\xe0\xe5\xe3\xf5\xea\xfb\xf2\xe6\xf1\xc5\xc6\xd1\xc0\xb4\xb0")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Unfit(Exception):
    """A file that cannot become a table, and why, in words without any of its contents."""


def as_utf8(path: Path, scratch: Path) -> tuple[Path, str]:
    """Return a file with the same text in UTF-8 and a note on how it was read, empty when it was UTF-8 already.

    The file is `path` itself where it can be, else `scratch`, which is written. Of code pages with one byte a letter it
    tells Windows-1250 and Windows-1252 apart, by their letters; others look like one of them. Raises Unfit.
    """
    packed = path.suffix.lower() == ".gz"
    try:
        encoding, note = _encoding(path, packed)
        if encoding == "utf-8" and not packed:
            return path, note
        _copy(path, packed, encoding, scratch)
    except (OSError, EOFError) as error:
        raise Unfit(f"it cannot be read ({type(error).__name__})") from None
    except UnicodeError:
        raise Unfit(f"its bytes are not {encoding} throughout") from None
    return scratch, note


def _opened(path: Path, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _encoding(path: Path, packed: bool) -> tuple[str, str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    counts = [0] * 256
    utf8 = True
    with _opened(path, packed) as file:
        chunk = head = file.read(_CHUNK)
        if not head.strip(b"\xef\xbb\xbf \t\r\n\x00"):
            raise Unfit("it is empty")
        for mark, encoding in _BOMS:
            if head.startswith(mark):
                return encoding, "" if encoding == "utf-8-sig" else "Read as UTF-16."
        while chunk:
            if b"\0" in chunk:
                raise Unfit("it holds NUL bytes: it is no text file, or UTF-16 without a byte order mark")
            utf8 = utf8 and _goes_on(decoder, chunk)
            for byte in frozenset(chunk) if not chunk.isascii() else ():
                counts[byte] += chunk.count(byte)
            chunk = file.read(_CHUNK)
    if utf8 and _goes_on(decoder, b"", final=True):
        return "utf-8", ""
    return _code_page(counts)


def _goes_on(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _code_page(counts: list[int]) -> tuple[str, str]:
    central, western = (sum(counts[b] for b in letters) for letters in (_CENTRAL, _WESTERN))
    encoding = "cp1250" if central > western else "cp1252"
    try:
        bytes(b for b in range(128, 256) if counts[b]).decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"
    spoken = {"cp1250": "Windows-1250", "cp1252": "Windows-1252", "latin-1": "ISO 8859-1"}[encoding]
    return encoding, f"It is not UTF-8; it was read as {spoken}, judged by its letters. Check names with accents."


def _copy(path: Path, packed: bool, encoding: str, target: Path) -> None:
    reader = codecs.getincrementaldecoder(encoding)()
    with _opened(path, packed) as source, target.open("wb") as sink:
        if encoding in {"utf-8", "utf-8-sig"}:
            if source.read(3) != codecs.BOM_UTF8:
                source.seek(0)
            shutil.copyfileobj(source, sink, _CHUNK)
            return
        while chunk := source.read(_CHUNK):
            sink.write(reader.decode(chunk).encode("utf-8"))
        sink.write(reader.decode(b"", True).encode("utf-8"))
