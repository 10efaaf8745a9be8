"""What the instant path reads of a published snapshot: the rows below which nothing is computed again.

An account's *scope* is the key its rows are stored under: ``a:<account_id>``; a contact without an account has a scope
of its own, ``c:<contact_id>``; so has a visitor whom nobody knows, ``v:<visitor_id>``. Every table of schema
``instant`` that belongs to somebody begins with ``scope_key`` and is sorted by it, so that one account's rows lie
together. A visitor that two accounts share (a meeting room's computer) is stored under both, because a visit can only
be cut from all of its pages.

A leaf is a model (or source table) whose rows cannot change by a tracker's event of somebody known; each says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

SCHEMA = "instant"
#: One row: up to when the snapshot holds events, and for which moment it was built.
BUILT = "built_from"

#: Columns of the raw table that the chain reads; the others are null there.
EVENT_COLUMNS = (
    *("message_id", "type", "event", "user_id", "anonymous_id", "email", "event_at", "received_at"),
    *("page_url", "page_path", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"),
    *("click_id_kind", "dwell_seconds", "properties", "_source_file", "_source_row"),
)


@dataclass(frozen=True)
class Leaf:
    """A model that is taken from the snapshot.

    Attributes:
        name: the model's (or source table's) name; the table of schema ``instant`` bears it.
        reason: why new events do not change it, or how they are added.
        query: its rows in the warehouse (``{w}`` is the catalog), with ``scope_key`` where they are somebody's.
        scoped: whether ``query`` has a ``scope_key``; the others are small and read as a whole.
    """

    name: str
    reason: str
    query: str
    scoped: bool = True


def _of_contacts(model: str, schema: str = "intermediate", columns: str = "rows.*", where: str = "true") -> str:
    return (
        f"select scopes.scope_key, {columns} from {{w}}.{schema}.{model} as rows "
        f"inner join contact_scopes as scopes on rows.contact_id = scopes.contact_id where {where}"
    )


def _of_accounts(model: str, schema: str = "intermediate", columns: str = "rows.*") -> str:
    return f"select 'a:' || rows.account_id as scope_key, {columns} from {{w}}.{schema}.{model} as rows"


_FIT = "What somebody is comes from records of the CRM, of forms and of enrichment, which a build reads."

LEAVES = (
    Leaf(
        "events",
        "The visitors' events up to the snapshot; the new ones are added to them, and every visit is cut anew.",
        "select scopes.scope_key, event_visitors.visitor_id, "
        + ", ".join(f"rows.{column}" for column in EVENT_COLUMNS)
        + " from {w}.raw_events.events as rows inner join event_visitors using (message_id) "
        "inner join visitor_scopes as scopes on event_visitors.visitor_id = scopes.visitor_id",
    ),
    Leaf(
        "people",
        "Which contact a record of an event or a form is; people whom only the new events know are added.",
        "select scope_key, record_key, source, record_id, contact_id from record_scopes",
    ),
    Leaf(
        "dim_contacts",
        _FIT,
        _of_contacts("dim_contacts", "marts", "rows.contact_id, rows.account_id, rows.buying_role"),
    ),
    Leaf(
        "dim_accounts",
        "Accounts come from records, never from events.",
        _of_accounts("dim_accounts", "marts", "rows.account_id"),
    ),
    Leaf(
        "int_email_touches",
        "Mails are the CRM's; a tracker knows none. Without its content, which no score reads.",
        _of_contacts(
            "int_email_touches",
            columns="rows.event_id, rows.contact_id, rows.touch_at, rows.touch_type, rows.is_machine, rows.campaign, "
            "cast(null as varchar) as content",
        ),
    ),
    Leaf(
        "stg_hubspot__form_submissions",
        "Forms of the CRM. The visit that a submission belongs to is found anew.",
        "select people.scope_key, rows.submission_id, rows.form_id, rows.submitted_at, rows.email_raw "
        "from {w}.staging.stg_hubspot__form_submissions as rows inner join record_scopes as people "
        "on people.source = 'hubspot_forms' and lower(rows.email_raw) = people.record_id",
    ),
    Leaf(
        "fct_sales_activities",
        "Work of sales, noted in the CRM.",
        _of_contacts(
            "fct_sales_activities",
            "marts",
            "rows.activity_id, rows.contact_id, rows.activity_at, rows.activity_type, rows.direction, rows.outcome, "
            "cast(null as varchar) as title, rows.source, rows.source_record_id",
        ),
    ),
    Leaf(
        "int_stated_values",
        "Answers of the CRM's forms; a tracker's form has no answers that a rule reads.",
        _of_contacts(
            "int_stated_values",
            columns="rows.source_kind, rows.source, rows.source_record_id, rows.contact_id, rows.field, rows.value_key",
            where="rows.source_kind = 'form_answer'",
        ),
    ),
    Leaf("int_contact_fit_lines", _FIT, _of_contacts("int_contact_fit_lines")),
    Leaf("int_contact_fit_ranges", _FIT, _of_contacts("int_contact_fit_ranges")),
    Leaf("int_contact_exclusions", _FIT, _of_contacts("int_contact_exclusions")),
    Leaf(
        "int_account_fit_lines",
        _FIT + " A rate of exchange that changed since is refused.",
        _of_accounts("int_account_fit_lines"),
    ),
    Leaf("int_account_fit_ranges", _FIT, _of_accounts("int_account_fit_ranges")),
    Leaf("int_account_exclusions", _FIT, _of_accounts("int_account_exclusions")),
    Leaf(
        "currencies",
        "Which rates an account's facts rest on: one that changed since is refused.",
        "select 'a:' || account_id as scope_key, upper(qualifier) as currency "
        "from {w}.intermediate.int_account_attributes where is_surviving and field = 'annual_revenue'",
    ),
    *(
        Leaf(name, reason, f"select * from {{w}}.{schema}.{name}", scoped=False)
        for name, schema, reason in (
            ("stg_hubspot__forms", "staging", "The CRM's forms: few, and read by a build."),
            ("int_fit_attribute_ranges", "intermediate", "Made of the rules alone."),
            ("int_rule_texts", "intermediate", "Made of the rules alone."),
            ("int_ruleset_version", "intermediate", "Made of the rules alone."),
            ("int_currency_rates", "intermediate", "Made of the rules alone."),
        )
    ),
)

#: Who bears which identifier, and which company a domain: what the deterministic part of identity asks.
_IDENTITY = {
    "identifiers": """
        select
            identifiers.identifier_type, identifiers.identifier_value, count(*) as record_count,
            count(distinct clusters.contact_id) as contact_count, min(clusters.contact_id) as contact_id
        from {w}.intermediate.int_contact_identifiers as identifiers
        inner join {w}.intermediate.int_contact_clusters as clusters on identifiers.record_key = clusters.record_key
        where identifiers.identifier_type in ('email', 'email_role', 'user_id', 'crm_user_id')
        group by 1, 2 order by identifiers.identifier_value
    """,
    "contacts": """
        select contacts.contact_id, contacts.account_id, lower(contacts.first_name) as first_name,
            lower(contacts.last_name) as last_name, min(records.created_at) as oldest_at
        from {w}.marts.dim_contacts as contacts
        inner join {w}.intermediate.int_contact_clusters as clusters on contacts.contact_id = clusters.contact_id
        inner join {w}.intermediate.int_contact_records as records on clusters.record_key = records.record_key
        group by all order by contacts.contact_id
    """,
    "domains": "select domain, account_id from {w}.intermediate.int_account_domains order by domain",
    "role_mailboxes": "select local_part from {w}.config.role_mailboxes",
    "companyless_domains": """
        select lower(domain) as domain from {w}.config.free_mail_domains
        union select lower(domain) as domain from {w}.config.disposable_domains
    """,
}

#: Whose a contact, a visitor and a record are: helpers of the leaves' queries.
_SCOPES = (
    """
    create temp table contact_scopes as
    select contact_id, coalesce('a:' || account_id, 'c:' || contact_id) as scope_key from {w}.marts.dim_contacts
    """,
    """
    create temp table event_visitors as
    select distinct message_id, visitor_id, person_record_id, anonymous_id from {w}.intermediate.int_events
    """,
    """
    create temp table visitor_scopes as
    with
        known as (
            select visitor_id, contact_id from {w}.intermediate.int_web_sessions where contact_id is not null
            union
            select event_visitors.visitor_id, people.contact_id
            from event_visitors inner join {w}.intermediate.int_event_contacts as people using (person_record_id)
            union
            select event_visitors.visitor_id, devices.contact_id
            from event_visitors inner join {w}.intermediate.int_anonymous_contacts as devices using (anonymous_id)
        ),
        scoped as (select distinct visitor_id, scope_key from known inner join contact_scopes using (contact_id))
    select visitor_id, scope_key from scoped
    union all
    select visitor_id, 'v:' || visitor_id
    from (select distinct visitor_id from event_visitors where visitor_id not in (select visitor_id from scoped))
    """,
    # A device's own people are needed where its events are, whosever they are.
    """
    create temp table record_scopes as
    with
        records as (
            select record_key, source, record_id, contact_id
            from {w}.intermediate.int_contact_records
            inner join {w}.intermediate.int_contact_clusters using (record_key)
            where source in ('events', 'hubspot_forms')
        )
    select scope_key, records.* from records inner join contact_scopes using (contact_id)
    union
    select visitor_scopes.scope_key, records.*
    from records
    inner join event_visitors on records.source = 'events' and records.record_id = event_visitors.person_record_id
    inner join visitor_scopes on event_visitors.visitor_id = visitor_scopes.visitor_id
    """,
)


def write_leaves(
    connection: duckdb.DuckDBPyConnection, warehouse: str, seeds: Mapping[str, str], chain: str
) -> dict[str, int]:
    """Writes schema ``instant`` of an unfinished snapshot; returns rows by table.

    Args:
        connection: on the snapshot, with the warehouse attached as the catalog ``warehouse``.
        warehouse: that catalog's name.
        seeds: the rules that the chain reads, name and schema; copied as they are.
        chain: the scoring statement as JSON, kept beside what it reads.

    Raises:
        duckdb.Error: the warehouse lacks a model that the leaves are made of.
    """
    catalog = f'"{warehouse}"'
    rows: dict[str, int] = {}
    connection.execute(f"create schema {SCHEMA}")
    for statement in _SCOPES:
        connection.execute(statement.format(w=catalog))
    for leaf in LEAVES:
        order = " order by scope_key" if leaf.scoped else ""
        rows[leaf.name] = _created(connection, leaf.name, leaf.query.format(w=catalog) + order)
    for name, query in _IDENTITY.items():
        rows[name] = _created(connection, name, query.format(w=catalog))
    for name, schema in sorted(seeds.items()):
        rows[name] = _created(connection, name, f'select * from {catalog}."{schema}"."{name}"')
    rows["visitors"] = _created(
        connection, "visitors", "select visitor_id, scope_key from visitor_scopes order by visitor_id"
    )
    rows["records"] = _created(
        connection,
        "records",
        "select distinct source, record_id, record_key, contact_id from record_scopes order by source, record_id",
    )
    connection.execute(
        f"create table {SCHEMA}.{BUILT} as select (select as_of_at from {catalog}.intermediate.int_as_of) as as_of_at, "
        f"(select max(_loaded_at) from {catalog}.raw_events.events) as watermark, cast(? as varchar) as chain",
        [chain],
    )
    for helper in ("contact_scopes", "event_visitors", "visitor_scopes", "record_scopes"):
        connection.execute(f"drop table {helper}")
    return rows


def _created(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> int:
    made = connection.execute(f'create table {SCHEMA}."{name}" as {query}').fetchone()
    return int(made[0]) if made else 0


def watermark(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """Up to when (UTC) events had been loaded into the snapshot; None if it holds none."""
    row = connection.execute(f"select watermark from {SCHEMA}.{BUILT}").fetchone()
    return row[0] if row else None
