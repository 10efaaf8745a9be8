"""What every reader of a sample world may rely on."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import phonenumbers
import pyarrow.parquet as pq
import pytest

from ingestion.schemas import HUBSPOT_PROPERTIES, RAW_TABLES
from sandbox.world.catalogue import CALL_OUTCOMES, CHANNELS, DEAL_STAGES
from sandbox.world.generate import WorldError, generate
from sandbox.world.people import DUPLICATE_KINDS

AS_OF = "timestamp '2026-11-01 06:00:00'"


def one(sql: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = sql.execute(query).fetchone()
    assert row is not None
    return row[0]


def none(sql: duckdb.DuckDBPyConnection, query: str) -> None:
    assert sql.execute(query).fetchall() == []


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_seed_same_bytes_other_seed_others(world: Path, tmp_path: Path) -> None:
    generate("small", tmp_path / "again", seed=7)
    assert files(tmp_path / "again") == files(world)
    generate("small", tmp_path / "other", seed=8)
    other = files(tmp_path / "other")
    assert other["hubspot/contacts.parquet"] != (world / "hubspot/contacts.parquet").read_bytes()


def test_unknown_size_and_foreign_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="unknown size"):
        generate("huge", tmp_path / "x")
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(WorldError, match=r"thesis\.txt"):
        generate("small", tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_files_have_the_columns_of_the_raw_tables(world: Path) -> None:
    for path in (world / "hubspot").glob("*.parquet"):
        raw = RAW_TABLES[f"raw_hubspot.{path.stem}"].columns
        schema = pq.read_schema(path)
        properties = set(HUBSPOT_PROPERTIES.get(path.stem, ()))
        expected = {
            c.removeprefix("property_") if c.startswith("property_") else c: raw.field(c).type for c in raw.names
        }
        expected = {c: t for c, t in expected.items() if not c.startswith("_") and c != "properties"}
        if path.stem == "property_history":
            assert set(schema.names) == {c for c in raw.names if not c.startswith("_")}
            continue
        assert set(schema.names) == set(expected), path.stem
        assert properties <= set(schema.names)
        assert {c: schema.field(c).type for c in schema.names} == {c: expected[c] for c in schema.names}


def test_numbers_of_world_json_are_those_of_the_files(world: Path, sql: duckdb.DuckDBPyConnection) -> None:
    told = json.loads((world / "world.json").read_text())
    for path in (world / "hubspot").glob("*.parquet"):
        assert told["counts"][path.stem] == one(sql, f"select count(*) from {path.stem}"), path.stem
    lines = sum(len(gzip.decompress(p.read_bytes()).splitlines()) for p in (world / "events").iterdir())
    assert told["counts"]["event_lines"] == lines
    assert told["counts"]["people"] == 200
    assert 4_000 < lines < 8_000
    assert told["quarantined"] == one(sql, "select count(*) from truth_quarantine")


@pytest.mark.parametrize("table", [*HUBSPOT_PROPERTIES, "owners", "forms", "email_events", "email_campaigns"])
def test_ids_are_unique(sql: duckdb.DuckDBPyConnection, table: str) -> None:
    none(sql, f"select id from {table} group by id having count(*) > 1")


def test_references_lead_somewhere(sql: duckdb.DuckDBPyConnection) -> None:
    for name in ("contacts", "companies", "deals", "calls", "meetings", "emails", "tasks"):
        none(
            sql,
            f"select from_id from associations where from_object = '{name}' and from_id not in (select id from {name})",
        )
        none(sql, f"select to_id from associations where to_object = '{name}' and to_id not in (select id from {name})")
        none(sql, f"select id from {name} where hubspot_owner_id not in (select id from owners)")
    none(sql, "select id from companies where hs_parent_company_id not in (select id from companies)")
    none(sql, "select id from contacts where associatedcompanyid not in (select id from companies)")
    none(sql, "select id from email_events where campaign_id not in (select id from email_campaigns)")
    none(
        sql,
        "select recipient from email_events where recipient not in (select email from contacts where email > '')",
    )
    none(sql, "select submission_id from form_submissions where form_id not in (select id from forms)")
    none(
        sql,
        "select object_id from property_history "
        "where object_type = 'contacts' and object_id not in (select id from contacts)",
    )
    none(
        sql,
        "select object_id from property_history "
        "where object_type = 'deals' and object_id not in (select id from deals)",
    )
    none(sql, "select dealstage from deals where dealstage not in (select stage_id from deal_stages)")


def test_no_two_live_contacts_share_an_address(sql: duckdb.DuckDBPyConnection) -> None:
    none(sql, "select lower(email) from contacts where email is not null group by 1 having count(*) > 1")


def test_every_source_record_has_one_person(sql: duckdb.DuckDBPyConnection) -> None:
    none(sql, "select source, record_id from truth_people group by 1, 2 having count(*) > 1")
    none(sql, "select id from contacts where id not in (select record_id from truth_people where source = 'hubspot')")
    none(
        sql,
        "select record_id from truth_people where source = 'hubspot' and record_id not in (select id from contacts)",
    )
    none(
        sql,
        "select lower(trim(email)) from form_submissions except select record_id from truth_people "
        "where source = 'hubspot_forms'",
    )
    none(
        sql,
        "select record_id from truth_people where source = 'hubspot_forms' except "
        "select lower(trim(email)) from form_submissions",
    )
    none(
        sql,
        "select company_key from truth_people where company_key is not null "
        "except select company_key from truth_companies",
    )


def test_identified_web_people_are_in_the_truth(warehouse: Path, sql: duckdb.DuckDBPyConnection) -> None:
    sql.execute(f"attach if not exists '{warehouse}' as w (read_only)")
    seen = (
        "select lower(email) as record_id from w.raw_events.events where email is not null "
        "union select user_id from w.raw_events.events where user_id is not null"
    )
    none(sql, f"select record_id from ({seen}) except select record_id from truth_people where source = 'events'")
    none(sql, f"select record_id from truth_people where source = 'events' except select record_id from ({seen})")
    web_only = one(
        sql,
        "select count(distinct person_id) from truth_people where source = 'hubspot_forms' "
        "and person_id not in (select person_id from truth_people where source = 'hubspot')",
    )
    assert web_only > 0


def test_duplicates_of_every_kind_are_planted(sql: duckdb.DuckDBPyConnection) -> None:
    kinds = dict(
        sql.execute("select duplicate_kind, count(distinct person_id) from truth_people group by 1").fetchall()
    )
    in_crm_away = one(sql, "select count(*) from contacts where hs_merged_object_ids is not null")
    for kind in DUPLICATE_KINDS:
        if kind not in ("none", "merged"):
            assert kinds.get(kind, 0) >= 2, kind
    assert in_crm_away >= 2
    none(sql, "select id from contacts where id in (select hs_merged_object_ids from contacts)")
    none(sql, "select id from contacts where hs_merged_object_ids is not null and hs_additional_emails is null")
    # Typed in capitals on the web, in small letters in the CRM.
    assert one(sql, "select count(*) from form_submissions where email <> lower(email)") >= 2
    # A tag is a second record's, or tells the members of a family apart.
    plus = one(sql, "select count(*) from contacts where email like '%+%@%'")
    assert plus == kinds["plus"] + one(sql, "select count(*) from truth_lookalikes where kind = 'family_mailbox'")


def test_second_records_can_be_recognised(sql: duckdb.DuckDBPyConnection) -> None:
    """Those without the same address share name and number, however they are written."""
    pairs = sql.execute(
        """
        select a.firstname, b.firstname, a.lastname, b.lastname, coalesce(a.phone, a.mobilephone), b.phone, a.country,
            b.country
        from truth_people as second
        join truth_people as main
            on main.person_id = second.person_id and main.source = 'hubspot' and main.duplicate_kind = 'none'
        join contacts as a on a.id = main.record_id
        join contacts as b on b.id = second.record_id
        where second.source = 'hubspot' and second.duplicate_kind in ('typo', 'personal', 'phone_only')
        """
    ).fetchall()
    assert len(pairs) >= 6
    regions = {"Brazil": "BR", "Brasil": "BR", "BR": "BR", "France": "FR", "france": "FR", "FR": "FR", "Spain": "ES",
               "España": "ES", "ES": "ES", "United States": "US", "USA": "US", "US": "US", "United Kingdom": "GB",
               "UK": "GB", "GB": "GB", None: None}  # fmt: skip
    different = 0
    for first, other_first, last, other_last, phone, other_phone, country, other_country in pairs:
        assert first.lower() == other_first.lower()
        assert last.lower() == other_last.lower()
        one_number = phonenumbers.parse(phone, regions[country])
        assert one_number == phonenumbers.parse(other_phone, regions[other_country])
        assert phonenumbers.is_valid_number(one_number)
        different += phone != other_phone
    assert different > 0


def test_times_are_coherent(sql: duckdb.DuckDBPyConnection) -> None:
    for table in HUBSPOT_PROPERTIES:
        none(sql, f"select id from {table} where created_at > updated_at or updated_at > {AS_OF}")
        changed = "lastmodifieddate" if table == "contacts" else "hs_lastmodifieddate"
        made = "createdate" if table in ("contacts", "companies", "deals") else "hs_createdate"
        none(sql, f"select id from {table} where {changed}::timestamp <> updated_at or {made}::timestamp <> created_at")
    none(sql, f"select changed_at from property_history where changed_at >= {AS_OF}")
    none(
        sql,
        "select c.id from contacts c join property_history h on h.object_id = c.id where h.changed_at < c.created_at "
        "or h.changed_at > c.updated_at + interval 1 minute",
    )
    # Opportunities come after the first sign of life of their main contact, and stages in order.
    none(
        sql,
        """
        select d.id from deals d join associations a on a.from_object = 'deals' and a.from_id = d.id
            and a.to_object = 'contacts' join contacts c on c.id = a.to_id where c.created_at > d.created_at
        """,
    )
    order = ", ".join(f"('{stage[0]}', {min(i, 4)})" for i, stage in enumerate(DEAL_STAGES))
    none(
        sql,
        f"""
        with ranked as (
            select object_id, position, lag(position) over (partition by object_id order by changed_at) as before
            from property_history join (values {order}) as stages(stage, position) on value = stage
            where property = 'dealstage'
        ) select * from ranked where position <= before
        """,
    )
    none(
        sql,
        "select id from deals join (select object_id, max_by(value, changed_at) as last from property_history "
        "where property = 'dealstage' group by 1) on id = object_id where dealstage <> last",
    )


def test_stages_of_contacts_follow_their_history(sql: duckdb.DuckDBPyConnection) -> None:
    ranks = (
        "(values ('subscriber', 0), ('lead', 1), ('marketingqualifiedlead', 2), ('salesqualifiedlead', 3), "
        "('opportunity', 4), ('customer', 5))"
    )
    none(
        sql,
        f"""
        with steps as (
            select object_id, position, lag(position) over (partition by object_id order by changed_at) as before
            from property_history join {ranks} as r(stage, position) on value = stage where property = 'lifecyclestage'
        ) select * from steps where position <= before
        """,
    )
    for name in ("lifecyclestage", "hs_lead_status"):
        none(
            sql,
            f"select id from contacts join (select object_id, max_by(value, changed_at) as last from property_history "
            f"where property = '{name}' group by 1) on id = object_id where {name} <> last",
        )
    reached = dict(
        sql.execute(
            "select value, count(*) from property_history where property = 'lifecyclestage' group by 1"
        ).fetchall()
    )
    for stage, least in (
        ("marketingqualifiedlead", 20),
        ("salesqualifiedlead", 5),
        ("opportunity", 5),
        ("customer", 3),
    ):
        assert reached[stage] >= least, stage
    assert (
        one(sql, "select count(*) from property_history where value = 'IN_PROGRESS' and source_type = 'CRM_UI'") >= 15
    )
    stages = {row[0] for row in sql.execute("select dealstage from deals").fetchall()}
    assert {"closedwon", "closedlost"} < stages


def test_sales_activities(sql: duckdb.DuckDBPyConnection) -> None:
    outcomes = {row[0] for row in sql.execute("select distinct hs_call_disposition from calls").fetchall()}
    assert outcomes - {None} <= set(CALL_OUTCOMES.values())
    assert CALL_OUTCOMES["connected"] in outcomes
    kinds = {row[0] for row in sql.execute("select distinct hs_meeting_outcome from meetings").fetchall()}
    assert "COMPLETED" in kinds
    none(
        sql,
        "select id from meetings "
        f"where hs_meeting_outcome = 'COMPLETED' and hs_meeting_start_time::timestamp > {AS_OF}",
    )
    # A call is placed after the person asked for it.
    none(
        sql,
        """
        select calls.id from calls join associations a on a.from_object = 'calls' and a.from_id = calls.id
        join contacts c on c.id = a.to_id where calls.created_at < c.created_at - interval 5 second
        """,
    )


def test_marketing_mail(sql: duckdb.DuckDBPyConnection) -> None:
    counts = dict(sql.execute("select type, count(*) from email_events group by 1").fetchall())
    assert {"SENT", "DELIVERED", "OPEN", "CLICK", "BOUNCE", "STATUSCHANGE"} == set(counts)
    assert one(sql, "select count(*) from email_events where is_machine and type = 'OPEN'") > 100
    none(sql, "select id from email_events where is_machine and type <> 'OPEN'")
    none(
        sql,
        "select s.recipient from email_events s join email_events o using (recipient) "
        "where s.type = 'SENT' and o.type = 'STATUSCHANGE' and s.created_at > o.created_at",
    )
    none(
        sql,
        "select email from contacts where email > '' and (coalesce(hs_email_optout, 'false') = 'true') <> "
        "(email in (select recipient from email_events where type = 'STATUSCHANGE'))",
    )
    none(
        sql,
        "select c.recipient from email_events c where c.type = 'CLICK' and not exists (select 1 from email_events o "
        "where o.type = 'OPEN' and o.recipient = c.recipient and o.campaign_id = c.campaign_id "
        "and o.created_at < c.created_at)",
    )


def test_sessions_of_the_truth_are_those_of_a_thirty_minute_gap(
    warehouse: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    sql.execute(f"attach if not exists '{warehouse}' as w (read_only)")
    sql.execute(
        """
        create or replace temp table found as
        with views as (
            select distinct anonymous_id, event_at from w.raw_events.events
            where type = 'page' and anonymous_id is not null
        ),
        gaps as (
            select *, event_at - lag(event_at) over (partition by anonymous_id order by event_at) as gap from views
        )
        select anonymous_id, event_at as session_started_at from gaps where gap is null or gap > interval 30 minute
        """
    )
    truth = "select anonymous_id, session_started_at from truth_touch_channels"
    none(sql, f"select * from found except {truth}")
    none(sql, f"{truth} except select * from found")
    assert {r[0] for r in sql.execute("select distinct channel from truth_touch_channels").fetchall()} <= set(CHANNELS)
    assert one(sql, "select count(*) from truth_touch_channels where person_id is null") > 200
    assert one(sql, "select count(distinct channel) from truth_touch_channels") == len(CHANNELS)


def test_people_are_anonymous_until_they_identify_themselves(warehouse: Path, sql: duckdb.DuckDBPyConnection) -> None:
    sql.execute(f"attach if not exists '{warehouse}' as w (read_only)")
    none(
        sql,
        """
        select p.message_id from w.raw_events.events p
        left join (
            select anonymous_id, min(event_at) as at from w.raw_events.events where type = 'identify' group by 1
        ) i using (anonymous_id)
        where p.type = 'page' and p.user_id is not null and (i.at is null or p.event_at < i.at)
        """,
    )
    # A form and the identify call go together.
    alone = one(
        sql,
        """
        select count(*) from form_submissions f where not exists (
            select 1 from w.raw_events.events e where e.type = 'identify' and lower(e.email) = lower(f.email)
                and e.event_at between f.submitted_at and f.submitted_at + interval 2 second)
        """,
    )
    assert alone == 0


def test_planted_bad_rows_are_refused_for_their_reason(warehouse: Path, sql: duckdb.DuckDBPyConnection) -> None:
    sql.execute(f"attach if not exists '{warehouse}' as w (read_only)")
    key = "entity, file, row_number, reason_code"
    planted = f"select {key} from truth_quarantine where source <> 'hubspot'"
    refused = f"select {key} from w.raw_quarantine.records"
    none(sql, f"{planted} except {refused}")
    none(sql, f"{refused} except {planted}")
    reasons = Counter(r[0] for r in sql.execute("select reason_code from truth_quarantine").fetchall())
    assert set(reasons) == {
        "malformed_json", "missing_timestamp", "missing_identity", "no_usable_identifier", "bad_number",
        "unknown_currency", "missing_domain",
    }  # fmt: skip
    none(
        sql,
        "select id from contacts where id in (select record_id from truth_quarantine) "
        "and (phone is not null or mobilephone is not null or email like '%_@_%._%')",
    )


def test_repeated_messages_are_counted(world: Path, warehouse: Path, sql: duckdb.DuckDBPyConnection) -> None:
    sql.execute(f"attach if not exists '{warehouse}' as w (read_only)")
    again = one(sql, "select count(*) - count(distinct message_id) from w.raw_events.events")
    assert again == json.loads((world / "world.json").read_text())["counts"]["repeated_messages"] > 0


def test_companies_are_a_forest_with_codes(sql: duckdb.DuckDBPyConnection) -> None:
    assert one(sql, "select count(*) from companies where hs_parent_company_id is not null") >= 4
    links = dict(sql.execute("select company_key, parent_key from truth_companies").fetchall())
    for start in links:
        seen, at = set(), start
        while at is not None:
            assert at not in seen, f"{start} is its own ancestor"
            seen.add(at)
            at = links.get(at)
    systems = dict(sql.execute("select activity_code_system, count(*) from companies group by 1").fetchall())
    assert systems["NAF"] > 0
    assert systems["CNAE"] > 0
    assert one(sql, "select count(*) from truth_companies where is_competitor") >= 2


def test_money_is_in_several_currencies(warehouse: Path, sql: duckdb.DuckDBPyConnection) -> None:
    sql.execute(f"attach if not exists '{warehouse}' as w (read_only)")
    spend = {r[0] for r in sql.execute("select distinct currency from w.raw_ads.spend").fetchall()}
    assert spend == {"EUR", "BRL"}
    platforms = {r[0] for r in sql.execute("select distinct platform from w.raw_ads.spend").fetchall()}
    assert platforms == {"google_ads", "linkedin_ads", "meta_ads", "bing_ads"}
    assert {r[0] for r in sql.execute("select distinct deal_currency_code from deals").fetchall()} <= {
        "EUR",
        "BRL",
        "USD",
    }
