"""``python -m leadhouse.rule_change``: what a change of rules would do, on the sample world; CI prints it.

Rules of the commit that the change starts from are the rules in force, those of the working tree the changed ones; code
is today's for both. It says so and ends well where there is nothing to compare: no history, no rule changed, old rules
that today's checks refuse. Only an error of its own fails a build, never what a change would do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from leadhouse.settings import PRESETS_DIR, PROJECT_DIR, Settings, load_settings

_DAYS = 90


@dataclass(frozen=True)
class RuleChange:
    """Rule files that differ between a commit and the working tree, from the project's folder (``seeds/x.csv``)."""

    commit: str
    files: tuple[str, ...]

    def names(self, folder: str) -> tuple[str, ...]:
        """File names below one folder."""
        return tuple(name.removeprefix(f"{folder}/") for name in self.files if name.startswith(f"{folder}/"))

    @property
    def presets(self) -> tuple[str, ...]:
        """Presets of which a file differs."""
        return tuple(sorted({name.split("/")[1] for name in self.files if name.startswith("presets/")}))


def find_change(project: Path, base: str | None) -> RuleChange | None:
    """The rule files that a change touches.

    Args:
        project: a git working tree.
        base: the commit or branch to compare with; by default where this branch left ``origin/main``, or else the
            commit before this one.

    Returns:
        None where there is no history to compare with.
    """
    if base is None:
        head = _git(project, "rev-parse", "HEAD")
        base = _git(project, "merge-base", "HEAD", "origin/main")
        if base is None or base == head:
            base = "HEAD~1"
    commit = _git(project, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
    if commit is None:
        return None
    listed = _git(project, "diff", "--name-only", "--no-renames", commit, "--", "seeds/*.csv", "presets/*.csv") or ""
    return RuleChange(commit, tuple(sorted(listed.splitlines())))


def write_sides(project: Path, change: RuleChange, folder: str, before: Path, after: Path) -> None:
    """Writes what the changed files of a folder were and are. A file of one side only is left out there."""
    for side in (before, after):
        side.mkdir(parents=True)
    for name in change.names(folder):
        old = subprocess.run(
            ["git", "show", f"{change.commit}:{folder}/{name}"], cwd=project, capture_output=True, check=False
        )
        new = project / folder / name
        # A rule file that came or went has no counterpart to be laid over.
        if old.returncode == 0 and (new.is_file() or folder != "seeds"):
            (before / name).write_bytes(old.stdout)
        if new.is_file():
            (after / name).write_bytes(new.read_bytes())


def _git(project: Path, *arguments: str) -> str | None:
    """What git answers; None where it cannot (no repository, no such commit, no git)."""
    try:
        done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def main() -> int:
    """Prints the comparison; returns the exit code."""
    change = find_change(PROJECT_DIR, os.environ.get("BASE_REF") or None)
    if change is None:
        print("What-if: no commit to compare with.")
        return 0
    if not change.files:
        print(f"What-if: no rule differs from {change.commit[:12]}.")
        return 0
    print(f"What-if: {', '.join(change.files)} differ from {change.commit[:12]}.")
    with tempfile.TemporaryDirectory(prefix="leadhouse-whatif-") as name:
        return _compare(change, Path(name), load_settings().data_dir / "world" / "small")


def _compare(change: RuleChange, folder: Path, world: Path) -> int:
    from orchestration.errors import RulesRefused

    before, after = folder / "before", folder / "after"
    write_sides(PROJECT_DIR, change, "seeds", before / "seeds", after / "seeds")
    os.environ |= {"LEADHOUSE_DATA_DIR": str(folder / "data"), "DBT_TARGET_PATH": str(folder / "target")}
    for setting in ("WAREHOUSE_PATH", "PUBLISHED_DIR", "OPS_URL", "PRESET", "RULES_DIR", "MAPPINGS"):
        os.environ.pop(f"LEADHOUSE_{setting}", None)
    os.environ["LEADHOUSE_RULES_DIR"] = str(before / "seeds")
    settings = load_settings()
    try:
        _build(settings, world, folder)
    except RulesRefused as refused:
        print(f"The rules of {change.commit[:12]} do not fit today's checks, so nothing is compared. {refused}")
        return 0
    pairs = []
    if change.names("seeds"):
        pairs.append(("Seeds", [before / "seeds"], [before / "seeds", after / "seeds"]))
    for preset in change.presets:
        old, new = before / "presets" / preset, after / "presets" / preset
        write_sides(PROJECT_DIR, change, f"presets/{preset}", old, new)
        if any(old.iterdir()) and any(new.iterdir()):
            whole = PRESETS_DIR / preset
            pairs.append((f"Preset {preset}", [before / "seeds", whole, old], [before / "seeds", whole, new]))
        else:
            print(f"Preset {preset} is new or gone: nothing to compare it with.")
    for title, one, other in pairs:
        _show(settings, title, one, other)
    return 0


def _build(settings: Settings, world_folder: Path, folder: Path) -> None:
    """The sample world, loaded and built once under the rules as they were."""
    from ingestion.clock import set_clock
    from leadhouse.sandbox_process import ensure_world, running_sandbox
    from orchestration.dbt_run import refuse_bad_rules, run_dbt
    from orchestration.progress import current_progress
    from orchestration.runs import run_job

    refuse_bad_rules(settings.seeds_dir)
    world, _ = ensure_world("small", world_folder)
    for kind in ("events", "ads", "enrichment"):
        os.environ[f"LEADHOUSE_{kind.upper()}_DIR"] = str(world.folder / kind)
    set_clock(settings.warehouse, world.as_of)
    with running_sandbox(world.folder, folder / "sandbox.sqlite") as sandbox:
        os.environ["LEADHOUSE_HUBSPOT_BASE_URL"] = sandbox.url
        os.environ["LEADHOUSE_HUBSPOT_TOKEN"] = sandbox.token
        run_job("ingest", current_progress())
    for _ in run_dbt(["build", "--resource-type", "seed", "--resource-type", "model"]):
        pass


def _show(settings: Settings, title: str, before: list[Path], after: list[Path]) -> None:
    from leadhouse.display import console
    from leadhouse.replay_commands import show_whatif
    from orchestration.whatif import run_whatif

    console.rule(f"{title}: what would change on the sample world")
    show_whatif(run_whatif(settings, before, after, days=_DAYS), show_people=False)


if __name__ == "__main__":
    sys.exit(main())
