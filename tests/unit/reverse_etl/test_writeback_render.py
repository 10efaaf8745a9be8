"""Plans as data and Markdown: the numbers agree, people's data is masked."""

from __future__ import annotations

import json
from decimal import Decimal

from writeback_worlds import plan_of, planning_connection

from reverse_etl.manifest import Spec
from reverse_etl.plan import plan_from_row
from reverse_etl.render import example_rows, mask, plan_rows, reason_rows


def people() -> list[dict[str, object]]:
    return [
        {"sync_key": f"k{i}", "record_id": None, "email": f"ana.lima{i}@acme.example", "is_opted_out": i == 3,
         "lead_score": Decimal(5), "lead_grade": "A|B"}
        for i in range(4)
    ]  # fmt: skip


def test_markdown_masks_people_and_keeps_its_columns(specs: dict[str, Spec]) -> None:
    plan, _ = plan_of(planning_connection(contacts=people()), [specs["sync_contacts"]])
    text = plan.to_markdown()
    assert "ana.lima" not in text
    assert "a***@acme.example" in text
    assert "A\\|B" in text
    table = [line for line in text.splitlines() if line.startswith("| sync_contacts")]
    assert table[0].startswith("| sync_contacts | contacts | 3 | 0 |")
    assert mask("write to ana.lima+x@acme.example, please") == "write to a***@acme.example, please"


def test_rows_for_tables(specs: dict[str, Spec]) -> None:
    plan, _ = plan_of(planning_connection(contacts=people()), [specs["sync_contacts"]])
    assert plan_rows(plan)[0]["create"] == 3
    assert {row["outcome"] for row in example_rows(plan)} == {"create"}
    assert reason_rows(plan) == [{"sync": "sync_contacts", "outcome": "suppressed", "reason": "opted out", "rows": 1}]


def test_a_stored_plan_is_the_plan_that_was_made(specs: dict[str, Spec]) -> None:
    plan, _ = plan_of(planning_connection(contacts=people(), hot=["1"]), [specs["sync_contacts"], specs["list_hot"]])
    row = {name: getattr(plan, name) for name in vars(plan) if name != "syncs"}
    assert plan_from_row({**row, "summary": plan.summary_json()}) == plan
    told = json.loads(json.dumps(plan.to_dict()))
    assert told["counts"]["creates"] == 3
    assert told["counts"]["changes"] == plan.changes == sum(sync["counts"]["create"] for sync in told["syncs"])
