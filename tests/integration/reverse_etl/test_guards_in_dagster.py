"""A guard stops Dagster's apply step until its run says ``approve``; a past day's values are never sent by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg
import duckdb
import pytest
from writeback_portal import Project
from writeback_worlds import CONTACTS_SYNC

import orchestration.syncing
from orchestration.assets import apply_key, plan_key
from orchestration.components.crm_sync import GUARD_CHECK, CrmSyncComponent, synced_models

META = {"sync_contacts": {"sync": {**CONTACTS_SYNC, "guards": {"max_changes": 1}}}}
Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def contacts(project: Project) -> list[str]:
    """Two contacts in the portal, whose scores are wanted: one more change than the guard lets through."""
    return project.portal.create("contacts", [{"email": f"guard{i}{project.folder.name}@acme.com"} for i in range(2)])


@pytest.fixture
def run(project: Project, contacts: list[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs steps of the sync's own assets with this installation's settings."""
    publish(project, contacts)
    monkeypatch.setenv("LEADHOUSE_DATA_DIR", str(project.folder))
    monkeypatch.setenv("LEADHOUSE_PUBLISHED_DIR", str(project.folder))
    monkeypatch.setenv("LEADHOUSE_OPS_URL", project.ops_url)
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_BASE_URL", project.portal.url)
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_TOKEN", project.portal.token)
    monkeypatch.setattr(orchestration.syncing, "prepared_manifest", lambda: project.manifest)
    node = {
        "name": "sync_contacts", "resource_type": "model", "description": "", "fqn": [],
        "config": {"schema": "marts", "meta": META["sync_contacts"]},
    }  # fmt: skip
    assert synced_models({"nodes": {"x": node}}) == [node]
    component = CrmSyncComponent()
    assets = [component._plan(node), component._apply(node)]
    instance = dg.DagsterInstance.ephemeral()

    def materialize(key: dg.AssetKey, *, tags: dict[str, str] | None = None, **config: Any) -> Any:
        options = {"ops": {"crm_apply__sync_contacts": {"config": config}}} if config else None
        return dg.materialize(
            assets, selection=[key], instance=instance, tags=tags, run_config=options, raise_on_error=False
        )

    return materialize


def publish(project: Project, record_ids: list[str], as_of: datetime | None = None) -> None:
    wanted = [
        {"sync_key": f"k{i}", "record_id": record_id, "lead_score": 5, "is_opted_out": False}
        for i, record_id in enumerate(record_ids)
    ]
    project.publish(meta=META, contacts=wanted, observed_contacts={record_id: {} for record_id in record_ids})
    file = project.current.resolve()
    with duckdb.connect(str(file)) as connection:
        connection.execute("update marts.published_build set as_of_at = ?", [as_of or datetime.now()])


def scores(project: Project, record_ids: list[str]) -> list[str | None]:
    return [project.portal.held("contacts", record_id).get("leadhouse_score") for record_id in record_ids]


def test_a_tripped_guard_stops_the_step_until_somebody_approves(
    run: Run, project: Project, contacts: list[str]
) -> None:
    planned = run(plan_key("sync_contacts"))
    (check,) = planned.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == (GUARD_CHECK, False)
    assert "max_changes = 1" in str(check.description)
    assert not run(apply_key("sync_contacts")).success
    assert scores(project, contacts) == [None, None]
    approved = run(apply_key("sync_contacts"), approve=True)
    assert approved.success
    assert scores(project, contacts) == ["5", "5"]
    (event,) = approved.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert (metadata["written"].value, metadata["rejected"].value) == (2, 0)


def test_values_of_a_past_day_are_not_sent_by_itself(run: Run, project: Project, contacts: list[str]) -> None:
    publish(project, contacts[:1], as_of=datetime(2026, 1, 1))
    assert run(plan_key("sync_contacts")).success
    by_sensor = {"dagster/from_automation_condition": "true"}
    assert not run(apply_key("sync_contacts"), tags=by_sensor).success
    assert scores(project, contacts[:1]) == [None]
    assert run(apply_key("sync_contacts"), tags=by_sensor, approve=True).success
    assert scores(project, contacts[:1]) == ["5"]


def test_values_of_today_are_sent_by_itself(run: Run, project: Project, contacts: list[str]) -> None:
    publish(project, contacts[:1])
    assert run(plan_key("sync_contacts")).success
    assert run(apply_key("sync_contacts"), tags={"dagster/from_automation_condition": "true"}).success
    assert scores(project, contacts[:1]) == ["5"]
