"""Commands that try rules: check them, recompute a past day under them, compare them with the rules in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leadhouse.settings import Settings, load_settings

RulesOption = Annotated[
    Path | None, typer.Option("--rules", help="Folder of changed rule files (whole CSV files), laid over the seeds.")
]


def check_rules_command(rules: RulesOption = None) -> None:
    """Check the seeds that marketing owns: file, row, field, problem, what to do."""
    from leadhouse.display import console
    from orchestration.dbt_run import refuse_bad_rules

    seeds = rules_folder(load_settings(), rules)
    refuse_bad_rules(seeds)
    console.print(f"{len(list(seeds.rglob('*.csv')))} seed files, no problem found.")


def rules_folder(settings: Settings, rules: Path | None) -> Path:
    """The composed folder of ``--rules``, or that of the rules in force."""
    return settings.seeds_dir if rules is None else settings.composed_rules(rules.resolve())
