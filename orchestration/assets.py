"""How things are named in Dagster: asset keys and groups, said once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import dagster as dg

#: Tags that the jobs select by.
INGEST_TAGS = {"leadhouse/step": "ingest"}
PLAN_TAGS = {"leadhouse/step": "plan"}
APPLY_TAGS = {"leadhouse/step": "apply"}

#: The rules, from whatever folder they are read.
SEEDS_GROUP = "seeds"

PUBLISHED_SNAPSHOT = dg.AssetKey(["published", "snapshot"])
REPORT_SITE = dg.AssetKey(["published", "site"])


def raw_key(dataset: str, table: str) -> dg.AssetKey:
    """A raw table: the key dagster-dbt gives to the dbt source of the same name."""
    return dg.AssetKey([dataset, table])


def model_key(node: Mapping[str, Any]) -> dg.AssetKey:
    """A dbt model, seed or snapshot: the key dagster-dbt gives it, ``[schema, name]``."""
    schema = node["config"].get("schema")
    return dg.AssetKey([schema, node["name"]] if schema else [node["name"]])


def plan_key(model: str) -> dg.AssetKey:
    """The plan of one sync or list model."""
    return dg.AssetKey(["crm_plan", model])


def apply_key(model: str) -> dg.AssetKey:
    """What applying the plan of one sync or list model did."""
    return dg.AssetKey(["crm_apply", model])


def asset_group(node: Mapping[str, Any]) -> str:
    """A dbt node's group: its first two folders under ``models/``, or ``seeds``."""
    if node["resource_type"] == "seed":
        return SEEDS_GROUP
    parts = PurePosixPath(node["original_file_path"]).parts
    folders = parts[1:-1] if parts[0] == "models" else parts[:1]
    return "_".join(folders[:2]) or parts[0]
