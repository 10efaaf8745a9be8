"""``python -m benchmarks.scoring_inputs WORLD_DIR WAREHOUSE``: what the scoring models read, from a world's files.

Scoring is measured without what comes before it: contacts, accounts, touches and page views are written into the tables
that the scoring models read, with the people and companies that the world planted as if identity had found them all.
Sales calls and meetings (1 % of the events) are left out. The present is 16:00 of the last whole day; the events of the
hours after it wait in a schema of their own, to be added an hour at a time (``add_hour``).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from ingestion.tables import ensure_raw_tables

ROOT = Path(__file__).resolve().parents[1]
#: Hours that wait to be added.
HOURS = 6
#: Where each input stands, and its column of time.
EVENTS = {"marts.fct_touches": "touch_at", "intermediate.int_page_views": "event_at"}
#: Visitors of an hour who become known with it, so that what they did on earlier days changes hands.
NEWLY_KNOWN = 20

_FORM_KINDS = "('newsletter', 'content', 'contact_request', 'demo_request')"

_PEOPLE = """
create table people as
select source, record_id, md5(person_id) as contact_id, md5(company_key) as account_id, buying_role
from read_parquet('{world}/truth/people.parquet');

create table mailboxes as
select lower(record.email) as email, min(people.contact_id) as contact_id
from read_parquet('{world}/hubspot/contacts.parquet') as record
inner join people on people.source = 'hubspot' and people.record_id = record.id
where record.email is not null group by 1;

create table marts.dim_contacts as
select
    people.contact_id, min(people.account_id) as account_id, min(lower(record.email)) as email,
    case when min(record.email) is null then 'missing' else 'valid' end as email_status,
    min(record.jobtitle) as job_title, min(upper(record.country)) as country, min(record.hs_language) as language,
    min(people.buying_role) as buying_role, 'unknown' as seniority, min(record.email) is not null as is_reachable,
    'form' as capture_method
from read_parquet('{world}/hubspot/contacts.parquet') as record
inner join people on people.source = 'hubspot' and people.record_id = record.id
group by people.contact_id;

-- Who is not in the CRM stays anonymous.
create table visitors as
select anonymous_id, md5(max(person_id)) as contact_id
from read_parquet('{world}/truth/touch_channels.parquet')
group by anonymous_id
having md5(max(person_id)) in (select contact_id from marts.dim_contacts);

create table intermediate.int_contact_attributes as
select contact_id, fact.field, 'declared' as value_source, timestamp '2026-10-01' as as_of, true as is_surviving
from marts.dim_contacts
cross join (values ('job_title'), ('country'), ('language'), ('email')) as fact (field);
"""

_COMPANIES = """
create table companies as
select md5(company_key) as account_id, min(domain) as domain, min(country) as country, min(industry) as industry,
    min(employee_count) as employee_count, min(annual_revenue) as annual_revenue,
    coalesce(min(revenue_currency), 'EUR') as currency
from read_parquet('{world}/truth/companies.parquet') group by company_key;

create table codes as
select domain, min(activity_code) as code, min(activity_code_system) as system
from read_csv('{world}/enrichment/*.csv', all_varchar = true) where activity_code is not null group by domain;

create table marts.dim_accounts as select account_id from companies;

create table intermediate.int_account_attributes as
select account_id, fact.field, fact.value, fact.qualifier, 'enriched' as value_source,
    timestamp '2026-10-01' as as_of, true as is_surviving
from (
    select account_id, unnest([
        {{'field': 'country', 'value': country, 'qualifier': null}},
        {{'field': 'industry', 'value': industry, 'qualifier': null}},
        {{'field': 'domain', 'value': domain, 'qualifier': null}},
        {{'field': 'employee_count', 'value': employee_count::varchar, 'qualifier': null}},
        {{'field': 'annual_revenue', 'value': annual_revenue::varchar, 'qualifier': currency}},
        {{'field': 'activity_code', 'value': code, 'qualifier': system}}
    ]) as fact
    from companies left join codes using (domain)
)
where fact.value is not null;

create table intermediate.int_clean_activity_codes as
select distinct code as code_raw, system as system_raw, system as code_system, code, left(code, 5) as nace_class,
    null::varchar as isic_class, left(code, 2) as division, null::varchar as section, 'valid' as code_status
from codes;

