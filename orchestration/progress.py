"""Who watches: loaders, the build and the applier report rows to one callback, set by the command that runs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ingestion.results import NoProgress, Progress

_WATCHER: ContextVar[Progress | None] = ContextVar("leadhouse_progress", default=None)


def current_progress() -> Progress:
    """The callback of the command that started this run; one that ignores everything when nobody watches."""
    return _WATCHER.get() or NoProgress()


@contextmanager
def watched_by(progress: Progress) -> Iterator[None]:
    """Everything that runs inside the block, Dagster's in-process runs included, reports to ``progress``."""
    token = _WATCHER.set(progress)
    try:
        yield
    finally:
        _WATCHER.reset(token)
