"""``leadhouse identity``: learn the matcher's weights from the warehouse, say what it thinks of two records, and list
what waits for a person."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadhouse.settings import PROJECT_DIR, SettingsError, load_settings

if TYPE_CHECKING:
    import duckdb

NODES = "intermediate.int_identity_nodes"
EVIDENCE = "intermediate.int_identity_evidence"
REVIEW = "marts.mart_identity_review"
#: Links by shared identifiers and by people's decisions, as the resolver let them stand; what the matcher itself
#: found is left out, or it would teach itself.
KNOWN = (
    "(select distinct record_key as record_key_l, linked_record_key as record_key_r "
    f"from {EVIDENCE} where kind <> 'pair' and record_key <> linked_record_key)"
)
#: Kept whatever its weight.
_ANY_WEIGHT = -1000.0

WarehouseOption = Annotated[Path | None, typer.Option(help="Another warehouse than that of the settings.")]


def train_command(
    warehouse: WarehouseOption = None,
    labels: Annotated[
        bool,
        typer.Option(
            "--labels/--no-labels", help="Count records that are known to be one person once (needs a build)."
        ),
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the weights, write nothing.")] = False,
) -> None:
    """Learn the matcher's weights from this warehouse's contacts, and show them before and after."""
    from identity import IdentityError, load_spec, load_trained, save_trained, spec_version, train
    from identity.training import compare
    from leadhouse.display import console, table

    spec = load_spec()
    try:
        before = load_trained(spec)
    except IdentityError as error:
        console.print(f"Nothing to compare with: {error}", style="yellow", soft_wrap=True, markup=False)
        before = None
    needed = (NODES, EVIDENCE) if labels else (NODES,)
    with _opened(warehouse, needed) as connection, console.status("Learning from the contacts"):
        after = train(connection, spec, NODES, labels=KNOWN if labels else None)
    rows = [
        (name, level, "" if old is None else f"{old:+.2f}", f"{new:+.2f}", "" if old is None else f"{new - old:+.2f}")
        for name, level, old, new in compare(before, after)
    ]
    table(
        f"Match weights (log2), learned from {after.trained_on['records']:,} records",
        ("comparison", "level", "before", "after", "change"),
        rows,
    )
    for passed in after.trained_on["passes_without_pairs"]:
        console.print(f"No two records agree on {passed}: that pass taught nothing.", style="yellow")
    if dry_run:
        console.print("Nothing was written (--dry-run).")
        return
    model, frequencies = save_trained(after)
    console.print(
        f"Wrote {model.relative_to(PROJECT_DIR)} and {frequencies.relative_to(PROJECT_DIR)}: version "
        f"{spec_version(spec, after)}. The next build compares every pair again; review the change and commit it.",
        soft_wrap=True,
    )


def explain_command(
    left: Annotated[str, typer.Argument(help="A record: `source:record_id` (hubspot:101), or its record_key.")],
    right: Annotated[str, typer.Argument(help="The other record.")],
    warehouse: WarehouseOption = None,
) -> None:
    """Say how alike two records are, comparison by comparison, whatever became of them."""
    from identity import load_spec, load_trained, score
    from leadhouse.display import console, table

    spec = load_spec()
    trained = load_trained(spec)
    with _opened(warehouse, (NODES,)) as connection:
        one, other = sorted((_record_key(connection, left), _record_key(connection, right)))
        if one == other:
            raise SettingsError(f"{left} and {right} are one record. Name two.")
        connection.execute("create temp table asked as select ? as record_key_l, ? as record_key_r", [one, other])
        score(connection, spec, trained, NODES, "asked", "temp.answer", min_weight=_ANY_WEIGHT)
        ((weight, probability, parts, sentence),) = connection.execute(
            "select match_weight, match_probability, weights, explanation from temp.answer"
        ).fetchall()
    weights: dict[str, Any] = json.loads(parts)
    rows = [("(any two records)", "", f"{weights.pop('prior'):+.2f}", "")]
    for comparison in spec.comparisons:
        part = weights.get(comparison.name)
        if part is None:
            rows.append((comparison.name, "not known on both sides", "", ""))
        else:
            rarity = f"{part['term_frequency']:+.2f}" if "term_frequency" in part else ""
            rows.append((comparison.name, part["level"], f"{part['weight']:+.2f}", rarity))
    table(
        f"{left} and {right}: weight {weight:.2f}, {math.floor(10_000 * float(probability)) / 100:.2f} %",
        ("comparison", "level", "weight", "of it rarity"),
        rows,
    )
    console.print(sentence, soft_wrap=True, markup=False)


def review_command(
    limit: Annotated[int, typer.Option(min=1, help="How many pairs to show.")] = 10,
    warehouse: WarehouseOption = None,
) -> None:
    """List pairs of records that wait for a person, likeliest first, with the lines that decide them."""
    from leadhouse.display import console

    with _opened(warehouse, (REVIEW,)) as connection:
        ((waiting,),) = connection.execute(f"select count(*) from {REVIEW}").fetchall()
        sides = ", ".join(
            f"concat_ws(', ', source_{side} || ':' || record_id_{side}, name_{side}, email_{side}, phone_{side}, "
            f"company_{side}, job_title_{side})"
            for side in "ab"
        )
        rows = connection.execute(
            f"select review_rank, {sides}, reason, explanation, force_line, forbid_line from {REVIEW} "
            "order by review_rank limit ?",
            [limit],
        ).fetchall()
    for rank, one, other, reason, explanation, force, forbid in rows:
        console.print(f"{rank}. {one}\n   {other}", style="bold", soft_wrap=True, markup=False, highlight=False)
        for line in (reason, explanation, f"one person:  {force}", f"two people:  {forbid}"):
            console.print(f"   {line}", soft_wrap=True, markup=False, highlight=False)
    console.print(
        f"{len(rows)} of {waiting:,} pairs that wait. To decide one, add its line to seeds/identity_decisions.csv with "
        "your name in decided_by, and build again."
        if waiting
        else "No pair waits for a person.",
        soft_wrap=True,
    )


def _record_key(connection: duckdb.DuckDBPyConnection, named: str) -> str:
    source, separator, record_id = named.partition(":")
    found = connection.execute(
        f"select record_key from {NODES} where record_key = $named or ($told and source = $source and record_id = $id)",
        {"named": named, "told": bool(separator), "source": source, "id": record_id},
    ).fetchall()
    if not found:
        raise SettingsError(
            f"{named}: no such record among those that are compared. Write source:record_id, such as hubspot:101; a "
            "record that was set aside is in mart_quarantine."
        )
    return str(found[0][0])


@contextmanager
def _opened(warehouse: Path | None, needed: tuple[str, ...]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read-only (work tables are temporary). Raises SettingsError where it lacks what is read."""
    import duckdb

    path = warehouse or load_settings().warehouse
    if not path.is_file():
        raise SettingsError(f"{path}: no such warehouse. Run `leadhouse build`, or give --warehouse.")
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.IOException as error:
        raise SettingsError(f"{path}: cannot be opened now ({error}). Wait for the build that is running.") from None
    with connection:
        there = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
        }
        if missing := [name for name in needed if name not in there]:
            raise SettingsError(f"{path}: {' and '.join(missing)} not found. Run `leadhouse build` first.")
        yield connection