create table intermediate.int_clean_domains as
select domain as domain_raw, domain, false as is_shared
from (
    select domain from companies where domain is not null
    union select split_part(email, '@', 2) from marts.dim_contacts where email is not null
);

create table intermediate.int_currency_rates as
select unnest(['EUR', 'USD', 'BRL', 'GBP']) as currency, date '2000-01-01' as valid_from,
    date '9999-12-31' as valid_to, 1.0 as rate;
"""

_EVENTS = """
create table intermediate.int_page_views as
select event.message_id, visitors.contact_id, event.event_at, paths.page_kind,
    event.dwell_seconds::integer as dwell_seconds, event.anonymous_id
from web_events as event
left join visitors on event.anonymous_id = visitors.anonymous_id
left join paths on event.page_path = paths.page_path
where event.type = 'page';

create table marts.fct_touches as
select md5(source_id) as touch_id, contact_id, touch_at, touch_type, signal_detail, channel, campaign, is_machine,
    touch_type not in ('email_bounce') as is_inbound, dwell_seconds
from (
    select session.anonymous_id || session_started_at as source_id, visitors.contact_id,
        session_started_at as touch_at, 'web_session' as touch_type, '/' as signal_detail, channel,
        null::varchar as campaign, false as is_machine, 60::bigint as dwell_seconds
    from read_parquet('{world}/truth/touch_channels.parquet') as session
    left join visitors on session.anonymous_id = visitors.anonymous_id
    union all
    select event.message_id, visitors.contact_id, event.event_at,
        case event.event when 'Content Downloaded' then 'content_download'
            else lower(replace(event.event, ' ', '_')) end,
        'ebook', null, event.utm_campaign, false, null
    from web_events as event
    left join visitors on event.anonymous_id = visitors.anonymous_id
    where event.type = 'track'
    union all
    select event.id, mailboxes.contact_id, event.created_at,
        case event.type when 'OPEN' then 'email_open' when 'CLICK' then 'email_click' when 'BOUNCE' then 'email_bounce'
            else 'email_unsubscribe' end,
        null, null, event.campaign_id, coalesce(event.is_machine, false), null
    from read_parquet('{world}/hubspot/email_events.parquet') as event
    inner join mailboxes on lower(event.recipient) = mailboxes.email
    where event.type in ('OPEN', 'CLICK', 'BOUNCE', 'STATUSCHANGE')
    union all
    select form.submission_id, mailboxes.contact_id, form.submitted_at, 'form_submission',
        {form_kinds}[right(form.form_id, 1)::integer], null, null, false, null
    from read_parquet('{world}/hubspot/form_submissions.parquet') as form
    inner join mailboxes on lower(form.email) = mailboxes.email
);

create table marts.fct_contact_requests as
select touch_id as request_id, contact_id, touch_at as requested_at, signal_detail as form_kind, 'B' as request_group,
    row_number() over (partition by contact_id order by touch_at desc, touch_id) = 1 as is_latest
