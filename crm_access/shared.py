"""A few numbers that the threads of a process, and with a file all processes of a machine, keep together.

The file is mapped into memory and guarded by an advisory lock, which the kernel takes back when its holder dies,
however it dies. One turn under the lock costs a few microseconds.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SharedNumbers:
    """``size`` floats, zero at first. Without ``path`` they belong to this process."""

    def __init__(self, size: int, path: Path | None = None) -> None:
        self._thread_lock = threading.Lock()
        self._fd: int | None = None
        if path is None:
            self.numbers: memoryview[float] = memoryview(bytearray(8 * size)).cast("d")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            if os.fstat(self._fd).st_size < 8 * size:
                os.ftruncate(self._fd, 8 * size)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        self.numbers = memoryview(mmap.mmap(self._fd, 8 * size)).cast("d")

    @contextmanager
    def locked(self) -> Iterator[memoryview[float]]:
        """The numbers, while nobody else has them."""
        with self._thread_lock:
            if self._fd is None:
                yield self.numbers
                return
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            try:
                yield self.numbers
            finally:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
