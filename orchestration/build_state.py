"""Whether the marts in the warehouse are those of a green build, across processes and kills."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.errors import BuildFailed

_MARKER = "build_unfinished"


@contextmanager
def building(data_dir: Path, *, everything: bool) -> Iterator[None]:
    """Marks the marts as unfinished while the block runs, and afterwards unless it ended well.

    ``everything``: whether the block builds every model. A green build of a part does not make good what an earlier
    build left unfinished.
    """
    marker = data_dir / _MARKER
    was_unfinished = marker.exists()
    data_dir.mkdir(parents=True, exist_ok=True)
    marker.touch()
    yield
    if everything or not was_unfinished:
        marker.unlink(missing_ok=True)


def refuse_unfinished(data_dir: Path) -> None:
    """Keeps marts that no green build stands behind from being published.

    Raises:
        BuildFailed: the last build failed or was killed, and no whole build has been green since.
    """
    if (data_dir / _MARKER).exists():
        raise BuildFailed(
            "The last build did not end green, so its marts are not published; readers keep the last green ones. "
            "Find the failed model or test, then run `leadhouse build`."
        )
