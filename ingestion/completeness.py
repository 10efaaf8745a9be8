"""Is a file whole? Asked of every file before a single row of it is loaded.

A file that is still being written, or was cut on its way, is refused for now and tried again on the next run: half a
file would otherwise pass for a small one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from pathlib import Path
from typing import IO, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.errors import FileRefused

CHUNK_BYTES = 4 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"


class _Hashing(io.RawIOBase):
    """Passes a file through and hashes its bytes on the way."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        data = self._raw.read(len(view))
        self.digest.update(data)
        view[: len(data)] = data
        return len(data)


def is_gzip(path: Path) -> bool:
    """Whether the file's content is gzip, whatever its name says."""
    with path.open("rb") as handle:
        return handle.read(2) == GZIP_MAGIC


def open_bytes(path: Path) -> IO[bytes]:
    """Opens a file for reading, unpacking gzip by content."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if is_gzip(path) else path.open("rb")


def fingerprint(path: Path, name: str) -> str:
    """The SHA-256 of a file, once it has proved whole.

    ``.parquet``: the footer can be read. Gzip: unpacks to its end with a right checksum. ``.jsonl``/``.ndjson``: the
    last line ends, or is JSON. ``.json``: is JSON. ``.csv``: a last line without an end has as many fields as the
    header (compared by their separators).

    Raises:
        FileRefused: the file is not whole; the reason says how that shows.
    """
    if path.stat().st_size == 0:
        raise FileRefused(
            name, "is empty (0 bytes), as if it were still being written; nothing loaded, tried again next run"
        )
    kinds = [suffix.lower() for suffix in path.suffixes]
    if kinds and kinds[-1] == ".parquet":
        return _fingerprint_parquet(path, name)
    return _fingerprint_text(path, name, kinds)


def _fingerprint_parquet(path: Path, name: str) -> str:
    try:
        pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise FileRefused(
            name, f"is not a whole Parquet file ({error}); nothing loaded, tried again next run"
        ) from error
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _fingerprint_text(path: Path, name: str, kinds: list[str]) -> str:
    first, tail = b"", b""
    packed = is_gzip(path)
    whole = ".json" in kinds[-2:]
    with path.open("rb") as raw:
        hashing = _Hashing(raw)
        buffered = io.BufferedReader(hashing, CHUNK_BYTES)
        source: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(fileobj=buffered)) if packed else buffered
        try:
            while chunk := source.read(CHUNK_BYTES):
                first = first or chunk.partition(b"\n")[0]
                if whole:
                    tail += chunk
                else:
                    _, end, rest = chunk.rpartition(b"\n")
                    tail = rest if end else tail + rest
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FileRefused(
                name, f"is a half-written or damaged gzip file ({error}); nothing loaded, tried again next run"
            ) from error
    if tail.strip():
        _refuse_cut_tail(name, kinds, first, tail)
    return hashing.digest.hexdigest()


def _refuse_cut_tail(name: str, kinds: list[str], first: bytes, tail: bytes) -> None:
    """Refuses a file whose last line (or, for ``.json``, whose text) stops in the middle."""
    if any(kind in kinds for kind in (".json", ".jsonl", ".ndjson")):
        try:
            orjson.loads(tail)
        except orjson.JSONDecodeError as error:
            raise FileRefused(
                name, f"its end is cut in the middle of a JSON text ({error}); nothing loaded, tried again next run"
            ) from error
    elif ".csv" in kinds or ".tsv" in kinds:
        separator = max((b",", b";", b"\t"), key=first.count)
        if b'"' not in tail and tail.count(separator) < first.count(separator):
            raise FileRefused(
                name, "its last row is cut: fewer fields than the header; nothing loaded, tried again next run"
            )
