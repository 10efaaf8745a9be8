"""A rule set: the seeds of the project with a preset's and a team's own CSV files laid over them.

A folder of changed rules holds only the files that differ, each whole. The composed folder holds every file, because
dbt reads seeds from one place. Files whose content stays the same are not written again, so that neither dbt nor a
fingerprint takes them for changed. A leaf module: it imports nothing of ours.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

#: What dbt reads of a folder of seeds: the rules, and the types and tests of their columns.
_RULE_SUFFIXES = (".csv", ".yml", ".yaml")


class RuleSetError(Exception):
    """A folder of rules cannot be laid over the seeds; names the file or folder and what to do."""


def known_presets(presets_dir: Path) -> list[str]:
    """Names of the rule sets that ship with the project, sorted."""
    if not presets_dir.is_dir():
        return []
    return sorted(folder.name for folder in presets_dir.iterdir() if folder.is_dir() and any(folder.glob("*.csv")))


def rule_set_name(overlays: Sequence[Path]) -> str:
    """A name for the folder that ``overlays`` are composed into; folders of one name in two places get two names."""
    if not overlays:
        return "seeds"
    where = hashlib.sha256("\0".join(str(folder.resolve()) for folder in overlays).encode()).hexdigest()[:6]
    return f"{'+'.join(folder.name for folder in overlays)}-{where}"


def rules_version(folder: Path) -> str:
    """12 hex digits that stand for the content of every rule file of a folder, whatever its place and line ends."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.csv")):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        digest.update("\n".join([path.name, *(line.rstrip() for line in lines), ""]).encode())
    return digest.hexdigest()[:12]


def compose(base: Path, overlays: Sequence[Path], target: Path) -> Path:
    """Writes ``base`` with each overlay's CSV files in place of its own, later overlays last, into ``target``.

    Args:
        base: the seeds of the project.
        overlays: folders of whole CSV files; files of other kinds in them are left alone.
        target: folder to write. What it holds beyond the rule set is removed; equal files keep their times.

    Returns:
        ``target``.

    Raises:
        RuleSetError: an overlay is no folder, or holds a CSV file that the seeds do not have.
    """
    sources = {path.name: path for path in sorted(base.iterdir()) if path.suffix in _RULE_SUFFIXES}
    for overlay in overlays:
        sources.update(_overlay_files(overlay, sources))
    target.mkdir(parents=True, exist_ok=True)
    for path in target.iterdir():
        if path.is_file() and path.name not in sources and path.suffix in _RULE_SUFFIXES:
            path.unlink(missing_ok=True)
    for name, source in sources.items():
        _write_if_changed(source, target / name)
    return target


def _overlay_files(overlay: Path, known: dict[str, Path]) -> dict[str, Path]:
    if not overlay.is_dir():
        raise RuleSetError(f"{overlay}: no such folder of rules. Give a folder that holds the CSV files that change.")
    found = {path.name: path for path in sorted(overlay.glob("*.csv"))}
    for path in sorted(overlay.rglob("*.csv")):
        if path.parent != overlay:
            raise RuleSetError(
                f"{path}: rules in a folder below are not read. Move the file into {overlay}, or give {path.parent}."
            )
    rules = [name for name in known if name.endswith(".csv")]
    for name, path in found.items():
        if name not in known:
            near = difflib.get_close_matches(name, rules, n=1, cutoff=0)
            hint = f" The nearest name is {near[0]}." if near else ""
            raise RuleSetError(f"{path}: no rule file has this name.{hint} Rename it, or take it out of the folder.")
    return found


def _write_if_changed(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return
    # In one step: another process may read or compose the same folder now.
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_bytes(content)
    shutil.copystat(source, part)
    part.replace(target)
