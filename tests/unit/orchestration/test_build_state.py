from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.build_state import building, refuse_unfinished
from orchestration.errors import BuildFailed


def fail(data_dir: Path, *, everything: bool) -> None:
    with pytest.raises(ValueError, match="red"), building(data_dir, everything=everything):
        raise ValueError("red")


def test_a_green_build_may_be_published(tmp_path: Path) -> None:
    refuse_unfinished(tmp_path)
    with building(tmp_path / "data", everything=True):
        pass
    refuse_unfinished(tmp_path / "data")


def test_a_red_build_may_not_until_a_whole_one_is_green(tmp_path: Path) -> None:
    fail(tmp_path, everything=True)
    with pytest.raises(BuildFailed, match="leadhouse build"):
        refuse_unfinished(tmp_path)
    with building(tmp_path, everything=False):
        pass
    with pytest.raises(BuildFailed):
        refuse_unfinished(tmp_path)
    with building(tmp_path, everything=True):
        pass
    refuse_unfinished(tmp_path)


def test_a_green_part_of_a_green_build_changes_nothing(tmp_path: Path) -> None:
    with building(tmp_path, everything=False):
        pass
    refuse_unfinished(tmp_path)
    fail(tmp_path, everything=False)
    with pytest.raises(BuildFailed):
        refuse_unfinished(tmp_path)
