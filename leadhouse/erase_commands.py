"""``leadhouse erase``: remove a person who asked for it. ``leadhouse erasures``: the proofs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from leadhouse.settings import load_settings

if TYPE_CHECKING:
    from orchestration.erasure import Named
    from orchestration.erasure_person import Dossier

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]


def erase_command(
    email: Annotated[str, typer.Argument(help="The person's e-mail address; any of theirs finds all of them.")],
    reason: Annotated[
        str | None, typer.Option(help="Why, for the proof (such as a ticket's number). No personal data.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    everyone: Annotated[
        bool, typer.Option("--everyone", help="The address is on several contacts: erase them all.")
    ] = False,
) -> None:
    """Remove a person from raw data to marts, snapshots and ledgers, for good; queue their deletion in the CRM."""
    from leadhouse.display import console, live_progress
    from orchestration.erasure import begin, look, proofs
    from orchestration.erasure_places import places_of
    from orchestration.runs import run_job

    places = places_of(load_settings())
    dossier, counts, named = look(places, email, everyone=everyone)
    _show(dossier, counts)
    _tell_named(named)
    if dry_run:
        console.print("Nothing was changed (--dry-run).")
        return
    if not counts and not dossier.records:
        console.print("Nothing of this person is in the warehouse. Going on keeps them out of it from now on.")
    if not yes:
        typer.confirm("Erase? This cannot be undone", abort=True)
    erasure_id = begin(places, dossier, reason=reason)
    with live_progress() as progress:
        run_job("erase", progress, run_config={"ops": {"erase_person": {"config": {"erasure_id": erasure_id}}}})
    proof = next(one for one in proofs(places) if one["erasure_id"] == erasure_id)
    removed = proof["counts"]
    assert isinstance(removed, dict)
    rows = sum(removed.values()) - removed.get("crm.records_to_delete", 0)
    console.print(f"Erased: {rows:,} rows in {len(removed):,} places. Proof {erasure_id} (leadhouse erasures).")
    if dossier.crm_records:
        console.print(
            f"{len(dossier.crm_records)} CRM records are queued: the next `leadhouse apply` deletes them there. "
            "Then `leadhouse build` computes sums and accounts anew."
        )
    _tell_left(places, dossier)


def erasures_command(as_json: JsonOption = False) -> None:
    """List the erasures of this installation: when, why, how many rows; nothing that says who."""
    from leadhouse.display import table
    from orchestration.erasure import proofs, under_way
    from orchestration.erasure_places import places_of

    places = places_of(load_settings())
    found = proofs(places)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    rows = [
        (one["erasure_id"], one["requested_at"], one["finished_at"] or "not finished", one["reason"] or "", _sum(one))
        for one in found
    ]
    table("Erasures", ("erasure", "asked (UTC)", "finished", "reason", "rows"), rows)
    if under_way(places):
        from leadhouse.display import console

        console.print("Not finished: run `leadhouse erase` with the same address again.", style="yellow")


def _sum(proof: Mapping[str, object]) -> str:
    counts = proof["counts"]
    assert isinstance(counts, dict)
    return f"{sum(counts.values()):,}"


def _show(dossier: Dossier, counts: Mapping[str, int]) -> None:
    from leadhouse.display import console, table

    facts = [
        ("records of the person", len(dossier.records)),
        ("CRM records to delete", len(dossier.crm_records)),
        ("addresses", len(dossier.addresses)),
        ("devices", len(dossier.devices)),
        ("activities with nobody else", len(dossier.activities)),
    ]
    table("What was found", ("what", "number"), [(what, f"{number:,}") for what, number in facts])
    by_schema: dict[str, list[int]] = {}
    for name, rows in counts.items():
        by_schema.setdefault(name.partition(".")[0], []).append(rows)
    raw = [(name, f"{rows:,}") for name, rows in counts.items() if name.startswith("raw_")]
    rest = [
        (f"{schema} ({len(rows)} tables)", f"{sum(rows):,}")
        for schema, rows in by_schema.items()
        if not schema.startswith("raw_")
    ]
    table("What would go from the warehouse", ("table", "rows"), [*raw, *rest])
    if dossier.kept_addresses:
        console.print(
            f"{len(dossier.kept_addresses)} more address(es) of theirs are used by others too and stay.", style="yellow"
        )
    if dossier.has_namesake:
        console.print("Somebody else has the same name: texts about others keep it.", style="yellow")


def _tell_named(named: Sequence[Named]) -> None:
    from leadhouse.display import console

    for one in named:
        console.print(
            f"seeds/{one.file}, row {one.row}, column {one.column}: names the person; delete the line (its history in "
            "git keeps it: docs/privacy.md).",
            style="yellow",
            soft_wrap=True,
        )


def _tell_left(places: object, dossier: Dossier) -> None:
    from leadhouse.display import console
    from orchestration.erasure import Places, files_with

    assert isinstance(places, Places)
    for name in files_with(places, dossier):
        console.print(f"Still names the person: {places.data_dir / name}", style="yellow", soft_wrap=True)
