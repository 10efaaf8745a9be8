"""One server for all tests that only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from served_world import Served, made_world, publish, serving


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The world of ``made_world``, published and served."""
    folder = tmp_path_factory.mktemp("published")
    publish(made_world(), folder)
    with serving(folder) as server:
        yield server
