"""Identifiers that many people share, and a chain: does precision hold, and does one long chain cost time?

People are planted straight into the raw CRM table: a switchboard whose number 400 colleagues bear, family mailboxes,
``info@`` addresses used by whole offices, namesakes. A second warehouse holds the same people plus one person whose 500
records each share an identifier with the next only.
"""

from __future__ import annotations

import datetime as dt
import re
import statistics
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from faker import Faker
from rich.console import Console
from rich.table import Table

from benchmarks.build import BENCH
from benchmarks.identity_dbt import Build, build_identity
from benchmarks.pairwise import pairwise
from ingestion.tables import RUN_CLOCK, ensure_raw_tables

WANTED_PRECISION, WANTED_RATIO = 0.99, 2.0
CHAIN = 500
_PEOPLE = 6000
_PER_OFFICE = 12
_SWITCHBOARD = 400
_AS_OF = dt.datetime(2026, 11, 1)
Row = dict[str, Any]


def run_hub(runs: int, console: Console) -> dict[str, Any]:
    """Build both warehouses, judge the first, compare their seconds (medians over ``runs``)."""
    BENCH.mkdir(parents=True, exist_ok=True)
    plain, chained = BENCH / "identity_hub.duckdb", BENCH / "identity_hub_chain.duckdb"
    builds: dict[Path, list[Build]] = {plain: [], chained: []}
    for _ in range(runs):
        for warehouse, with_chain in ((plain, False), (chained, True)):
            truth = _plant(warehouse, with_chain=with_chain)
            builds[warehouse].append(build_identity(warehouse, console, warehouse.stem))
            groups = _contacts(warehouse)
            if with_chain:
                chain = {groups[record] for record, person in truth.items() if person == "chain"}
                chained_quality = pairwise(groups, truth)
            else:
                quality, sizes, quality_records = pairwise(groups, truth), _sizes(groups), len(truth)
                kinds = {
                    kind: pairwise(
                        groups, {record: person for record, person in truth.items() if record.startswith(kind)}
                    )
                    for kind in ("switchboard", "family", "office", "person")
                }
    seconds = {path: statistics.median(_seconds(build) for build in found) for path, found in builds.items()}
    result = {
        "benchmark": "identity",
        "mode": "hub",
        "records": quality_records,
        "precision": round(quality.precision, 5),
        "recall": round(quality.recall, 5),
        "wrong_pairs_by_kind": {kind: found.found - found.right for kind, found in kinds.items()},
        "cluster_sizes": sizes,
        "chain": {
            "records": CHAIN,
            "contacts": len(chain),
            "precision": round(chained_quality.precision, 5),
            "seconds_without": round(seconds[plain], 2),
            "seconds_with": round(seconds[chained], 2),
            "ratio": round(seconds[chained] / seconds[plain], 2),
        },
    }
    _print(result, console)
    return result


def _seconds(build: Build) -> float:
    return build.seconds_of("intermediate/identity")


def _plant(warehouse: Path, *, with_chain: bool) -> dict[str, str]:
    """Write the raw contacts; returns the person of each record."""
    for stale in (warehouse, warehouse.with_name(warehouse.name + ".wal")):
        stale.unlink(missing_ok=True)
    rows = list(_people())
    if with_chain:
        rows += _chain()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        ensure_raw_tables(connection)
        columns = [name for name in rows[0] if name != "person"]
        connection.executemany(
            f"insert into raw_hubspot.contacts ({', '.join(columns)}) values ({', '.join('?' for _ in columns)})",
            [[row[name] for name in columns] for row in rows],
        )
        connection.execute(f"delete from {RUN_CLOCK}")
        connection.execute(f"insert into {RUN_CLOCK} values (?, true)", [_AS_OF])
    return {row["id"]: row["person"] for row in rows}


