from __future__ import annotations

from pathlib import Path

import pytest
from writeback_worlds import write_manifest

from reverse_etl.manifest import Spec, load_specs


@pytest.fixture(scope="session")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Spec]:
    """The specs of the test project, by model."""
    path: Path = write_manifest(tmp_path_factory.mktemp("project") / "manifest.json")
    return {spec.model: spec for spec in load_specs(path)}