from marts.fct_touches
where touch_type = 'form_submission' and signal_detail in ('contact_request', 'demo_request') and touch_at <= ?;
"""


def make_inputs(world: Path, warehouse: Path) -> dict[str, int]:
    """Writes the warehouse anew; returns rows by table."""
    for stale in (warehouse, warehouse.with_name(warehouse.name + ".wal")):
        stale.unlink(missing_ok=True)
    about = json.loads((world / "world.json").read_text(encoding="utf-8"))
    last_day = datetime.fromisoformat(about["as_of"]).replace(tzinfo=None, hour=0, minute=0, second=0)
    now = last_day - timedelta(hours=8)
    texts = {"world": str(world).replace("'", "''"), "form_kinds": _FORM_KINDS.translate(str.maketrans("()", "[]"))}
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set preserve_insertion_order = false")
        if limit := os.environ.get("LEADHOUSE_MEMORY_LIMIT"):
            connection.execute("set memory_limit = ?", [limit])
        ensure_raw_tables(connection)
        for schema in ("marts", "intermediate", "waiting"):
            connection.execute(f"create schema if not exists {schema}")
        for part in (_PEOPLE, _COMPANIES):
            connection.execute(part.format(**texts))
        _web_events(connection, world)
        _page_paths(connection)
        views, requests = _EVENTS.format(**texts).split("create table marts.fct_contact_requests")
        connection.execute(views)
        for table, moment in EVENTS.items():
            name = table.split(".")[1]
            connection.execute(
                f"create table waiting.{name} as select *, date_diff('hour', ?, {moment}) as hour_number from {table}"
                f" where {moment} > ? and {moment} <= ?",
                [now, now, now + timedelta(hours=HOURS)],
            )
            connection.execute(f"delete from {table} where {moment} > ?", [now])
        connection.execute("create table marts.fct_contact_requests" + requests, [now])
        connection.execute(
            "create table waiting.visitors as select anonymous_id, row_number() over (order by hash(anonymous_id)) as n"
            " from (select anonymous_id from intermediate.int_page_views where contact_id is null"
            " group by anonymous_id having count(*) > 5)"
        )
        for scratch in ("people", "visitors", "mailboxes", "companies", "codes", "paths"):
            connection.execute(f"drop table {scratch}")
        connection.execute("update raw_ops.run_clock set as_of_at = ?, pinned = true", [now])
        connection.execute("checkpoint")
        return {
            table: connection.execute(f"select count(*) from {table}").fetchall()[0][0]
            for table in (*EVENTS, "marts.dim_contacts", "marts.dim_accounts")
        }


def add_hour(warehouse: Path, number: int) -> int:
    """Adds the events of hour ``number`` (from 0) and moves the clock by one; returns the events added.

    A few visitors become known with it, so that events of earlier days change too.
    """
    added = 0
    with duckdb.connect(str(warehouse)) as connection:
        for table in EVENTS:
            rows = connection.execute(
                f"insert into {table} by name select * exclude (hour_number)"
                f" from waiting.{table.split('.')[1]} where hour_number = ?",
                [number],
            ).fetchall()
            added += int(rows[0][0])
        connection.execute(
            "update intermediate.int_page_views set contact_id = ("
            "select contact_id from marts.dim_contacts order by contact_id limit 1 offset ?)"
            " where anonymous_id in (select anonymous_id from waiting.visitors where n > ? and n <= ?)",
            [number, number * NEWLY_KNOWN, (number + 1) * NEWLY_KNOWN],
        )
        connection.execute("update raw_ops.run_clock set as_of_at = as_of_at + interval 1 hour")
        connection.execute("checkpoint")
    return added


def _web_events(connection: duckdb.DuckDBPyConnection, world: Path) -> None:
    """Large worlds write events as Parquet, the others as the lines that a tracker sends."""
    if list((world / "events").glob("*.parquet")):
        source = f"select * from read_parquet({_quoted(world / 'events' / '*.parquet')})"
    else:
        lines = f"read_ndjson_objects({_quoted(world / 'events' / '*.jsonl.gz')}, ignore_errors = true)"
        source = f"""
            select json->>'messageId' as message_id, json->>'type' as type, json->>'event' as event,
                json->>'anonymousId' as anonymous_id, try_cast(json->>'timestamp' as timestamp) as event_at,
                json->>'$.properties.path' as page_path, json->>'$.context.campaign.name' as utm_campaign,
                (json->>'$.properties.dwell_seconds')::bigint as dwell_seconds
            from {lines}"""
    connection.execute(f"create temp view web_events as {source}")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _page_paths(connection: duckdb.DuckDBPyConnection) -> None:
    with (ROOT / "seeds" / "page_kinds.csv").open(encoding="utf-8", newline="") as file:
        rules = [(int(row["priority"]), row["path_pattern"], row["page_kind"]) for row in csv.DictReader(file)]
    connection.execute("create temp table rules (priority integer, pattern varchar, page_kind varchar)")
    connection.executemany("insert into rules values (?, ?, ?)", rules)
    connection.execute(
        """
        create table paths as
        select page_path, coalesce(arg_min(page_kind, priority), 'other') as page_kind
        from (select distinct page_path from web_events where type = 'page') as seen
        left join rules on regexp_matches(seen.page_path, rules.pattern)
        group by page_path
        """
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring_inputs", description=__doc__)
    parser.add_argument("world", type=Path, help="folder of a world")
    parser.add_argument("warehouse", type=Path, help="DuckDB file to write")
    options = parser.parse_args()
    for table, rows in make_inputs(options.world, options.warehouse).items():
        print(f"{rows:12,} {table}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
