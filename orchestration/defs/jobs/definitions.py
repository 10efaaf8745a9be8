"""Jobs, the schedule and the sensor. Schedule and sensor are off until someone switches them on."""

from __future__ import annotations

import dagster as dg

from orchestration.assets import APPLY_TAGS, INGEST_TAGS, PLAN_TAGS, PUBLISHED_SNAPSHOT, REPORT_SITE, SEEDS_GROUP

_STEP = "leadhouse/step"
ingested = dg.AssetSelection.tag(_STEP, INGEST_TAGS[_STEP]).materializable()
planned = dg.AssetSelection.tag(_STEP, PLAN_TAGS[_STEP])
applied = dg.AssetSelection.tag(_STEP, APPLY_TAGS[_STEP])
# Rules that only tests read (closed lists) lead to no mart and are loaded all the same.
built = dg.AssetSelection.assets(PUBLISHED_SNAPSHOT).upstream().materializable() | dg.AssetSelection.groups(SEEDS_GROUP)

ingest = dg.define_asset_job("ingest", ingested, description="Load every configured source.")
build = dg.define_asset_job("build", built - ingested, description="Build and test every model, then publish.")
ingest_and_build = dg.define_asset_job(
    "ingest_and_build", ingested | built, description="Load every configured source, build, test, publish."
)
publish = dg.define_asset_job(
    "publish", dg.AssetSelection.assets(PUBLISHED_SNAPSHOT), description="Publish the marts as they are."
)
site = dg.define_asset_job(
    "site", dg.AssetSelection.assets(REPORT_SITE), description="Build the report pages from the published snapshot."
)
crm_plan = dg.define_asset_job("crm_plan", planned, description="Plan every sync; no request is sent.")
crm_apply = dg.define_asset_job("crm_apply", applied, description="Apply the newest plan of every sync.")
crm_sync = dg.define_asset_job("crm_sync", planned | applied, description="Plan every sync and apply the plans.")

nightly = dg.ScheduleDefinition(
    name="nightly_ingest_and_build",
    job=ingest_and_build,
    cron_schedule="0 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every day at 04:00 UTC.",
)


@dg.sensor(
    name="crm_alerts",
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Tells somebody when a guard trips, the CRM refuses too much, or a sync fails or stalls.",
)
def crm_alerts() -> dg.SkipReason:
    """Looks at the operational store every five minutes (orchestration/alerts.py); starts no run."""
    from leadhouse.settings import load_settings
    from orchestration.alerts import tell

    told = tell(load_settings())
    return dg.SkipReason(
        f"{len(told.opened)} new, {len(told.repeated)} told again, {len(told.quiet)} open, {len(told.closed)} over"
    )


pages_after_publish = dg.AutomationConditionSensorDefinition(
    name="pages_after_publish",
    target=dg.AssetSelection.assets(REPORT_SITE),
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Builds the report pages after every green build.",
)

sync_after_green_build = dg.AutomationConditionSensorDefinition(
    name="sync_after_green_build",
    target=planned | applied,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Plans and applies every sync after a green build (orchestration/automation.py says when exactly).",
)