def _people() -> Iterator[Row]:
    faker = Faker(["en_US", "pt_BR", "fr_FR", "es_ES"])
    faker.seed_instance(7)
    firsts = [faker.first_name() for _ in range(_PEOPLE)]
    lasts = [faker.last_name() for _ in range(_PEOPLE)]
    offices = [faker.company() for _ in range(_PEOPLE // _PER_OFFICE + 1)]
    for number, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
        office = offices[number // _PER_OFFICE]
        domain = f"{_letters(office)}{number // _PER_OFFICE}.com"
        mine = {"first": first, "last": last, "company": office}
        address, person = f"{_letters(first)}.{_letters(last)}@{domain}", f"person-{number}"
        if number < _SWITCHBOARD:
            yield _row(f"switchboard-{number}", person, address, "+14155550100", **mine)
        elif number % 10 == 1:
            # Two of one family, one mailbox and one phone.
            mailbox, phone = f"{_letters(last)}{number}@gmail.com", f"+1415556{number:04d}"
            other = firsts[number - 1]
            yield _row(f"family-{number}-a", person, mailbox, phone, **mine)
            yield _row(f"family-{number}-b", f"{person}-b", mailbox, phone, **(mine | {"first": other}))
        elif number % 10 in (2, 3):
            # An office's address, which several use, beside an address of one's own.
            yield _row(f"office-{number}", person, f"info@{domain}", None, **mine)
            yield _row(f"office-{number}-own", person, address, None, **mine)
        else:
            yield _row(f"person-{number}", person, address, f"+1415557{number:04d}", **mine)
            if number % 5 == 0:
                yield _row(f"person-{number}-again", person, address.upper(), None, **mine)


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z]", "", plain.lower())


def _chain() -> list[Row]:
    """Every record shares its address with the one before or its phone with the one after, in turns."""
    rows = []
    for number in range(CHAIN):
        address = f"zq{(number + 1) // 2}@chain{(number + 1) // 2}.org"
        phone = f"+1415558{number // 2:04d}"
        rows.append(_row(f"chain-{number}", "chain", address, phone, first="Zuleika", last="Quandtmeyer", company=""))
    return rows


def _row(record: str, person: str, email: str, phone: str | None, *, first: str, last: str, company: str) -> Row:
    return {
        "id": record,
        "person": person,
        "created_at": _AS_OF - dt.timedelta(days=100),
        "updated_at": _AS_OF - dt.timedelta(days=100),
        "archived": False,
        "property_firstname": first,
        "property_lastname": last,
        "property_company": company or None,
        "property_email": email,
        "property_phone": phone,
        "property_country": "United States",
        "_loaded_at": _AS_OF,
    }


def _contacts(warehouse: Path) -> dict[str, str]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return dict(
            connection.execute(
                "select records.record_id, clusters.contact_id from intermediate.int_contact_records as records "
                "inner join intermediate.int_contact_clusters as clusters using (record_key)"
            ).fetchall()
        )


def _sizes(groups: dict[str, str]) -> dict[str, int]:
    """Contacts by number of records."""
    counts: dict[str, int] = {}
    for contact in groups.values():
        counts[contact] = counts.get(contact, 0) + 1
    found: dict[str, int] = {}
    for size in sorted(counts.values()):
        found[str(size)] = found.get(str(size), 0) + 1
    return found


def _print(result: dict[str, Any], console: Console) -> None:
    table = Table(title=f"Planted hubs: {result['records']:,} records")
    for column in ("what", "found", "wanted"):
        table.add_column(column, justify="left" if column == "what" else "right")
    table.add_row("precision of pairs", f"{result['precision']:.4f}", f">= {WANTED_PRECISION}")
    table.add_row("recall of pairs (info@ records wait for a person)", f"{result['recall']:.4f}", "")
    for kind, wrong in result["wrong_pairs_by_kind"].items():
        table.add_row(f"  wrong pairs among {kind} records", str(wrong), "")
    chain = result["chain"]
    table.add_row(f"chain of {chain['records']}: contacts", str(chain["contacts"]), "1")
    table.add_row("chain: seconds of the identity models without", f"{chain['seconds_without']:.2f}", "")
    table.add_row("chain: seconds with", f"{chain['seconds_with']:.2f}", "")
    table.add_row("chain: ratio", f"{chain['ratio']:.2f}", f"<= {WANTED_RATIO}")
    console.print(table)
    sizes = Table(title="Contacts by number of records")
    sizes.add_column("records", justify="right")
    sizes.add_column("contacts", justify="right")
    for size, count in result["cluster_sizes"].items():
        sizes.add_row(size, f"{count:,}")
    console.print(sizes)
