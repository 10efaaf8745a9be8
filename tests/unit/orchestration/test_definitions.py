from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion.schemas import RAW_TABLES
from orchestration.assets import (
    APPLY_TAGS,
    INGEST_TAGS,
    PLAN_TAGS,
    PUBLISHED_SNAPSHOT,
    REPORT_SITE,
    apply_key,
    plan_key,
)
from orchestration.components.crm_sync import synced_models
from orchestration.components.dbt_build import attach_tests
from orchestration.components.ingest import IngestComponent, load_metadata
from orchestration.errors import OrchestrationError
from orchestration.loading import SOURCES
from orchestration.manifest import project_fingerprint, read_manifest

#: Written by every loader or by the clock: not loaded by an op of their own.
NOT_LOADED = {"raw_quarantine.records", "raw_ops.ingest_loads"}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.Definitions]:
    """Everything, with every source configured."""
    folder = tmp_path_factory.mktemp("definitions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADHOUSE_DATA_DIR", str(folder))
        patch.setenv("LEADHOUSE_HUBSPOT_BASE_URL", "http://127.0.0.1:1")
        patch.setenv("LEADHOUSE_SALESFORCE_LOGIN_URL", "http://127.0.0.1:1")
        for name in ("EVENTS_DIR", "ADS_DIR", "ENRICHMENT_DIR", "MAPPINGS"):
            patch.setenv(f"LEADHOUSE_{name}", str(folder))
        from orchestration.definitions import defs

        yield defs()


def specs_by_key(definitions: dg.Definitions) -> dict[dg.AssetKey, dg.AssetSpec]:
    return {spec.key: spec for spec in definitions.resolve_all_asset_specs()}


def test_every_raw_table_is_loaded_by_one_op(definitions: dg.Definitions) -> None:
    loaded = [key for key, spec in specs_by_key(definitions).items() if INGEST_TAGS.items() <= dict(spec.tags).items()]
    assert sorted(".".join(key.path) for key in loaded) == sorted(set(RAW_TABLES) - NOT_LOADED)


def test_every_model_is_an_asset_with_its_tests_as_checks(definitions: dg.Definitions) -> None:
    nodes = read_manifest()["nodes"].values()
    built = {node["name"] for node in nodes if node["resource_type"] in ("model", "seed", "snapshot")}
    specs = specs_by_key(definitions)
    assert built <= {key.path[-1] for key in specs}
    tests = {node["name"] for node in nodes if node["resource_type"] == "test"}
    checks = {key.name for key in definitions.resolve_asset_graph().asset_check_keys}
    assert tests <= checks


def test_the_snapshot_is_downstream_of_every_mart_and_every_raw_table_they_read(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    marts = {key for key in graph.get_all_asset_keys() if key.path[0] == "marts"}
    upstream = dg.AssetSelection.assets(PUBLISHED_SNAPSHOT).upstream().resolve(graph)
    assert marts <= upstream
    assert dg.AssetKey(["raw_hubspot", "contacts"]) in upstream


def test_every_synced_model_has_a_plan_and_an_apply(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    models = [str(node["name"]) for node in synced_models(read_manifest())]
    assert models
    for model in models:
        assert PUBLISHED_SNAPSHOT in graph.get(plan_key(model)).parent_keys
        assert graph.get(apply_key(model)).parent_keys == {plan_key(model)}
        assert dict(graph.get(plan_key(model)).tags).items() >= PLAN_TAGS.items()
        assert dict(graph.get(apply_key(model)).tags).items() >= APPLY_TAGS.items()
        assert graph.get(plan_key(model)).automation_condition is not None


def test_whoever_writes_takes_a_slot(definitions: dg.Definitions) -> None:
    pools: dict[str, set[str | None]] = {}
    for assets in definitions.assets or ():
        if isinstance(assets, dg.AssetsDefinition) and assets.is_executable:
            kind = assets.op.name.split("_")[0]
            pools.setdefault(kind, set()).add(assets.op.pool)
    assert pools["ingest"] == pools["dbt"] == {"warehouse"}
    assert pools["published"] == {"warehouse", None}, "the snapshot is written, the pages only read it"
    assert pools["crm"] == {None, "crm_api"}, "a plan takes no slot, an apply does"


def test_jobs_and_nothing_runs_by_itself(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    for job in ("ingest", "build", "publish", "ingest_and_build", "site", "crm_plan", "crm_apply", "crm_sync"):
        assert repository.get_job(job).executor_def.name == "in_process"
    assert {s.default_status for s in repository.schedule_defs} == {dg.DefaultScheduleStatus.STOPPED}
    assert {s.default_status for s in repository.sensor_defs} == {dg.DefaultSensorStatus.STOPPED}


def test_the_pages_are_built_from_the_snapshot_alone(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert graph.get(REPORT_SITE).parent_keys == {PUBLISHED_SNAPSHOT}
    assert REPORT_SITE not in definitions.resolve_job_def("build").asset_layer.selected_asset_keys


def test_sources_have_freshness_policies(definitions: dg.Definitions) -> None:
    specs = specs_by_key(definitions)
    for table in ("raw_hubspot.contacts", "raw_events.events", "raw_ads.spend", "raw_enrichment.companies"):
        assert specs[dg.AssetKey(table.split("."))].freshness_policy is not None


def test_an_unconfigured_source_is_shown_but_cannot_run(own_settings: Path) -> None:
    from orchestration.definitions import defs

    graph = defs().resolve_asset_graph()
    contacts = graph.get(dg.AssetKey(["raw_hubspot", "contacts"]))
    assert not contacts.is_materializable
    assert "LEADHOUSE_HUBSPOT_BASE_URL" in (contacts.description or "")


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"source": "hubspott", "dataset": "raw_hubspot"}, "source 'hubspott' does not exist"),
        ({"source": "hubspot", "dataset": "raw_hubspot", "group": "crm"}, "group 'crm' does not exist"),
        ({"source": "events", "dataset": "raw_events", "table": "evnts"}, "raw_events.evnts is not a table"),
    ],
)
def test_a_wrong_defs_yaml_says_what_is_wrong(attributes: dict[str, str], said: str) -> None:
    source = attributes["source"]
    group = attributes.get("group") or next(iter(SOURCES[source].groups if source in SOURCES else ()), "all")
    component = IngestComponent(
        source=source,
        dataset=attributes["dataset"],
        groups=[{"name": group, "tables": [attributes.get("table", "contacts")]}],  # type: ignore[list-item]
    )
    with pytest.raises(OrchestrationError, match=said):
        component._check_names()


