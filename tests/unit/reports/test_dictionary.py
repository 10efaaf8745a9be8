"""The data dictionary, from a small manifest: what a table is made of, who reads it, and links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reports.dictionary import public_tables, write_dictionary


def model(name: str, folder: str, columns: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "original_file_path": f"models/{folder}/{name}.sql",
        "description": f"What {name} holds & how.",
        "columns": {
            column: {"name": column, "data_type": "varchar", "description": text}
            for column, text in (columns or {}).items()
        },
    }


def data_test(kind: str, on: str, column: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "resource_type": "test",
        "original_file_path": f"models/marts/_{on}.yml",
        "column_name": column,
        "attached_node": f"model.leadhouse.{on}",
        "test_metadata": {"name": kind, "kwargs": arguments},
    }


@pytest.fixture
def manifest() -> dict[str, Any]:
    parents = {
        "model.leadhouse.stg_crm__deals": ["source.leadhouse.raw_crm.deals"],
        "model.leadhouse.int_deals": ["model.leadhouse.stg_crm__deals", "seed.leadhouse.stages"],
        "model.leadhouse.fct_deals": ["model.leadhouse.int_deals"],
        "model.leadhouse.mart_won": ["model.leadhouse.fct_deals"],
        "exposure.leadhouse.board": ["model.leadhouse.mart_won"],
    }
    children: dict[str, list[str]] = {key: [] for key in parents}
    for child, above in parents.items():
        for parent in above:
            children.setdefault(parent, []).append(child)
    return {
        "nodes": {
            "model.leadhouse.stg_crm__deals": model("stg_crm__deals", "staging/crm"),
            "model.leadhouse.int_deals": model("int_deals", "intermediate/deals"),
            "model.leadhouse.fct_deals": model("fct_deals", "marts/core", {"deal_id": "Key.", "stage": "Stage <now>."}),
            "model.leadhouse.mart_won": model("mart_won", "marts/reporting", {"deal_id": "Key."}),
            "test.1": data_test("unique", "fct_deals", "deal_id", {}),
            "test.2": data_test("not_null", "fct_deals", "deal_id", {}),
            "test.3": data_test("accepted_values", "fct_deals", "stage", {"values": ["open", "won"]}),
            "test.4": data_test("relationships", "mart_won", "deal_id", {"to": "ref('fct_deals')", "field": "deal_id"}),
        },
        "exposures": {"exposure.leadhouse.board": {"label": "The board's page"}},
        "parent_map": parents,
        "child_map": children,
    }


def test_a_table_tells_what_it_is_made_of_and_who_uses_it(manifest: dict[str, Any]) -> None:
    deals, won = public_tables(manifest)
    assert (deals.name, deals.area, deals.parents, deals.children) == (
        "fct_deals",
        "core",
        ("int_deals",),
        ("mart_won",),
    )
    assert won.sources == ("raw_crm.deals",)
    assert won.rules == ("stages",)
    assert won.users == ("The board's page",)
    assert deals.users == ()


def test_tests_are_told_in_words(manifest: dict[str, Any]) -> None:
    deals, won = public_tables(manifest)
    assert {column.name: column.tests for column in deals.columns} == {
        "deal_id": ("not null", "unique"),
        "stage": ("one of open, won",),
    }
    assert won.columns[0].tests == ("found in fct_deals.deal_id",)


def test_every_link_leads_somewhere(manifest: dict[str, Any], tmp_path: Path) -> None:
    assert write_dictionary(manifest, tmp_path) == 2
    pages = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.glob("*.html")}
    assert pages.keys() == {"index.html", "core.html", "reporting.html"}
    assert "Stage &lt;now&gt;." in pages["core.html"]
    for name, text in pages.items():
        for target in re.findall(r'href="([^"]+)"', text):
            file, _, anchor = target.partition("#")
            if file in ("lineage.html", "style.css") or target.startswith("data:"):
                continue
            assert not anchor or f'id="{anchor}"' in pages[file or name], target
