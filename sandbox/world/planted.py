"""Bad and awkward records added to the first piece of a world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.world.catalogue import CONTENT, CONTENTS, COUNTRIES, FORMS, ROLE_MAILBOXES, SITE
from sandbox.world.companies import Companies
from sandbox.world.contacts import DOMAIN_HINT, NO_HINT, Identity, person_ids, truth_rows
from sandbox.world.defects import Defects
from sandbox.world.people import ALIKE_KINDS, CONTACT_ID_BASE, SHARED_MAILBOX, People
from sandbox.world.planting import Flaws
from sandbox.world.sizes import AS_OF, DAY, HOUR
from sandbox.world.text import Column, Ints, iso, join, pick, take, text, timestamps, uuids

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
                "account_hint": "none",
            }
        )
    return pa.Table.from_pylist(rows, schema=contacts.schema), pa.Table.from_pylist(truth)


#: Addresses as typed, what they should become (None = no address), kind, first and last name.
_ODD_ADDRESSES = (
    ("joao.pereira@", None, "email_invalid", "João", "Pereira"),
    ("marie.dupont@exemple,fr", None, "email_invalid", "Marie", "Dupont"),
    ("carlos lima@gmail.com", None, "email_invalid", "Carlos", "Lima"),
    ("mailto:paula.reis.77@gmail.com", "paula.reis.77@gmail.com", "email_spelling", "Paula", "Reis"),
    (" Laura.Gomez.91@HOTMAIL.ES ", "laura.gomez.91@hotmail.es", "email_spelling", "Laura", "Gómez"),
)


def odd_addresses(contacts: pa.Table) -> tuple[pa.Table, pa.Table, Flaws]:
    """Contacts whose address is none or oddly typed, each with a phone of their own; their truth rows and flaws."""
    n = len(_ODD_ADDRESSES)
    rows = contacts.slice(0, n).to_pylist()
    ids = text(CONTACT_ID_BASE - 1_000 + 37 * (10 + np.arange(n, dtype=np.int64)))
    for number, row in enumerate(rows):
        email, _, _, first, last = _ODD_ADDRESSES[number]
        row["id"] = row["hs_object_id"] = ids[number].as_py()
        row |= {"email": email, "phone": f"+55 11 98765-10{number:02d}", "mobilephone": None, "company": None}
        row |= {"firstname": first, "lastname": last, "country": "Brazil", "lifecyclestage": "lead"}
        row |= {"hs_lead_status": "NEW", "numemployees": None, "annualrevenue": None, "hs_email_optout": None}
        row |= {"hs_merged_object_ids": None, "hs_additional_emails": None, "associatedcompanyid": None}
        row |= {"hubspot_owner_id": None, "city": None, "state": None}
    truth = pa.table(
        {
            "source": pa.array(["hubspot"] * n),
            "record_id": ids,
            "person_id": join("person-odd-address-", text(np.arange(n, dtype=np.int64))),
            "company_key": pa.nulls(n, pa.string()),
            "buying_role": pa.array(["unknown"] * n),
            "duplicate_kind": pa.array(["none"] * n),
            "account_hint": pa.array(["none"] * n),
        }
    )
    clean = pa.array([address[1] for address in _ODD_ADDRESSES], type=pa.string())
    flaws = Flaws.of(
        "hubspot", ids, "email", pa.array([address[0] for address in _ODD_ADDRESSES]),
        take(["valid", "invalid"], np.array([address[1] is None for address in _ODD_ADDRESSES], dtype=np.int64)), clean,
        pa.array([address[2] for address in _ODD_ADDRESSES]),
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=contacts.schema), truth, flaws


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


def _plain(schema: pa.Schema, rng: np.random.Generator, n: int, kind: str, device: Column | str, at: Ints) -> pa.Table:
    columns = {name: pa.nulls(n, schema.field(name).type) for name in schema.names}
    columns |= {
        "message_id": uuids(rng, n),
        "type": pa.array([kind] * n, type=pa.string()),
        "anonymous_id": pa.array([device] * n) if isinstance(device, str) else device,
        "event_at": timestamps(at),
        "received_at": timestamps(at + 300),
        "page_url": pa.array(["https://www.pontonorte.io/newsletter"] * n, type=pa.string()),
        "page_path": pa.array(["/newsletter"] * n, type=pa.string()),
        "page_title": pa.array(["Newsletter"] * n, type=pa.string()),
        "user_agent": pa.array(
            ["Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15"] * n, type=pa.string()
        ),
        "ip": pa.array(["189.12.4.7"] * n, type=pa.string()),
        "locale": pa.array(["pt-BR"] * n, type=pa.string()),
        "tracker": pa.array(["segment"] * n, type=pa.string()),
        "properties": pa.array(["{}"] * n, type=pa.string()),
        "traits": pa.array(["{}"] * n, type=pa.string()),
    }
    return pa.table(columns, schema=schema)


@dataclass
class SharedMailboxes:
    """What colleagues who share a mailbox left behind: a record of the mailbox, their forms, their logins."""

    contacts: pa.Table
    events: pa.Table
    submissions: pa.Table
    truth: pa.Table


def shared_mailboxes(
    contacts: pa.Schema,
    events: pa.Schema,
    submissions: pa.Schema,
    identity: Identity,
    people: People,
    companies: Companies,
    rng: np.random.Generator,
) -> SharedMailboxes:
    """Colleagues of one company who each fill a form from its shared address (``info@``), under their own logins.

    The CRM holds the mailbox as a contact without a name. It is nobody's: the truth names it ``shared-mailbox-...``.
    """
    at = np.flatnonzero(people.alike[identity.rows] == SHARED_MAILBOX)
    rows = identity.rows[at]
    n = len(rows)
    first = people.alike_with[rows]
    country = people.country[rows]
    email = join(
        take([names[1] for names in ROLE_MAILBOXES], country), "@", pick(companies.domain, people.company[rows])
    )
    sent = np.minimum(people.capture_at[rows] + (2 * DAY + rng.random(n) * 60 * DAY).astype(np.int64), AS_OF - 2 * HOUR)
    sent -= rng.integers(0, HOUR, n)
    form = FORMS[CONTENT]
    given, family = pick(identity.first, at), pick(identity.last, at)
    company = pc.fill_null(pick(identity.company, at), "")
    url = f"{SITE}{form.path}{CONTENTS[1].slug}"
    answers = join('{"email":"', email, '","firstname":"', given, '","lastname":"', family, '","company":"', company,
                   '","jobtitle":""}')  # fmt: skip
    filled = pa.table(
        {
            "submission_id": uuids(rng, n),
            "form_id": pa.array([form.id] * n, type=pa.string()),
            "submitted_at": timestamps(sent),
            "email": email,
            "page_url": pa.array([url] * n, type=pa.string()),
            "answers": answers,
        },
        schema=submissions,
    )
    traits = join('{"email":"', email, '","firstName":"', given, '","lastName":"', family, '"}')
    logins = _plain(events, rng, n, "identify", uuids(rng, n), sent + 1_000)
    for name, content in (
        ("email", email),
        ("traits", traits),
        ("user_id", text(people.contact_number(rows))),
        ("page_url", pa.array([url] * n, type=pa.string())),
        ("page_path", pa.array([form.path + CONTENTS[1].slug] * n, type=pa.string())),
    ):
        logins = logins.set_column(logins.schema.get_field_index(name), name, content)

    own = np.flatnonzero(first == rows)
    ids = text(people.contact_number(rows[own]) + 5)
    k = len(own)
    stamp = timestamps(sent[own] + 2_000)
    values: dict[str, Column] = {name: pa.nulls(k, contacts.field(name).type) for name in contacts.names}
    values |= {
        "id": ids, "hs_object_id": ids, "created_at": stamp, "updated_at": stamp,
        "archived": pa.array(np.zeros(k, dtype=bool)), "email": pick(email, own), "company": pick(company, own),
        "country": take([c.name for c in COUNTRIES], country[own]), "createdate": iso(sent[own] + 2_000),
        "lastmodifieddate": iso(sent[own] + 2_000), "hs_object_source": pa.array(["FORM"] * k, type=pa.string()),
        "hs_analytics_source": pa.array(["DIRECT_TRAFFIC"] * k, type=pa.string()),
        "lifecyclestage": pa.array(["lead"] * k, type=pa.string()),
        "hs_lead_status": pa.array(["NEW"] * k, type=pa.string()),
    }  # fmt: skip
    truths = []
    own_domain = companies.has_domain[people.company[rows[own]]]
    for source, record in (("hubspot", ids), ("hubspot_forms", pick(email, own)), ("events", pick(email, own))):
        truth = truth_rows(source, record, rows[own], people, "none", np.where(own_domain, DOMAIN_HINT, NO_HINT))
        for name, content in (
            ("person_id", join("shared-mailbox-", text(people.number(rows[own])))),
            ("buying_role", pa.array(["unknown"] * k, type=pa.string())),
        ):
            truth = truth.set_column(truth.schema.get_field_index(name), name, content)
        truths.append(truth)
    return SharedMailboxes(pa.table(values, schema=contacts), logins, filled, pa.concat_tables(truths))


def lookalike_table(people: People) -> pa.Table:
    """Rows of ``truth/lookalikes.parquet``: pairs of different people who look alike, with their CRM records."""
    rows = np.flatnonzero((people.alike > 0) & (people.alike_with >= 0))
    other = people.alike_with[rows]
    # A pair stands once; of a shared mailbox, each further member with the first.
    once = np.where(people.alike[rows] == SHARED_MAILBOX, rows != other, rows < other)
    rows, other = rows[once], other[once]
    return pa.table(
        {
            "kind": take(ALIKE_KINDS, people.alike[rows]),
            "person_id": person_ids(people.number(rows)),
            "other_person_id": person_ids(people.number(other)),
            "record_id": text(people.contact_number(rows)),
            "other_record_id": text(people.contact_number(other)),
        }
    )
