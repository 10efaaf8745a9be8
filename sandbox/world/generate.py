"""Makes a whole world: first everything as numbers, then text and files, a run of people at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sandbox.world.catalogue import FORMS, Form
from sandbox.world.companies import Companies, company_records, company_truth, make_companies
from sandbox.world.contacts import contact_chunk, identity_text, truth_rows
from sandbox.world.day2 import FirstDay, write_second_day
from sandbox.world.defects import Defects
from sandbox.world.effects import EFFECTS, declared_errors
from sandbox.world.enrichment import write_enrichment
from sandbox.world.files import DailyLines, MonthlyEvents, ParquetFolder, write_json
from sandbox.world.journeys import journey_chunk
from sandbox.world.marketing import campaign_table, email_chunk
from sandbox.world.owners import Owners, make_owners, owner_count
from sandbox.world.people import Deals, People, make_people, work_requests
from sandbox.world.planted import (
    bad_events,
    lookalike_table,
    odd_addresses,
    shared_mailboxes,
    stand_tablet,
    unreachable_contacts,
)
from sandbox.world.pools import NamePool, name_pools
from sandbox.world.sales import Activity, activity_chunk, deal_stage_table, deal_tables
from sandbox.world.sizes import AS_OF, DAY, SIZES, START, WorldSize
from sandbox.world.spend import write_spend
from sandbox.world.text import Ints, matches, pick, timestamps

Progress = Callable[[str], None]
#: Independent random streams, so that one part can change without moving the others.
(_COMPANIES, _OWNERS, _PEOPLE, _WORK, _RECORDS, _JOURNEYS, _CONTACTS, _MAIL, _SALES, _DEALS, _SPEND, _ENRICH, _PLANT,
 _DAY2, _FLAWS, _MAILBOXES) = range(16)  # fmt: skip


class WorldError(Exception):
    """A world cannot be made as asked."""


@dataclass
class World:
    """The numbers of a world before they become text."""

    size: WorldSize
    seed: int
    pools: list[NamePool]
    companies: Companies
    owners: Owners
    people: People
    deals: Deals

    def rng(self, stream: int, piece: int = 0) -> np.random.Generator:
        """The random stream of one part of the world."""
        return np.random.default_rng([self.seed, stream, piece])


def plan_world(size: WorldSize, seed: int) -> World:
    """Draws companies, people and what sales made of them."""

    def rng(stream: int) -> np.random.Generator:
        return np.random.default_rng([seed, stream, 0])

    pools = name_pools(seed)
    companies = make_companies(rng(_COMPANIES), size, pools)
    owners = make_owners(rng(_OWNERS), size, pools)
    people = make_people(rng(_PEOPLE), size, companies, pools, owner_count(size))
    deals = work_requests(rng(_WORK), people, companies)
    return World(size, seed, pools, companies, owners, people, deals)


def generate(size_name: str, out: Path, seed: int = 7, progress: Progress | None = None) -> dict[str, Any]:
    """Writes the world ``size_name`` to ``out`` and returns the content of its ``world.json``.

    The folder is made new: what an earlier run left there goes first. Raises :class:`WorldError` for an unknown size or
    a folder that holds something other than a world.
    """
    if size_name not in SIZES:
        raise WorldError(f"unknown size {size_name!r}: choose one of {', '.join(SIZES)}")
    say = progress or (lambda _: None)
    _clear(out)
    size = SIZES[size_name]
    world = plan_world(size, seed)
    say(f"{size.leads:,} people at {size.companies:,} companies, {len(world.deals):,} opportunities")
    defects = Defects()
    hubspot, truth = ParquetFolder(out / "hubspot"), ParquetFolder(out / "truth")
    events = MonthlyEvents(out / "events") if size.is_large else DailyLines(out / "events")
    counts = _write_people(world, hubspot, truth, events, defects, say)
    first_day = counts.pop("first_day")
    _write_reference(world, hubspot, truth)
    counts |= write_spend(out / "ads", world.rng(_SPEND), int(world.companies.has_process.sum()), defects)
    people = world.people
    wrote = people.company[people.in_crm & (people.declared_employees >= 0)]
    declarations = np.bincount(wrote, minlength=len(world.companies))
    counts["enrichment"] = write_enrichment(
        out / "enrichment", world.rng(_ENRICH), world.companies, declarations, defects
    )
    say("writing events")
    counts["event_lines"] = events.finish(defects)
    truth.append("quarantine", defects.table())
    hubspot.close()
    truth.close()
    write_json(out / "truth" / "effects.json", asdict(EFFECTS) | {"declared_errors": declared_errors(EFFECTS)})
    second_day = write_second_day(out / "day2", world.size, world.pools, world.companies, world.owners, first_day,
                                  world.rng(_DAY2), world.size.leads)  # fmt: skip
    summary = {
        "size": size.name,
        "seed": seed,
        "as_of": _utc(AS_OF),
        "starts_at": _utc(START),
        "currency": "EUR",
        "token": f"pat-sandbox-{size.name}-{seed}",
        "day2_as_of": _utc(AS_OF + DAY),
        "counts": {"people": size.leads, "real_companies": size.companies, **hubspot.rows, **counts},
        "quarantined": len(defects.rows),
        "day2": second_day,
    }
    write_json(out / "world.json", summary)
    return summary


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clear(out: Path) -> None:
    if not out.exists():
        out.mkdir(parents=True)
        return
    ours = {"world.json", "hubspot", "events", "ads", "enrichment", "truth", "day2"}
    strange = sorted(p.name for p in out.iterdir() if p.name not in ours)
    if strange:
        raise WorldError(f"{out} holds {strange[0]!r}, which is no part of a world: choose an empty folder")
    for path in out.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _write_people(
    world: World,
    hubspot: ParquetFolder,
    truth: ParquetFolder,
    events: MonthlyEvents | DailyLines,
    defects: Defects,
    say: Progress,
) -> dict[str, Any]:
    """Contacts, journeys, e-mail and sales activity, a run of people at a time."""
    size, people, companies = world.size, world.people, world.companies
    activity = Activity()
    quota = size.bulk_import
    counts: dict[str, Any] = {"web_events": 0, "web_sessions": 0, "repeated_messages": 0, "bulk_import_contacts": 0}
    pieces = range(0, size.leads, size.chunk)
    for piece, start in enumerate(pieces):
        rows = np.arange(start, min(start + size.chunk, size.leads), dtype=np.int64)
        identity = identity_text(rows, people, companies, world.pools)
        journeys = journey_chunk(
            identity, people, companies, round(len(rows) * size.visitors_per_lead), AS_OF, world.rng(_JOURNEYS, piece)
        )
        mail, left_at = email_chunk(
            identity, people, size, journeys.click_person, journeys.click_campaign, journeys.click_at,
            world.rng(_MAIL, piece),
        )  # fmt: skip
        chunk = contact_chunk(
            identity, people, companies, world.owners, left_at, quota, world.rng(_CONTACTS, piece),
            world.rng(_FLAWS, piece),
        )  # fmt: skip
        quota -= chunk.bulk_imported
        counts["bulk_import_contacts"] += chunk.bulk_imported
        web, sessions, people_truth = journeys.events, journeys.sessions, [chunk.truth, journeys.truth]
        boxes = shared_mailboxes(
            chunk.contacts.schema, web.schema, journeys.submissions.schema, identity, people, companies,
            world.rng(_MAILBOXES, piece),
        )  # fmt: skip
        people_truth.append(boxes.truth)
        if piece == 0:
            rng = world.rng(_PLANT)
            bad_contacts, bad_truth = unreachable_contacts(chunk.contacts, defects)
            odd_contacts, odd_truth, odd_flaws = odd_addresses(chunk.contacts)
            chunk.contacts = pa.concat_tables([chunk.contacts, bad_contacts, odd_contacts])
            chunk.flaws += odd_flaws
            refused, repeated, _ = bad_events(web, rng)
            stand, stand_session, stand_people = stand_tablet(web.schema, identity, people, rng)
            if size.is_large:
                for message in refused.select(["message_id", "event_at"]).to_pylist():
                    code = "missing_timestamp" if message["event_at"] is None else "missing_identity"
                    defects.add("events", "raw_events.events", message["message_id"], None, None, code)
            counts["repeated_messages"] = repeated.num_rows
            people_truth += [
                bad_truth.cast(chunk.truth.schema),
                odd_truth.cast(chunk.truth.schema),
                _stand_truth(world, identity, stand_people, journeys.truth),
            ]
            web = pa.concat_tables([web, stand, refused, repeated])
            sessions = pa.concat_tables([sessions, stand_session])
            first_day = FirstDay(chunk.contacts, journeys.sessions, identity, people, world.deals)
        tables, links = activity_chunk(identity, people, world.owners, activity, world.rng(_SALES, piece))
        for name, table in tables.items():
            hubspot.append(name, table)
        hubspot.append("contacts", pa.concat_tables([chunk.contacts, boxes.contacts]))
        hubspot.append("property_history", chunk.history)
        hubspot.append("associations", chunk.associations)
        hubspot.append("associations", links)
        hubspot.append("form_submissions", pa.concat_tables([journeys.submissions, boxes.submissions]))
        hubspot.append("email_events", mail)
        truth.append("people", pa.concat_tables(people_truth))
        truth.append("bad_values", (chunk.flaws + journeys.flaws).table())
        truth.append("touch_channels", sessions)
        web = pa.concat_tables([web, boxes.events])
        events.add(_some_late(web, world.rng(_PLANT, piece + 1)))
        counts["web_events"] += web.num_rows
        counts["web_sessions"] += sessions.num_rows
        if len(pieces) > 1:
            say(f"people {rows[-1] + 1:,} of {size.leads:,}, web events {counts['web_events']:,}")
    counts["first_day"] = first_day
    return counts


def _stand_truth(world: World, identity: Any, local: Ints, already: pa.Table) -> pa.Table:
    """The people of the shared tablet, unless the web has identified them before."""
    known = set(already.filter(matches(already["source"], "events"))["record_id"].to_pylist())
    new = np.array([i for i in local if identity.email[i].as_py() not in known], dtype=np.int64)
    rows = identity.rows[new]
    return truth_rows("events", pick(identity.email, new), rows, world.people, "none")


def _some_late(events: pa.Table, rng: np.random.Generator) -> pa.Table:
    """One event in three hundred arrives one to three days after it happened."""
    n = events.num_rows
    received = events["received_at"].combine_chunks().cast(pa.int64()).to_numpy(zero_copy_only=False) // 1000
    late = (rng.random(n) < 0.003) & (received < AS_OF - 4 * DAY)
    received = np.where(late, received + (DAY * (1 + 2 * rng.random(n))).astype(np.int64), received)
    return events.set_column(events.schema.get_field_index("received_at"), "received_at", timestamps(received))


def _write_reference(world: World, hubspot: ParquetFolder, truth: ParquetFolder) -> None:
    """Owners, companies, opportunities, forms, campaigns, stages."""
    companies, deals = world.companies, world.deals
    changed = np.full(len(companies), -1, dtype=np.int64)
    np.maximum.at(changed, deals.company, deals.created_at)
    rng = world.rng(_RECORDS)
    owner = np.arange(len(companies)) % len(world.owners.ids)
    records, flaws = company_records(companies, rng, pick(world.owners.ids, owner), changed)
    hubspot.append("companies", records)
    truth.append("bad_values", flaws.table())
    truth.append("lookalikes", lookalike_table(world.people))
    truth.append("companies", company_truth(companies, records))
    table, history, links = deal_tables(deals, world.people, companies, world.owners, world.rng(_DEALS))
    hubspot.append("deals", table)
    hubspot.append("property_history", history)
    hubspot.append("associations", links)
    hubspot.append("owners", world.owners.table)
    hubspot.append("deal_stages", deal_stage_table())
    hubspot.append("email_campaigns", campaign_table())
    hubspot.append("forms", _form_table(FORMS))


def _form_table(forms: tuple[Form, ...]) -> pa.Table:
    n = len(forms)
    made = np.full(n, START - 100 * DAY)
    return pa.table(
        {
            "id": pa.array([f.id for f in forms]),
            "name": pa.array([f.name for f in forms]),
            "form_type": pa.array(["hubspot"] * n),
            "field_names": pa.array([";".join(f.fields) for f in forms]),
            "archived": pa.array([False] * n),
            "created_at": timestamps(made),
            "updated_at": timestamps(made),
        }
    )
