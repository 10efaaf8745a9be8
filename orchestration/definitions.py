"""Dagster's entry point: everything under ``defs/`` is loaded, runs use one process."""

from __future__ import annotations

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, jobs, schedules and sensors. The default executor is in-process: dbt is bound by one core, the
    warehouse has one writer, and a process per step costs seconds each."""
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
        dg.Definitions(executor=dg.in_process_executor),
    )
