"""Stages, moves between them and what counts as evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from leadhouse.rules.files import (
    BOOLEAN,
    NUMBER,
    OPTIONAL,
    OPTIONAL_PATTERN,
    PRIORITY,
    TEXT,
    Check,
    Column,
    Row,
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
    "intent",
    "score_left",
    "inactivity",
)
#: Stages of these kinds lie on the way; the others beside it (aside) or off it (out).
ON_THE_WAY = ("start", "stage", "end")
SETTINGS: dict[str, tuple[str, ...]] = {}
_PERCENT = Column("number", minimum=Decimal(0), maximum=Decimal(100))

SCHEMAS: dict[str, Schema] = {
    "lifecycle_stages": Schema(
        {
            "stage": TEXT,
            "stage_order": PRIORITY,
            "kind": Column(choices=(*ON_THE_WAY, "aside", "out")),
            "creates_in_crm": BOOLEAN,
            "label_en": TEXT,
            "label_pt": TEXT,
            "definition": TEXT,
            "definition_pt": TEXT,
            "entry_criteria_en": TEXT,
            "entry_criteria_pt": TEXT,
            "exit_criteria_en": TEXT,
            "exit_criteria_pt": TEXT,
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
    "funnel_benchmarks": Schema(
        {
            "from_stage": TEXT,
            "to_stage": TEXT,
            "lo_pct": _PERCENT,
            "hi_pct": _PERCENT,
            "status": Column(choices=("unsourced", "sourced")),
            "source": TEXT,
        },
        ("from_stage", "to_stage"),
    ),
    "stage_thresholds": Schema(
        {
            "line_id": TEXT,
            "stage": TEXT,
            "min_fit_score": NUMBER,
            "min_engagement_score": NUMBER,
            "leave_engagement_score": Column("number", required=False),
            "leave_after_days": Column("integer", required=False, minimum=Decimal(1)),
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
            "inactive_days": Column("integer", required=False, minimum=Decimal(1)),
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
    yield from known_rows(rules, "funnel_benchmarks", "from_stage", "lifecycle_stages", "stage")
    yield from known_rows(rules, "funnel_benchmarks", "to_stage", "lifecycle_stages", "stage")
    yield from _check_benchmarks(rules)
    yield from known_rows(rules, "stage_triggers", "stage", "lifecycle_stages", "stage")
    yield from known_rows(rules, "stage_thresholds", "stage", "lifecycle_stages", "stage")
    yield from known_rows(rules, "deal_stage_rules", "lifecycle_stage", "lifecycle_stages", "stage")
    if not {"lifecycle_stages", "lifecycle_transitions", "stage_triggers"} <= rules.keys():
        return
    yield from _check_transitions(rules)
    yield from _check_stage_graph(rules)
    yield from _check_triggers(rules)
    yield from _check_hysteresis(rules)


def _check_benchmarks(rules: Rules) -> Iterator[RuleProblem]:
    orders = {row["stage"]: number_of(row["stage_order"]) for row in rules.get("lifecycle_stages", [])}
    for row in rules.get("funnel_benchmarks", []):
        lo, hi = number_of(row["lo_pct"]), number_of(row["hi_pct"])
        if lo is not None and hi is not None and lo > hi:
            problem = f"the range ends at {hi}, below its start {lo}"
            yield RuleProblem("funnel_benchmarks.csv", row.number, "hi_pct", problem, "Let lo_pct be the smaller one")
        before, after = orders.get(row["from_stage"]), orders.get(row["to_stage"])
        if before is not None and after is not None and before >= after:
            problem = f"'{row['to_stage']}' does not come after '{row['from_stage']}'"
            yield RuleProblem("funnel_benchmarks.csv", row.number, "to_stage", problem, "Name a later stage")


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
        if row["from_stage"] == row["to_stage"]:
            yield RuleProblem(file, row.number, "to_stage", "a stage that leads to itself", "Remove the row")
        elif fix := _wrong_direction(row, before, after):
            problem = f"'{row['direction']}' from '{row['from_stage']}' to '{row['to_stage']}' (kind {after['kind']})"
            yield RuleProblem(file, row.number, "direction", problem, fix)
    yield from _check_forward_circles(rules)


def _wrong_direction(row: Row, before: Row | None, after: Row) -> str | None:
    """What to do about the direction of a transition, or None when it is right."""
    if (after["kind"] == "out") != (row["direction"] == "out"):
        return "Direction out leads to stages of kind out, and only there"
    if before is None:
        return None if row["direction"] == "forward" else "A journey begins forward"
    if before["kind"] in ON_THE_WAY:
        if after["kind"] == "aside" and row["direction"] != "back":
            return "Who leaves the way to a stage of kind aside goes back"
        order_before, order_after = number_of(before["stage_order"]), number_of(after["stage_order"])
        if (
            row["direction"] == "forward"
            and order_before is not None
            and order_after is not None
            and order_after <= order_before
        ):
            return "Forward goes to a higher stage_order; use direction back"
    return None


def _check_forward_circles(rules: Rules) -> Iterator[RuleProblem]:
    """Forward moves may use evidence from before: a circle of them would never end. Names each row that closes one."""
    moves: dict[str, set[str]] = defaultdict(set)
    for row in rules["lifecycle_transitions"]:
        before, after = row["from_stage"], row["to_stage"]
        if row["direction"] != "forward" or not before or before == after:
            continue
        if before in _reachable(moves, {after}):
            problem = f"forward from '{before}' to '{after}' closes a circle of forward moves"
            fix = "Remove the row, or give it the direction back"
            yield RuleProblem("lifecycle_transitions.csv", row.number, "to_stage", problem, fix)
        else:
            moves[before].add(after)


def _reachable(moves: dict[str, set[str]], starts: set[str]) -> set[str]:
    """The stages themselves and all that moves lead to from them."""
    reached, waiting = set(starts), list(starts)
    while waiting:
        for stage in moves.get(waiting.pop(), set()) - reached:
            reached.add(stage)
            waiting.append(stage)
    return reached


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
    back: dict[str, set[str]] = defaultdict(set)
    for row in rules["lifecycle_transitions"]:
        if row["from_stage"]:
            moves[row["from_stage"]].add(row["to_stage"])
            back[row["to_stage"]].add(row["from_stage"])
    reached = _reachable(moves, starts)
    ends = {row["stage"] for row in rows if row["kind"] == "end"}
    leads_to_an_end = _reachable(back, ends)
    if not ends:
        yield RuleProblem(
            file, None, "kind", "no stage of kind end", "Let at least one stage be an end, as a won deal is"
        )
    for row in rows:
        if row["stage"] not in reached:
            fix = "Add a transition that leads to it, or remove the stage"
            yield RuleProblem(file, row.number, "stage", f"nothing leads to '{row['stage']}'", fix)
        if row["kind"] in ("end", "out"):
            continue
        if not moves[row["stage"]]:
            fix = "Add a transition that leaves it, or give it the kind end or out"
            yield RuleProblem(file, row.number, "stage", f"'{row['stage']}' is a dead end", fix)
        elif ends and row["stage"] not in leads_to_an_end:
            fix = "Add a transition by which a stage of kind end can be reached"
            yield RuleProblem(file, row.number, "stage", f"no way leads from '{row['stage']}' to an end", fix)


def _check_hysteresis(rules: Rules) -> Iterator[RuleProblem]:
    """A line has both values for leaving it or none, and both where leaving its stage is evidence for something."""
    if "stage_thresholds" not in rules:
        return
    file = "stage_thresholds.csv"
    watched = {
        stage: row["trigger"]
        for row in rules.get("stage_triggers", [])
        if row["evidence_kind"] == "score_left"
        for stage in parts_of(row["evidence_values"])
    }
    for row in rules["stage_thresholds"]:
        enter, leave = number_of(row["min_engagement_score"]), number_of(row["leave_engagement_score"])
        if enter is not None and leave is not None and leave > enter:
            problem = f"left below {leave}, entered only at {enter}"
            fix = "Leave at a score that is not higher than the one to enter at"
            yield RuleProblem(file, row.number, "leave_engagement_score", problem, fix)
        for field, other in (
            ("leave_engagement_score", "leave_after_days"),
            ("leave_after_days", "leave_engagement_score"),
        ):
            if row[field]:
                continue
            if row[other]:
                yield RuleProblem(file, row.number, field, f"empty beside a value of {other}", "Fill in both or none")
            elif row["stage"] in watched:
                problem = f"empty, but the trigger '{watched[row['stage']]}' waits for the stage to be left"
                fix = "Say below which score and after how many days the line is left"
                yield RuleProblem(file, row.number, field, problem, fix)


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
        "opportunity": {"created", "won", "won_again", "lost"},
        "intent": values_of(rules, "intent_rules", "intent_kind"),
        "score_left": values_of(rules, "stage_thresholds", "stage"),
        "inactivity": {"touch", "sales_activity", "deal"},
        "score_line": values_of(rules, "stage_thresholds", "line_id"),
        "capture": {"record", "form_submission"},
    }
    for row in rules["stage_triggers"]:
        if row["evidence_kind"] == "touch" and not row["evidence_values"]:
            fix = "Name the touch types that count"
            yield RuleProblem(file, row.number, "evidence_values", "any touch at all would count", fix)
        if row["evidence_kind"] == "score_left" and not row["evidence_values"]:
            yield RuleProblem(file, row.number, "evidence_values", "left which stage's lines?", "Name the stages")
        if (row["evidence_kind"] == "inactivity") != bool(row["inactive_days"]):
            fix = "Only the kind inactivity takes days, and it needs them"
            problem = f"'{row['inactive_days']}' for the kind {row['evidence_kind']}"
            yield RuleProblem(file, row.number, "inactive_days", problem, fix)
        allowed = known.get(row["evidence_kind"], set())
        for part in parts_of(row["evidence_values"]):
            if allowed and part not in allowed:
                fix = f"Use one of: {', '.join(sorted(allowed))}"
                yield RuleProblem(
                    file, row.number, "evidence_values", f"'{part}' is no {row['evidence_kind']} that is recorded", fix
                )


CHECKS: tuple[Check, ...] = (_check_lifecycle,)
