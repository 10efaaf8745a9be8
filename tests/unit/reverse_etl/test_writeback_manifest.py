"""A mistake in a sync's YAML names the model, the file and the key."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from writeback_worlds import CONTACTS_SYNC, HOT_LIST, write_manifest

from reverse_etl.errors import ManifestError
from reverse_etl.manifest import ListSpec, SyncSpec, load_specs

FILE = "models/marts/activation/_activation__marts.yml"


def test_syncs_come_before_lists(tmp_path: Path) -> None:
    found = load_specs(write_manifest(tmp_path / "manifest.json"))
    assert [spec.model for spec in found] == ["sync_companies", "sync_contacts", "list_hot"]
    contacts, hot = found[1], found[2]
    assert isinstance(contacts, SyncSpec)
    assert contacts.mode == "upsert"
    assert contacts.relation == '"marts"."sync_contacts"'
    assert contacts.file == FILE
    assert isinstance(hot, ListSpec)
    assert hot.name == "Leadhouse: hot"


def test_only_keeps_the_named_and_refuses_the_unknown(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "manifest.json")
    assert [spec.model for spec in load_specs(path, only="list_hot")] == ["list_hot"]
    with pytest.raises(
        ManifestError, match=r"sync_deals: no such sync or list .* known: sync_companies, sync_contacts"
    ):
        load_specs(path, only=["sync_deals"])


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(CONTACTS_SYNC), **changes}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (changed(mode="replace"), "config.meta.sync.mode: Input should be 'update' or 'upsert' .got 'replace'."),
        (changed(match_on=None), "config.meta.sync: mode 'upsert' needs match_on"),
        (changed(field=[]), "config.meta.sync.field: unknown key; remove it or correct its spelling"),
        (changed(fields=[{"column": "a"}]), r"config.meta.sync.fields\[0\].property: is missing; add it"),
        (changed(consent={"column": "c", "rule": "maybe"}), "unknown consent rule 'maybe': use one of not_opted_out"),
        (
            changed(object="tickets"),
            "config.meta.sync: hubspot has no object 'tickets': use one of contacts, companies",
        ),
        (changed(destination="pipedrive"), "config.meta.sync.destination: unknown destination 'pipedrive': there are"),
        (changed(guards={"max_null_share": 50}), "config.meta.sync.guards.max_null_share: .* less than or equal to 1"),
        (changed(model="other"), "config.meta.sync.model: unknown key"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, block: dict[str, Any], message: str) -> None:
    path = write_manifest(tmp_path / "manifest.json", meta={"sync_contacts": {"sync": block}})
    with pytest.raises(ManifestError, match=message) as caught:
        load_specs(path)
    assert str(caught.value).startswith(f"{FILE}: model sync_contacts: ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": "theirs"}, "unknown policy 'theirs': use one of fill_empty, forward_only, human_wins, ours"),
        ({"property": "Lead Score"}, "'Lead Score' is not a property name of hubspot"),
        ({"property": "jobtitle"}, "property 'jobtitle' is named twice"),
        ({"type": "enumeration"}, "property 'leadhouse_score' is an enumeration: name its options"),
    ],
)
def test_mistakes_in_a_field_are_named(tmp_path: Path, change: dict[str, str], message: str) -> None:
    block = copy.deepcopy(CONTACTS_SYNC)
    block["fields"][0].update(change)
    path = write_manifest(tmp_path / "manifest.json", meta={"sync_contacts": {"sync": block}})
    with pytest.raises(ManifestError, match=message):
        load_specs(path)


def test_two_syncs_may_not_own_one_property(tmp_path: Path) -> None:
    meta = {"sync_a": {"sync": CONTACTS_SYNC}, "sync_b": {"sync": CONTACTS_SYNC}}
    with pytest.raises(ManifestError, match=r"model sync_b: .*'leadhouse_score' of contacts already belongs to sync_a"):
        load_specs(write_manifest(tmp_path / "manifest.json", meta=meta))


def test_a_missing_or_broken_manifest_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="run `dbt parse`"):
        load_specs(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"nodes": {')
    with pytest.raises(ManifestError, match=r"half.json: not a readable dbt manifest"):
        load_specs(tmp_path / "half.json")


def test_a_block_that_is_no_block(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "manifest.json", meta={"list_hot": {"list": HOT_LIST, "sync": "yes"}})  # type: ignore[dict-item]
    with pytest.raises(ManifestError, match=r"config.meta.sync: must be a block of keys, not str"):
        load_specs(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("purpose", None, r"model list_hot: config.meta.list.purpose: is missing; add it"),
        ("purpose", "", r"config.meta.list.purpose: .*at least 1 character"),
        ("consent", None, r"model list_hot: config.meta.list.consent: is missing; add it"),
        ("consent", {"column": "is_opted_out", "rule": "anything"}, r"unknown consent rule 'anything'"),
        ("owner", None, r"config.meta.list.owner: is missing; add it"),
    ],
)
def test_a_list_says_what_it_is_for_and_whom_it_keeps_off(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    block = {**HOT_LIST, key: value}
    if value is None:
        del block[key]
    path = write_manifest(tmp_path / "manifest.json", meta={"list_hot": {"list": block}})
    with pytest.raises(ManifestError, match=message):
        load_specs(path)


def test_a_field_says_what_its_column_says_unless_it_has_words_of_its_own(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "manifest.json", meta={"sync_contacts": {"sync": CONTACTS_SYNC}})
    manifest = json.loads(path.read_text(encoding="utf-8"))
    node = manifest["nodes"]["model.leadhouse.sync_contacts"]
    node["columns"] = {
        "lead_score": {"name": "lead_score", "description": "Fit plus engagement."},
        "lead_grade": {"name": "lead_grade", "description": "A (work now) to D."},
    }
    path.write_text(json.dumps(manifest), encoding="utf-8")
    spec = load_specs(path)[0]
    assert isinstance(spec, SyncSpec)
    told = {field.property: field.description for field in spec.fields}
    assert told["leadhouse_score"] == "points"
    assert told["leadhouse_grade"] == "A (work now) to D."
    assert told["leadhouse_stage_since"] == ""
