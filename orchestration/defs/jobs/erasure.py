"""The erasure of a person as a job, so that it waits for its turn at the warehouse like every other writer.

Its configuration is the erasure's id alone: who is erased stands in the dossier, not in Dagster's history.
"""

import dagster as dg

from leadhouse.settings import load_settings
from orchestration import pools
from orchestration.erasure import carry_out
from orchestration.erasure_places import places_of
from orchestration.progress import current_progress


class ErasureConfig(dg.Config):
    """Which erasure to carry out."""

    erasure_id: str


@dg.op(pool=pools.WAREHOUSE, description="Remove a person from raw to marts, snapshots, replays and ledgers.")
def erase_person(context: dg.OpExecutionContext, config: ErasureConfig) -> None:
    """Carries an erasure out that was begun; repeats nothing that is done, leaves nothing out."""
    progress = current_progress()
    progress.start("erasure", None)
    report = carry_out(
        places_of(load_settings()), config.erasure_id, lambda step: context.log.info(f"{config.erasure_id}: {step}")
    )
    progress.finish("erasure")
    context.add_output_metadata({
        "rows": sum(report.counts.values()),
        "places": dg.MetadataValue.json(report.counts),
        "crm_records_to_delete": report.crm_deletions,
        "named_in_rules": len(report.named_in_rules),
        "files_left": len(report.left),
    })  # fmt: skip


@dg.job(description="Remove a person who asked for it (leadhouse erase).")
def erase() -> None:
    """One step, in the warehouse's pool."""
    erase_person()
