"""Who is who, whose visits, which account, and that nothing is lost: dbt on a small world written by hand."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.integration.dbt_core.conftest import AS_OF, company, contact, crm, event, moment, page, write_raw

CHAIN = 500
RANDOM = 300
MODELS = (
    "+path:models/intermediate/identity",
    "+path:models/marts/core",
    "+path:models/marts/quality",
    "+path:models/marts/activation/observed",
)


def chain() -> list[dict[str, Any]]:
    """Each record shares an address with the next one only: 500 records, one person."""
    numbers = list(range(CHAIN))
    random.Random(3).shuffle(numbers)
    return [
        contact(f"c{n:03}", days=age, email=f"link{n}@chain.example", hs_additional_emails=f"link{n + 1}@chain.example")
        for age, n in enumerate(numbers)
    ]


def random_graph() -> tuple[list[dict[str, Any]], list[set[str]]]:
    """Records that share addresses at random, and the people that a union of shared addresses gives."""
    dice = random.Random(5)
    rows, people = [], []
    for n in range(RANDOM):
        addresses = sorted({f"pool{dice.randrange(420)}@random.example" for _ in range(dice.randint(1, 4))})
        dice.shuffle(addresses)
        properties = {"email": addresses[0]}
        if addresses[1:]:
            properties["hs_additional_emails"] = ";".join(addresses[1:])
        rows.append(contact(f"r{n:03}", days=dice.uniform(0, 200), **properties))
        people.append(({f"r{n:03}"}, set(addresses)))
    merged: list[tuple[set[str], set[str]]] = []
    for records, addresses in people:
        touching = [person for person in merged if person[1] & addresses]
        merged = [person for person in merged if not person[1] & addresses]
        merged.append(
            (records.union(*(person[0] for person in touching)), addresses.union(*(person[1] for person in touching)))
        )
    return rows, [records for records, _ in merged]


CONTACTS = [
    *chain(),
    *random_graph()[0],
    # 30 records of one mailbox: more than seeds/identifier_rules.csv allows, so it links nothing.
    *[contact(f"h{n}", email=f"hub{n}@hub.example", hs_additional_emails="desk@hub.example") for n in range(30)],
    contact("p1", 1, email="ana@work.example", firstname="Ana", lastname="Souza", phone="(11) 98765-4321",
            country="Brasil"),
    contact("p2", 2, email="ana.s@gmail.com", firstname="ANA", lastname="SOUZA", phone="+55 11 98765 4321"),
    contact("p3", 3, email="bia@work.example", firstname="Bia", lastname="Lima", phone="11 98765-4321", country="BR"),
    contact("m1", 1, email="mia@old.example"),
    contact("m2", 2, email="mia@new.example", hs_merged_object_ids="m1;m0"),
    contact("q1", 1, email="not an address", firstname="Quim"),
    contact("q2", 1, email="also bad@", phone="12"),
    contact("a1", 1, email="gone@work.example", archived=True),
    contact("a2", 5, email="Gone+x@work.example"),
    contact("d1", 1, email="eva@sub.acme.example", jobtitle="Co-founder & CEO", associatedcompanyid="k2"),
    contact("d2", 1, email="leo@acme.example", jobtitle="Estagiário de TI", hs_email_optout="true"),
    contact("u1", 1, email="uma@free-agent.example"),
]  # fmt: skip

COMPANIES = [
    company("k1", 1, name="Acme SA", domain="acme.example", country="France", numberofemployees="50"),
    company("k2", 2, name="ACME", domain="www.acme.example", annualrevenue="1000.50"),
    company("k3", 3, name="Acme Nord", domain="acme.example", hs_parent_company_id="k1"),
    company("k4", 3, name="Round one", domain="round-one.example", hs_parent_company_id="k5"),
    company("k5", 3, name="Round two", domain="round-two.example", hs_parent_company_id="k4"),
    company("k6", 3, name="Freelancer", domain="gmail.com"),
]

DEALS = [
    crm("deals", "o1", 10, dealname="One", amount="1000", deal_currency_code="EUR", dealstage="closedwon",
        closedate="2026-02-01T00:00:00Z"),
    crm("deals", "o2", 10, dealname="Two", amount="2000", deal_currency_code="XXX", dealstage="presentationscheduled"),
    crm("deals", "o3", 10, dealname="Three", amount="3000", dealstage="closedlost", archived=True),
]  # fmt: skip

LINKS = [
    ("contacts", "d2", "companies", "k1", 1),
    ("deals", "o1", "companies", "k2", 5),
    ("deals", "o1", "contacts", "d2", 3),
]

FORMS = [{"id": "f1", "name": "Pedido de demonstração"}, {"id": "f2", "name": "Newsletter"}]

SUBMISSIONS = [
    ("s1", "f1", "Leo+site@ACME.example", moment(20, 10)),
    ("s2", "f2", "new@unknown-firm.example", moment(21)),
    ("s3", "f2", "new@unknown-firm.example", moment(22)),
    ("s4", "f2", "broken@", moment(22)),
    ("s5", "f2", None, moment(22)),
    ("s6", "f2", "solo@gmail.com", moment(23)),
]

EVENTS = [
    page("e1", "dev1", moment(20), "/pricing", utm_source="google", utm_medium="cpc", dwell_seconds=40),
    page("e2", "dev1", moment(20, 9), "/blog/x", dwell_seconds=99_999),
    page("e2", "dev1", moment(20, 9.5), "/blog/x"),
    page("e3", "dev1", moment(20, 45), "/", referrer="https://site.example/blog"),
    event("identify", "e4", "dev1", moment(20, 50), email="leo@acme.example"),
    event("track", "e5", "dev1", moment(20, 46), event="Content Downloaded", properties='{"content_kind":"ebook"}'),
    event("track", "e6", "dev1", moment(20, 12), event="Form Submitted", properties='{"form":"demo"}'),
    page("e7", "dev2", moment(30), "/"),
    *[event("identify", f"e8{n}", "kiosk", moment(30, n), email=f"shared{n}@work.example") for n in range(4)],
    page("e9", "kiosk", moment(30, 30), "/"),
    event("track", "e10", None, moment(31), event="Webinar Attended", user_id="u1", properties='{"webinar_name":"W"}'),
]


def rows(shuffled: int | None = None) -> dict[str, list[dict[str, Any]]]:
    world: dict[str, list[dict[str, Any]]] = {
        "raw_hubspot.contacts": [dict(row) for row in CONTACTS],
        "raw_hubspot.companies": COMPANIES,
        "raw_hubspot.deals": DEALS,
        "raw_hubspot.associations": [
            {"from_object": a, "from_id": b, "to_object": c, "to_id": d, "type_id": e, "category": "HUBSPOT_DEFINED"}
            for a, b, c, d, e in LINKS
        ],
        "raw_hubspot.forms": FORMS,
        "raw_hubspot.form_submissions": [
            {"submission_id": a, "form_id": b, "email": c, "submitted_at": d} for a, b, c, d in SUBMISSIONS
        ],
        "raw_events.events": EVENTS,
        "raw_quarantine.records": [
            {"source": "events", "entity": "raw_events.events", "file": "2026.jsonl", "row_number": 7,
             "reason_code": "malformed_json", "reason": "not JSON", "_loaded_at": AS_OF}
        ],
        "raw_enrichment.companies": [
            {"domain": "https://acme.example", "employee_count": "80", "provider": "p", "enriched_at": moment(n),
             "_source_file": "p.csv", "_source_row": n}
            for n in (1, 2)
        ] + [
            {"domain": "localhost", "provider": "p", "enriched_at": moment(1), "_source_file": "p.csv"}
        ],
    }  # fmt: skip
    if shuffled is not None:
        for table_rows in world.values():
            random.Random(shuffled).shuffle(table_rows)
    return world


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, dbt_build: Callable[..., Any]
) -> Iterator[duckdb.DuckDBPyConnection]:
    path = write_raw(tmp_path_factory.mktemp("core") / "core.duckdb", rows())
    dbt_build(path, *MODELS)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def contact_of(connection: duckdb.DuckDBPyConnection, record_id: str, source: str = "hubspot") -> str | None:
    found = connection.execute(
        "select contact_id from intermediate.int_contact_clusters inner join intermediate.int_contact_records"
        " using (record_key) where record_id = ? and source = ?",
        [record_id, source],
    ).fetchone()
    return found[0] if found else None


def one(connection: duckdb.DuckDBPyConnection, query: str, *values: Any) -> Any:
    found = connection.execute(query, list(values)).fetchall()
    assert len(found) == 1, found
    return found[0] if len(found[0]) > 1 else found[0][0]


def test_a_chain_of_500_records_is_one_person(built: duckdb.DuckDBPyConnection) -> None:
    people = {contact_of(built, f"c{n:03}") for n in range(CHAIN)}
    assert len(people) == 1
    assert one(built, "select source_record_count from marts.dim_contacts where contact_id = ?", people.pop()) == CHAIN


def test_closure_equals_the_union_of_shared_addresses(built: duckdb.DuckDBPyConnection) -> None:
    found: dict[str, set[str]] = {}
    for record_id, contact_id in built.execute(
        "select record_id, contact_id from intermediate.int_contact_records"
        " inner join intermediate.int_contact_clusters using (record_key) where record_id like 'r___'"
    ).fetchall():
        found.setdefault(contact_id, set()).add(record_id)
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, random_graph()[1]))


def test_an_identifier_over_its_limit_links_nothing_and_is_listed(built: duckdb.DuckDBPyConnection) -> None:
    assert len({contact_of(built, f"h{n}") for n in range(30)}) == 30
    assert one(built, "select identifier_value, record_count from intermediate.int_identifiers_over_limit") == (
        "desk@hub.example", 30,
    )  # fmt: skip


def test_phone_and_name_link_across_formats_and_phone_alone_does_not(built: duckdb.DuckDBPyConnection) -> None:
    assert contact_of(built, "p1") == contact_of(built, "p2")
    assert contact_of(built, "p1") != contact_of(built, "p3")
    kinds = built.execute(
        "select distinct identifier_type from marts.fct_contact_merges where record_id = 'p2'"
    ).fetchall()
    assert kinds == [("phone_name",)]


def test_records_merged_in_the_crm_are_one_person_with_one_live_record(built: duckdb.DuckDBPyConnection) -> None:
    person = contact_of(built, "m1")
    assert person == contact_of(built, "m2")
    assert one(
        built, "select hubspot_record_id, hubspot_record_count from marts.dim_contacts where contact_id = ?", person
    ) == ("m2", 1)
    assert one(built, "select is_archived from marts.observed_hubspot_contacts where record_id = 'm1'") is True
    assert one(
        built, "select survivor_id from intermediate.int_contact_crm_ids where record_id = 'm0'"
    ) == "m2"  # fmt: skip


def test_an_archived_record_lends_its_history_but_takes_no_writes(built: duckdb.DuckDBPyConnection) -> None:
    person = contact_of(built, "a1")
    assert person == contact_of(built, "a2")
    assert one(built, "select hubspot_record_id from marts.dim_contacts where contact_id = ?", person) == "a2"


def test_a_record_nobody_can_be_reached_by_is_set_aside(built: duckdb.DuckDBPyConnection) -> None:
    aside = built.execute(
        "select record_id, reason_code from marts.mart_quarantine where entity = 'raw_hubspot.contacts' order by 1"
    ).fetchall()
    assert aside == [("q1", "no_usable_identifier"), ("q2", "no_usable_identifier")]
    assert contact_of(built, "q1") is None


def test_records_are_conserved(built: duckdb.DuckDBPyConnection) -> None:
    found = {
        (source, entity): numbers
        for source, entity, *numbers in built.execute(
            "select source, entity, raw_records, kept, merged, quarantined + erased from marts.mart_record_conservation"
        ).fetchall()
    }
    assert all(raw == kept + merged + aside for raw, kept, merged, aside in found.values())
    assert found["events", "events"] == [len(EVENTS) + 1, len(EVENTS) - 1, 1, 1]
    assert found["hubspot", "contacts"][0] == len(CONTACTS)
    assert found["hubspot", "contacts"][3] == 2
    assert found["hubspot", "form_submissions"][3] == 2
    assert found["hubspot", "deals"] == [3, 2, 0, 1]
    assert found["enrichment", "companies"] == [3, 1, 1, 1]
    people = sum(
        numbers[1] for (_, entity), numbers in found.items() if entity in ("contacts", "people", "form_submissions")
    )
    assert people == one(built, "select count(*) from marts.dim_contacts")


def test_forms_find_their_person_or_make_one(built: duckdb.DuckDBPyConnection) -> None:
    assert contact_of(built, "leo+site@acme.example", "hubspot_forms") == contact_of(built, "d2")
    new = contact_of(built, "new@unknown-firm.example", "hubspot_forms")
    assert one(
        built,
        "select domain, match_method from marts.dim_contacts inner join marts.dim_accounts using (account_id)"
        " where contact_id = ?",
        new,
    ) == ("unknown-firm.example", "domain")
    solo = contact_of(built, "solo@gmail.com", "hubspot_forms")
    assert one(built, "select account_id from marts.dim_contacts where contact_id = ?", solo) is None
    assert one(built, "select count(*) from marts.dim_accounts where domain = 'gmail.com'") == 0


def test_accounts_by_domain_and_hierarchy(built: duckdb.DuckDBPyConnection) -> None:
    accounts = {
        record: (account, root, name)
        for record, account, root, name in built.execute(
            "select record_id, account_id, root_account_id, account_name from intermediate.int_account_records"
            " inner join intermediate.int_account_clusters using (record_key)"
            " inner join marts.dim_accounts using (account_id)"
        ).fetchall()
    }
    assert accounts["k1"] == accounts["k2"], "one domain is one account"
    assert accounts["k1"][2] == "Acme SA", "the oldest CRM record names it"
    assert accounts["k3"][0] != accounts["k1"][0], "a subsidiary with the parent's domain stays apart"
    assert accounts["k3"][1] == accounts["k1"][0]
    assert accounts["k4"][1] == accounts["k5"][1], "a circle of parents has one root"
    assert one(
        built, "select employee_count, annual_revenue from marts.dim_accounts where account_id = ?", accounts["k1"][0]
    ) == (80, pytest.approx(1000.50)), "enriched before declared; a declared value survives where nothing else is known"
    for record in ("d1", "d2"):
        person = contact_of(built, record)
        assert one(built, "select account_id from marts.dim_contacts where contact_id = ?", person) == accounts["k1"][0]


def test_roles_and_consent(built: duckdb.DuckDBPyConnection) -> None:
    query = "select buying_role, seniority, is_opted_out from marts.dim_contacts where contact_id = ?"
    assert one(built, query, contact_of(built, "d1")) == ("decision_maker", "c_level", False)
    assert one(built, query, contact_of(built, "d2")) == ("intern", "intern", True)


def test_visits_end_after_the_gap_and_anonymous_history_joins_the_person(built: duckdb.DuckDBPyConnection) -> None:
    leo = contact_of(built, "d2")
    visits = built.execute(
        "select page_views, dwell_seconds, channel, landing_path, contact_id = ? from intermediate.int_web_sessions"
        " where anonymous_id = 'dev1' order by session_started_at",
        [leo],
    ).fetchall()
    assert visits == [(2, 40 + 1800, "paid_search", "/pricing", True), (1, 0, "direct", "/", True)]
    assert one(built, "select contact_id from intermediate.int_web_sessions where anonymous_id = 'dev2'") is None


def test_a_shared_device_is_nobodys(built: duckdb.DuckDBPyConnection) -> None:
    assert len({contact_of(built, f"shared{n}@work.example", "events") for n in range(4)}) == 4
    assert one(built, "select contact_id from intermediate.int_web_sessions where anonymous_id = 'kiosk'") is None


def test_touches_have_channel_kind_and_person(built: duckdb.DuckDBPyConnection) -> None:
    leo = contact_of(built, "d2")
    touches = built.execute(
        "select touch_type, signal_detail, channel, source_record_id from marts.fct_touches"
        " where contact_id = ? and touch_type != 'web_session' order by touch_at",
        [leo],
    ).fetchall()
    assert touches == [
        ("form_submission", "demo_request", "paid_search", "s1"),
        ("content_download", "ebook", "direct", "e5"),
    ], "the tracker's sighting of the CRM's form is not a second touch"
    webinar = one(
        built, "select contact_id, signal_detail, channel from marts.fct_touches where source_record_id = 'e10'"
    )
    assert webinar == (contact_of(built, "u1"), "W", "webinar"), "a login that is a CRM id is that contact"


def test_opportunities(built: duckdb.DuckDBPyConnection) -> None:
    found = built.execute(
        "select source_record_id, stage_kind, amount, amount_reporting, account_id is not null, contact_id"
        " from marts.fct_opportunities order by 1"
    ).fetchall()
    assert [(a, b, float(c), d and float(d), e) for a, b, c, d, e, _ in found] == [
        ("o1", "won", 1000.0, 1000.0, True),
        ("o2", "open", 2000.0, None, False),
    ]
    assert found[0][5] == contact_of(built, "d2")
    assert one(built, "select reason_code from marts.mart_unmatched_opportunities") == "no_association"


def test_order_of_rows_changes_nothing(
    tmp_path: Path, built: duckdb.DuckDBPyConnection, dbt_build: Callable[..., Any]
) -> None:
    path = write_raw(tmp_path / "shuffled.duckdb", rows(shuffled=11))
    dbt_build(path, "+dim_contacts", "+dim_accounts", "--exclude", "resource_type:test")
    with duckdb.connect(str(path), read_only=True) as shuffled:
        for query in (
            "select record_key, contact_id, is_oldest from intermediate.int_contact_clusters order by all",
            "select * from marts.dim_contacts order by all",
            "select * from marts.dim_accounts order by all",
        ):
            assert shuffled.execute(query).fetchall() == built.execute(query).fetchall()


def test_the_whole_project_and_every_dbt_test_hold_on_empty_raw_tables(
    tmp_path: Path, dbt_build: Callable[..., Any]
) -> None:
    path = write_raw(tmp_path / "empty.duckdb", {})
    dbt_build(path, "leadhouse", "--target-path", str(tmp_path / "target"))
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.dim_contacts").fetchone() == (0,)
    results = json.loads((tmp_path / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    ended = Counter((result["unique_id"].split(".")[0], result["status"]) for result in results)
    assert ended["unit_test", "pass"] >= 20, "the unit tests of scoring, stages and attribution run here"
    assert ended["test", "pass"] > 100
    assert not {status for _, status in ended} - {"success", "pass", "no-op"}, ended
