"""Plans and results as rows and Markdown. Personal data is masked: these texts end up in logs and run metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reverse_etl.plan import OUTCOMES, SENDING, Plan

if TYPE_CHECKING:
    from reverse_etl.applier import ApplyResult

_EMAIL = re.compile(r"([\w.+-])[\w.+-]*@([\w.-]+)")
_PERSONAL = ("email", "firstname", "lastname", "name", "phone", "mobilephone", "address")


def mask(text: str) -> str:
    """``ana.lima@acme.com`` becomes ``a***@acme.com``; everything else stays."""
    return _EMAIL.sub(r"\1***@\2", text)


def masked_plan(plan: Plan) -> dict[str, Any]:
    """:meth:`Plan.to_dict` with the personal data of its examples masked."""
    told = plan.to_dict()
    for sync in told["syncs"]:
        for example in sync["examples"]:
            example["reason"] = mask(example["reason"] or "") or None
            example["fields"] = {
                name: [_masked(name, value) for value in pair] for name, pair in example["fields"].items()
            }
        sync["reasons"] = {
            outcome: {mask(reason): number for reason, number in reasons.items()}
            for outcome, reasons in sync["reasons"].items()
        }
    return told


def masked_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A planned row with its personal data masked."""
    masked = {**row, "reason": mask(row["reason"]) if row["reason"] else None}
    for name in ("fields", "previous"):
        values = json.loads(row[name]) if row[name] else None
        if values is not None:
            masked[name] = json.dumps({key: _masked(key, value) for key, value in values.items()}, ensure_ascii=False)
    if row["match_value"] and row["outcome"] != "associate":
        masked["match_value"] = mask(row["match_value"]) if "@" in row["match_value"] else "***"
    return masked


def _masked(name: str, value: str | None) -> str | None:
    if not value:
        return value
    if name.lower().replace("_", "") in _PERSONAL:
        return mask(value) if "@" in value else "***"
    return mask(value)


def plan_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row a sync: ``sync``, ``object`` (or the list's name), one count per outcome, ``guards`` (text)."""
    return [
        {
            "sync": sync.sync,
            "target": f"list {sync.list_name}" if sync.list_name else sync.object,
            "rows": sync.rows,
            **{outcome: sync.counts.get(outcome, 0) for outcome in OUTCOMES},
            "guards": "; ".join(sync.guards),
        }
        for sync in plan.syncs
    ]


def example_rows(plan: Plan, *, sending: bool = True) -> list[dict[str, Any]]:
    """One row an example: ``sync``, ``outcome``, ``record``, ``change`` (``property: old -> new``), ``reason``."""
    return [
        {
            "sync": sync.sync,
            "outcome": example.outcome,
            "record": example.record_id or f"new ({example.sync_key})",
            "change": "; ".join(_change(name, old, new) for name, (old, new) in example.fields.items()),
            "reason": mask(example.reason or ""),
        }
        for sync in plan.syncs
        for example in sync.examples
        if not sending or example.outcome in SENDING
    ]


def reason_rows(plan: Plan) -> list[dict[str, Any]]:
    """Why rows are not sent: ``sync``, ``outcome``, ``reason``, ``rows``."""
    return [
        {"sync": sync.sync, "outcome": outcome, "reason": mask(reason), "rows": number}
        for sync in plan.syncs
        for outcome, reasons in sync.reasons.items()
        if outcome not in SENDING
        for reason, number in reasons.items()
    ]


def _change(name: str, old: str | None, new: str | None) -> str:
    old, new = _masked(name, old), _masked(name, new)
    return f"{name}: {_shown(old)} -> {_shown(new)}"


def _shown(value: str | None) -> str:
    if value is None:
        return "(empty)"
    shown = mask(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def plan_markdown(plan: Plan) -> str:
    """The plan as Markdown: a table of counts, tripped guards, examples, and why rows are left out."""
    lines = [
        f"**Plan {plan.plan_id}**: {plan.changes:,} changes, made {plan.created_at:%Y-%m-%d %H:%M:%S} UTC from build "
        f"{plan.build_id or '?'}, expires {plan.expires_at:%Y-%m-%d %H:%M} UTC",
        "",
        _table(
            ["sync", "target", *OUTCOMES],
            [[_cell(row[c]) for c in ("sync", "target", *OUTCOMES)] for row in plan_rows(plan)],
        ),
    ]
    if plan.blocked:
        lines += ["", "**Stopped by a guard**, needs approval:", "", *(f"- {message}" for message in plan.guards)]
    fields = [[s.sync, name, f"{number:,}"] for s in plan.syncs for name, number in s.field_changes.items()]
    if fields:
        lines += ["", _table(["sync", "property", "values changed"], fields)]
    examples = example_rows(plan)
    if examples:
        names = ["sync", "outcome", "record", "change", "reason"]
        lines += ["", _table(names, [[_cell(row[n]) for n in names] for row in examples])]
    reasons = reason_rows(plan)
    if reasons:
        names = ["sync", "outcome", "reason", "rows"]
        lines += ["", _table(names, [[_cell(row[n]) for n in names] for row in reasons])]
    return "\n".join(lines)


def apply_rows(result: ApplyResult) -> list[dict[str, Any]]:
    """One row a sync: counts of what was written, refused, left, requests and seconds."""
    names = ("sync", "creates", "updates", "list_adds", "list_removes", "written", "rejected", "skipped", "unsent", "requests", "seconds")  # fmt: skip # noqa: E501
    return [{name: getattr(sync, name) for name in names} for sync in result.syncs]


def apply_markdown(result: ApplyResult) -> str:
    """The result as Markdown."""
    state = ", stopped before the end: apply again to go on" if result.stopped else ""
    head = (
        f"**Applied {result.plan_id}**: {result.written:,} written, {result.rejected:,} refused, {result.requests:,} "
        f"requests, {result.seconds:.1f} s{state}"
    )
    rows = apply_rows(result)
    if not rows:
        return head
    return head + "\n\n" + _table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _table(names: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
