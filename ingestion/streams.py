"""Several readers at work at once, each in a thread of its own, their rows taken by one consumer.

dlt takes rows from one thread; the CRM answers best when several requests wait for it. A short queue lies between.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

Item = TypeVar("Item")
#: Items (Arrow tables of some thousand rows) that may wait to be taken: memory stays bounded.
WAITING = 6


class Failed:
    """A reader ended with an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Ended:
    """A reader has nothing more."""


class Together(Generic[Item]):
    """Runs named iterators side by side and yields (name, item), (name, Ended) or (name, Failed) as they come."""

    def __init__(self, readers: Mapping[str, Iterator[Item]]) -> None:
        self._queue: queue.Queue[tuple[str, Item | Ended | Failed]] = queue.Queue(WAITING)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=(name, reader), name=f"read-{name}", daemon=True)
            for name, reader in readers.items()
        ]

    def __iter__(self) -> Iterator[tuple[str, Item | Ended | Failed]]:
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        try:
            while running:
                name, item = self._queue.get()
                if isinstance(item, Ended | Failed):
                    running -= 1
                yield name, item
        finally:
            self._stop.set()
            for thread in self._threads:
                while thread.is_alive():
                    while not self._queue.empty():
                        self._queue.get_nowait()
                    thread.join(0.05)

    def _put(self, name: str, item: Item | Ended | Failed) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put((name, item), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def _read(self, name: str, reader: Iterator[Item]) -> None:
        try:
            for item in reader:
                if not self._put(name, item):
                    return
            self._put(name, Ended())
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, which raises or reports it
            self._put(name, Failed(error))
