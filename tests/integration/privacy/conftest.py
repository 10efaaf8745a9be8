"""Helpers of the privacy tests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))

from erasure_installation import Installation, make_installation


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation to copy."""
    return make_installation(tmp_path_factory.mktemp("template") / "data").folder


@pytest.fixture
def installation(template: Path, tmp_path: Path) -> Installation:
    """A copy of its own."""
    shutil.copytree(template, tmp_path / "data", symlinks=True)
    return Installation(tmp_path / "data")
