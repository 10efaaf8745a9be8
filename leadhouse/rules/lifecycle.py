"""Stages, moves between them and what counts as evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from leadhouse.rules.files import (
    BOOLEAN,
    NUMBER,
    OPTIONAL,
    OPTIONAL_PATTERN,
    PRIORITY,
    TEXT,
    Check,
    Column,
    RuleProblem,
    Rules,
    Schema,
    known_rows,
    number_of,
    parts_of,
    values_of,
)

EVIDENCE_KINDS = (
    "capture",
    "touch",
    "sales_activity",
    "lead_status",
    "lifecycle_stage",
    "score_line",
    "opportunity",
)
SETTINGS: dict[str, tuple[str, ...]] = {}

SCHEMAS: dict[str, Schema] = {
    "lifecycle_stages": Schema(
        {
            "stage": TEXT,
            "stage_order": PRIORITY,
            "kind": Column(choices=("start", "stage", "end", "out")),
            "creates_in_crm": BOOLEAN,
            "label_en": TEXT,
            "label_pt": TEXT,
            "definition": TEXT,
        },
        ("stage",),
    ),
    "lifecycle_transitions": Schema(
        {
            "from_stage": OPTIONAL,
            "to_stage": TEXT,
            "direction": Column(choices=("forward", "out", "back")),
            "trigger": OPTIONAL,
            "reason": TEXT,
        },
        ("from_stage", "to_stage", "trigger"),
    ),
    "stage_thresholds": Schema(
        {
            "line_id": TEXT,
            "stage": TEXT,
            "min_fit_score": NUMBER,
            "min_engagement_score": NUMBER,
            "description": TEXT,
        },
        ("line_id",),
    ),
    "stage_triggers": Schema(
        {
            "trigger": TEXT,
            "stage": TEXT,
            "evidence_kind": Column(choices=EVIDENCE_KINDS),
            "evidence_values": OPTIONAL,
            "evidence_details": OPTIONAL,
            "must_follow": BOOLEAN,
            "description": TEXT,
        },
        ("trigger",),
    ),
    "deal_stage_rules": Schema(
        {
            "priority": PRIORITY,
            "source": TEXT,
            "pipeline_pattern": OPTIONAL_PATTERN,
            "stage_pattern": OPTIONAL_PATTERN,
            "stage_kind": Column(choices=("open", "won", "lost")),
            "lifecycle_stage": TEXT,
        },
        ("priority",),
    ),
}


def _check_lifecycle(rules: Rules) -> Iterator[RuleProblem]:
    yield from known_rows(rules, "lifecycle_transitions", "from_stage", "lifecycle_stages", "stage")
    yield from known_rows(rules, "lifecycle_transitions", "to_stage", "lifecycle_stages", "stage")
    yield from known_rows(rules, "lifecycle_transitions", "trigger", "stage_triggers", "trigger")
    yield from known_rows(rules, "stage_triggers", "stage", "lifecycle_stages", "stage")
    yield from known_rows(rules, "stage_thresholds", "stage", "lifecycle_stages", "stage")
    yield from known_rows(rules, "deal_stage_rules", "lifecycle_stage", "lifecycle_stages", "stage")
    if not {"lifecycle_stages", "lifecycle_transitions", "stage_triggers"} <= rules.keys():
        return
    yield from _check_transitions(rules)
    yield from _check_stage_graph(rules)
    yield from _check_triggers(rules)


def _check_transitions(rules: Rules) -> Iterator[RuleProblem]:
    file = "lifecycle_transitions.csv"
    stages = {row["stage"]: row for row in rules["lifecycle_stages"]}
    stage_of_trigger = {row["trigger"]: row["stage"] for row in rules["stage_triggers"]}
    for row in rules["lifecycle_transitions"]:
        before, after = stages.get(row["from_stage"]), stages.get(row["to_stage"])
        if after is None:
            continue
        if row["trigger"] in stage_of_trigger and stage_of_trigger[row["trigger"]] != row["to_stage"]:
            problem = f"the trigger '{row['trigger']}' is evidence for '{stage_of_trigger[row['trigger']]}'"
            yield RuleProblem(file, row.number, "trigger", problem, f"Use a trigger of the stage '{row['to_stage']}'")
        if (after["kind"] == "out") != (row["direction"] == "out"):
            fix = "Direction out leads to stages of kind out, and only there"
            yield RuleProblem(
                file, row.number, "direction", f"'{row['direction']}' to a stage of kind {after['kind']}", fix
            )
        if row["from_stage"] == row["to_stage"]:
            yield RuleProblem(file, row.number, "to_stage", "a stage that leads to itself", "Remove the row")
        orders = [number_of(stage["stage_order"]) for stage in (before, after) if stage is not None]
        if (
            before is not None
            and before["kind"] != "out"
            and row["direction"] == "forward"
            and orders[0] is not None
            and orders[1] is not None
            and orders[1] <= orders[0]
        ):
            fix = "Forward goes to a higher stage_order; use direction back"
            yield RuleProblem(
                file, row.number, "direction", f"forward from '{row['from_stage']}' to '{row['to_stage']}'", fix
            )


def _check_stage_graph(rules: Rules) -> Iterator[RuleProblem]:
    file = "lifecycle_stages.csv"
    rows = rules["lifecycle_stages"]
    starts = {row["to_stage"] for row in rules["lifecycle_transitions"] if not row["from_stage"]}
    kinds = [row["stage"] for row in rows if row["kind"] == "start"]
    if len(kinds) != 1:
        yield RuleProblem(
            file, None, "kind", f"{len(kinds)} stages of kind start", "Let exactly one stage be the start"
        )
    if starts != set(kinds):
        fix = "Give the start stage one transition with an empty from_stage, and no other stage"
        yield RuleProblem(
            "lifecycle_transitions.csv",
            None,
            "from_stage",
            f"journeys begin at {', '.join(sorted(starts)) or 'nothing'}",
            fix,
        )
    moves: dict[str, set[str]] = defaultdict(set)
    for row in rules["lifecycle_transitions"]:
        if row["from_stage"]:
            moves[row["from_stage"]].add(row["to_stage"])
    reached, waiting = set(starts), list(starts)
    while waiting:
        for stage in moves[waiting.pop()] - reached:
            reached.add(stage)
            waiting.append(stage)
    for row in rows:
        if row["stage"] not in reached:
            fix = "Add a transition that leads to it, or remove the stage"
            yield RuleProblem(file, row.number, "stage", f"nothing leads to '{row['stage']}'", fix)
        if row["kind"] in ("start", "stage") and not moves[row["stage"]]:
            fix = "Add a transition that leaves it, or give it the kind end or out"
            yield RuleProblem(file, row.number, "stage", f"'{row['stage']}' is a dead end", fix)


def _check_triggers(rules: Rules) -> Iterator[RuleProblem]:
    file = "stage_triggers.csv"
    triggered = values_of(rules, "stage_triggers", "stage")
    for row in rules["lifecycle_stages"]:
        if row["stage"] and row["stage"] not in triggered:
            fix = "Add a row for it to stage_triggers.csv"
            yield RuleProblem(
                "lifecycle_stages.csv", row.number, "stage", f"nothing is evidence for '{row['stage']}'", fix
            )
    known: dict[str, set[str]] = {
        "touch": values_of(rules, "touch_types", "touch_type"),
        "sales_activity": {"call", "meeting", "email", "email_reply", "task"},
        "opportunity": {"created", "won", "lost"},
        "score_line": values_of(rules, "stage_thresholds", "line_id"),
        "capture": {"record", "form_submission"},
    }
    for row in rules["stage_triggers"]:
        if row["evidence_kind"] == "touch" and not row["evidence_values"]:
            fix = "Name the touch types that count"
            yield RuleProblem(file, row.number, "evidence_values", "any touch at all would count", fix)
        allowed = known.get(row["evidence_kind"], set())
        for part in parts_of(row["evidence_values"]):
            if allowed and part not in allowed:
                fix = f"Use one of: {', '.join(sorted(allowed))}"
                yield RuleProblem(
                    file, row.number, "evidence_values", f"'{part}' is no {row['evidence_kind']} that is recorded", fix
                )


CHECKS: tuple[Check, ...] = (_check_lifecycle,)
