"""Bad and awkward records added to the first piece of a world."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.world.contacts import Identity
from sandbox.world.defects import Defects
from sandbox.world.people import CONTACT_ID_BASE, People
from sandbox.world.sizes import AS_OF, DAY, HOUR
from sandbox.world.text import Ints, join, pick, timestamps, uuids

#: People who used the tablet on the fair stand: one browser, many persons.
STAND_PEOPLE = 12


def unreachable_contacts(contacts: pa.Table, defects: Defects) -> tuple[pa.Table, pa.Table]:
    """Contacts nobody can identify (no phone, and no or an impossible e-mail), and their truth rows."""
    bad = ("joao.silva@", None, "pas d'email", "maria arroba empresa.com.br")
    rows = contacts.slice(0, len(bad)).to_pylist()
    truth = []
    for number, (row, email) in enumerate(zip(rows, bad, strict=True)):
        row["id"] = row["hs_object_id"] = str(CONTACT_ID_BASE - 1_000 + 37 * number)
        row |= {"email": email, "phone": None, "mobilephone": None, "hs_additional_emails": None}
        row |= {"hs_merged_object_ids": None, "associatedcompanyid": None, "hubspot_owner_id": None}
        row |= {"firstname": ("Joao", None, "Luc", "Maria")[number], "lastname": None, "lifecyclestage": "lead"}
        row |= {"hs_lead_status": "NEW", "numemployees": None, "annualrevenue": None, "hs_email_optout": None}
        defects.add("hubspot", "raw_hubspot.contacts", row["id"], None, None, "no_usable_identifier")
        truth.append(
            {
                "source": "hubspot",
                "record_id": row["id"],
                "person_id": f"person-unreachable-{number}",
                "company_key": None,
                "buying_role": "unknown",
                "duplicate_kind": "none",
            }
        )
    return pa.Table.from_pylist(rows, schema=contacts.schema), pa.Table.from_pylist(truth)


def bad_events(events: pa.Table, rng: np.random.Generator) -> tuple[pa.Table, pa.Table, int]:
    """Events with a missing timestamp or nobody behind them, and second sendings of the same message.

    Returns the refused rows, the repeated rows and how many of the latter there are.
    """
    chosen = rng.choice(events.num_rows, 5 + max(4, events.num_rows // 500), replace=False)
    rows = pick(events, chosen[:5]).to_pylist()
    for number, row in enumerate(rows):
        row["message_id"] = f"planted-bad-event-{number}"
        if number < 2:
            row["event_at"] = None
        else:
            row |= {"anonymous_id": None, "user_id": None, "email": None, "type": "page", "event": None}
            row |= {"traits": "{}", "properties": "{}"}
    repeated = pick(events, np.sort(chosen[5:]))
    return pa.Table.from_pylist(rows, schema=events.schema), repeated, repeated.num_rows


def stand_tablet(
    template: pa.Schema, identity: Identity, people: People, rng: np.random.Generator
) -> tuple[pa.Table, pa.Table, Ints]:
    """One shared tablet on a fair stand identifies a dozen people in an afternoon.

    Returns events, the session truth and the positions (in the chunk) of those people.
    """
    day = AS_OF // DAY * DAY - 100 * DAY
    fit = np.flatnonzero(people.in_crm[identity.rows] & (people.capture_at[identity.rows] < day))
    who = fit[:STAND_PEOPLE]
    n = len(who)
    at = day + 13 * HOUR + np.arange(n, dtype=np.int64) * 9 * 60_000
    device = uuids(rng, 1)[0].as_py()
    emails = pick(identity.email, who)
    pages = _plain(template, rng, n, "page", device, at)
    pages = pages.set_column(
        pages.schema.get_field_index("dwell_seconds"), "dwell_seconds", pa.array([20] * n, type=pa.int64())
    )
    identifies = _plain(template, rng, n, "identify", device, at + 60_000)
    for name, values in (("email", emails), ("traits", join('{"email":"', emails, '"}'))):
        identifies = identifies.set_column(identifies.schema.get_field_index(name), name, values)
    session = pa.table(
        {
            "anonymous_id": pa.array([device]),
            "session_started_at": timestamps(at[:1]),
            "channel": pa.array(["direct"]),
            "person_id": pa.nulls(1, pa.string()),
        }
    )
    return pa.concat_tables([pages, identifies]), session, who


def _plain(schema: pa.Schema, rng: np.random.Generator, n: int, kind: str, device: str, at: Ints) -> pa.Table:
    columns = {name: pa.nulls(n, schema.field(name).type) for name in schema.names}
    columns |= {
        "message_id": uuids(rng, n),
        "type": pa.array([kind] * n),
        "anonymous_id": pa.array([device] * n),
        "event_at": timestamps(at),
        "received_at": timestamps(at + 300),
        "page_url": pa.array(["https://www.pontonorte.io/newsletter"] * n),
        "page_path": pa.array(["/newsletter"] * n),
        "page_title": pa.array(["Newsletter"] * n),
        "user_agent": pa.array(["Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15"] * n),
        "ip": pa.array(["189.12.4.7"] * n),
        "locale": pa.array(["pt-BR"] * n),
        "tracker": pa.array(["segment"] * n),
        "properties": pa.array(["{}"] * n),
        "traits": pa.array(["{}"] * n),
    }
    return pa.table(columns, schema=schema)