def test_a_test_over_several_models_is_shown_at_the_last_of_them() -> None:
    manifest: dict[str, Any] = {
        "nodes": {
            "test.p.sums": {"depends_on": {"nodes": ["model.p.a", "model.p.c", "source.p.r.t"]}},
            "test.p.attached": {"depends_on": {"nodes": ["model.p.a", "model.p.c"]}, "attached_node": "model.p.a"},
        },
        "parent_map": {"model.p.a": ["source.p.r.t"], "model.p.b": ["model.p.a"], "model.p.c": ["model.p.b"]},
    }
    nodes = attach_tests(manifest)["nodes"]
    assert nodes["test.p.sums"]["attached_node"] == "model.p.c"
    assert nodes["test.p.attached"]["attached_node"] == "model.p.a"


def test_the_fingerprint_sees_any_change(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.sql").write_text("select 1")
    (tmp_path / "dbt_project.yml").write_text("name: p")
    (tmp_path / "profiles.yml").write_text("p: {}")
    before = project_fingerprint(tmp_path)
    assert project_fingerprint(tmp_path) == before
    (tmp_path / "models" / "b.sql").write_text("select 2")
    assert project_fingerprint(tmp_path) != before


def test_nothing_loaded_is_still_a_row_count() -> None:
    assert load_metadata([], 7) == {
        "dagster/row_count": 7,
        "rows_read": 0,
        "rows_loaded": 0,
        "rejected": 0,
        "requests": 0,
        "seconds": 0.0,
    }


def test_groups_of_a_source_are_those_of_its_loader() -> None:
    import ingestion.hubspot
    import ingestion.salesforce

    assert set(SOURCES["hubspot"].groups) == set(ingestion.hubspot.GROUPS)
    assert set(SOURCES["salesforce"].groups) == set(ingestion.salesforce.GROUPS)


def test_a_part_that_was_not_chosen_is_shown_and_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_GROUPS", "marketing")
    groups = [
        {"name": "marketing", "tables": ["forms", "form_submissions"]},
        {"name": "lists", "tables": ["lists", "list_memberships"]},
    ]
    component = IngestComponent(source="hubspot", dataset="raw_hubspot", groups=groups)
    made = component.build_defs(dg.ComponentTree.for_test().load_context)
    run = {key.path[-1] for one in made.assets or () if isinstance(one, dg.AssetsDefinition) for key in one.keys}
    shown = {one.key.path[-1]: one.description for one in made.assets or () if isinstance(one, dg.AssetSpec)}
    assert run == {"forms", "form_submissions"}
    assert set(shown) == {"lists", "list_memberships"}
    assert "name other parts only" in str(shown["lists"])
