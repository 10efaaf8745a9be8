from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from leadhouse.rule_change import find_change, write_sides


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A working tree of two commits: the first rules, then a changed, a new and a removed file."""
    folder = tmp_path / "project"
    for name in ("seeds", "presets/slow"):
        (folder / name).mkdir(parents=True)
    write(folder, "seeds/lines.csv", "line,fit\na,30\n")
    write(folder, "seeds/gone.csv", "x\n1\n")
    write(folder, "seeds/README.md", "first\n")
    write(folder, "presets/slow/lines.csv", "line,fit\na,10\n")
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    write(folder, "seeds/lines.csv", "line,fit\na,20\n")
    write(folder, "seeds/new.csv", "y\n1\n")
    write(folder, "seeds/README.md", "second\n")
    (folder / "seeds/gone.csv").unlink()
    commit(folder)
    return folder


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "A change")


def test_rule_files_since_the_commit_before(project: Path, tmp_path: Path) -> None:
    change = find_change(project, None)
    assert change is not None
    assert change.files == ("seeds/gone.csv", "seeds/lines.csv", "seeds/new.csv")
    write_sides(project, change, "seeds", tmp_path / "before", tmp_path / "after")
    assert {path.name for path in (tmp_path / "before").iterdir()} == {"lines.csv"}
    assert {path.name for path in (tmp_path / "after").iterdir()} == {"lines.csv", "new.csv"}
    assert (tmp_path / "before" / "lines.csv").read_text() == "line,fit\na,30\n"


def test_the_branch_is_compared_with_where_it_left_main(project: Path) -> None:
    git(project, "update-ref", "refs/remotes/origin/main", "HEAD~1")
    write(project, "seeds/README.md", "third\n")
    write(project, "presets/slow/lines.csv", "line,fit\na,11\n")
    commit(project)
    change = find_change(project, None)
    assert change is not None
    assert change.commit == git(project, "rev-parse", "HEAD~2")
    assert change.presets == ("slow",)
    assert change.names("presets/slow") == ("lines.csv",)


def test_a_given_base_and_changes_not_yet_committed(project: Path) -> None:
    change = find_change(project, "HEAD")
    assert change is not None
    assert change.files == ()
    write(project, "seeds/lines.csv", "line,fit\na,25\n")
    change = find_change(project, "HEAD")
    assert change is not None
    assert change.files == ("seeds/lines.csv",)


def test_without_history_there_is_nothing_to_compare(project: Path, tmp_path: Path) -> None:
    assert find_change(tmp_path, None) is None
    assert find_change(project, "no-such-branch") is None
