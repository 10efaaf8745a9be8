"""Removing a person from one DuckDB file: raw tables by rules, everything derived from them by what identifies the
person, texts by name and address, and the bytes by writing the file anew.

Derived tables are swept by column, not by a list of tables: a model that is added tomorrow is swept as well. A row
goes when it is about the person (it bears the contact's id, a record's key or id, a device, an address); where the
person is only named in a row about something else (a deal's contact, an account's committee), the name goes and the
row stays. The next build computes sums and accounts anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from hygiene import duckdb_plugin, patterns
from privacy.tombstones import ERASED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.erasure_person import Dossier

#: Rules are nobody's records; what a seed says of a person is told to the user (orchestration/erasure.py).
_NOT_SWEPT = ("config", "information_schema", "pg_catalog")
#: Names of columns that hold the key of something, or a hash.
_KEY_COLUMN = re.compile(r"(^|_)(id|ids|key|hash|node|component|value|[lrab])(_|$)")
_RECORD_COLUMN = re.compile(r"(^|_)(record_id|record|user_id|object_id|from_id|to_id|who_id)(_|$)")
_EVENT_COLUMNS = frozenset(
    {"message_id", "submission_id", "source_record_id", "event_id", "activity_id", "evidence_id"}
)
_DEVICE_COLUMNS = frozenset({"anonymous_id", "visitor_id", "device_id"})
_ADDRESS_COLUMN = re.compile(r"email|recipient|identifier_value|address")
#: Tables about companies and deals: ids of people's records may equal theirs, and rows stay.
_OF_OTHERS = re.compile(r"account|compan|domain|opportunit|deal|owner")
_OF_PEOPLE = re.compile(r"contact|people|person|lead")
#: Columns that name a company: a company that bears its owner's name keeps it.
_COMPANY_NAME = re.compile(r"account_name|company|domain|website")
_SHORTEST_NAME, _SHORTEST_PHONE = 6, 7


def purge(connection: duckdb.DuckDBPyConnection, dossier: Dossier) -> dict[str, int]:
    """Remove the person from every table of the open file, in one transaction; returns the rows concerned by table."""
    return _Purge(connection, dossier).run()


def preview(connection: duckdb.DuckDBPyConnection, dossier: Dossier) -> dict[str, int]:
    """The rows by table that :func:`purge` would concern. The file may be open for reading only."""
    return _Purge(connection, dossier, is_dry=True).run()


def remaining(connection: duckdb.DuckDBPyConnection, dossier: Dossier) -> dict[str, int]:
    """Rows by table whose text still holds an address, a contact id or a record key of the person."""
    needles = [*dossier.addresses, *dossier.contact_ids, *dossier.record_keys]
    found: dict[str, int] = {}
    for table, columns in _tables(connection).items():
        if columns and needles:
            any_column = " or ".join(f"regexp_matches({_quoted(c)}, $pattern, 'i')" for c in columns)
            count = f"select count(*) from {table} where {any_column}"
            rows = connection.execute(count, {"pattern": _pattern(needles)}).fetchone()
            if rows and rows[0]:
                found[table] = int(rows[0])
    return found


@contextmanager
def opened_for_good(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file open for writing, with the functions that its views call. Held by this process until closed."""
    connection = duckdb.connect(str(path))
    try:
        connection.execute("set TimeZone = 'UTC'")
        duckdb_plugin.register(connection)
        patterns.register(connection)
        yield connection
    finally:
        connection.close()


def write_anew(connection: duckdb.DuckDBPyConnection, fresh: Path) -> None:
    """Copy what the open file holds into a new one: deleted rows stay behind, also their bytes.

    A view that cannot be copied is left out (the next build makes it again).
    """
    for leftover in (fresh, fresh.with_name(fresh.name + ".wal")):
        leftover.unlink(missing_ok=True)
    row = connection.execute("select current_database()").fetchone()
    assert row is not None
    source = _quoted(str(row[0]))
    escaped = str(fresh).replace("'", "''")
    connection.execute("checkpoint")
    connection.execute(f"attach '{escaped}' as fresh")
    try:
        views = connection.execute(
            "select schema_name, view_name, sql from duckdb_views() where not internal and database_name = "
            "current_database()"
        ).fetchall()
        connection.execute("begin")
        for (schema,) in connection.execute(
            "select distinct schema_name from duckdb_schemas() where database_name = current_database() "
            "and not internal"
        ).fetchall():
            connection.execute(f"create schema if not exists fresh.{_quoted(schema)}")
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database() "
            "and not internal"
        ).fetchall():
            name = f"{_quoted(schema)}.{_quoted(table)}"
            ddl = connection.execute(
                "select sql from duckdb_tables() where database_name = current_database() and schema_name = ? "
                "and table_name = ?",
                [schema, table],
            ).fetchone()
            assert ddl is not None
            head, _, rest = str(ddl[0]).partition("(")
            assert head.upper().startswith("CREATE TABLE")
            connection.execute(f"create table fresh.{name} ({rest}")
            connection.execute(f"insert into fresh.{name} select * from {source}.{name}")
        connection.execute("commit")
        connection.execute("checkpoint fresh")
    finally:
        connection.execute("detach fresh")
    _copy_views(fresh, str(row[0]), views)


def _copy_views(fresh: Path, catalog: str, views: Sequence[tuple[str, str, str]]) -> None:
    """Views name their inputs with the catalog's name: they are made in a connection where that is the new file's."""
    connection = duckdb.connect()
    try:
        duckdb_plugin.register(connection)
        patterns.register(connection)
        escaped = str(fresh).replace("'", "''")
        connection.execute(f"attach '{escaped}' as {_quoted(catalog)}")
        connection.execute(f"use {_quoted(catalog)}")
        left = list(views)
        while left:
            failed = []
            for view in left:
                try:
                    connection.execute(view[2])
                except duckdb.Error:
                    failed.append(view)
            if len(failed) == len(left):
                break  # read from files or catalogs that are not here
            left = failed
        connection.execute("use memory")
        connection.execute(f"checkpoint {_quoted(catalog)}")
        connection.execute(f"detach {_quoted(catalog)}")
    finally:
        connection.close()


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Text columns by table (qualified, quoted) of everything that is swept."""
    rows = connection.execute(
        """
        select columns.schema_name, columns.table_name, columns.column_name, columns.data_type
        from duckdb_columns() as columns
        join duckdb_tables() as tables on tables.table_oid = columns.table_oid
            and tables.database_name = columns.database_name
        where columns.database_name = current_database() and not columns.internal and not tables.temporary
        order by columns.schema_name, columns.table_name, columns.column_index
        """
    ).fetchall()
    found: dict[str, list[str]] = {}
    for schema, table, column, data_type in rows:
        if schema in _NOT_SWEPT or table.startswith("_dlt_"):
            continue
        columns = found.setdefault(f"{_quoted(schema)}.{_quoted(table)}", [])
        if data_type == "VARCHAR":
            columns.append(column)
    return found


class _Purge:
    def __init__(self, connection: duckdb.DuckDBPyConnection, dossier: Dossier, *, is_dry: bool = False) -> None:
        self._is_dry = is_dry
        #: What a dry run has counted as deleted, so that its texts are not counted again.
        self._deleted: dict[str, str] = {}
        self._connection = connection
        self._dossier = dossier
        self._counts: dict[str, int] = {}
        self._tables = _tables(connection)

    def run(self) -> dict[str, int]:
        dossier = self._dossier
        crm = [*dossier.ids_of("hubspot"), *dossier.ids_of("salesforce")]
        ambiguous = self._ambiguous(crm)
        sets = {
            "erased_keys": [*dossier.contact_ids, *dossier.record_keys],
            "erased_ids": [one for one in dossier.ids_of() if one not in ambiguous],
            "erased_crm_ids": crm,
            "erased_addresses": dossier.addresses,
            "erased_phones": dossier.phones,
            "erased_devices": dossier.devices,
            "erased_events": [*dossier.events, *(one for _, one in dossier.activities)],
        }
        for name, values in sets.items():
            self._connection.register(name, pa.table({"v": pa.array(sorted(set(values)), pa.string())}))
        named = [one for one in dossier.records if one[0] not in ("events", "hubspot_forms")]
        self._connection.register(
            "erased_records",
            pa.table({
                "source": pa.array([one[0] for one in named], pa.string()),
                "v": pa.array([one[2] for one in named], pa.string()),
            }),
        )  # fmt: skip
        self._connection.execute("begin")
        try:
            for table, columns in self._tables.items():
                schema, name = (part.strip('"') for part in table.split('"."'))
                if schema.startswith("raw_") and schema.endswith("_staging"):
                    # Copies of a loader's last package; the loader empties them itself before the next.
                    if not self._is_dry:
                        self._connection.execute(f"delete from {table}")
                elif schema.startswith("raw_"):
                    self._raw(table, schema, name, columns)
                else:
                    self._derived(table, name, columns)
            for table, columns in self._tables.items():
                self._texts(table, columns)
            self._unused_names()
            self._connection.execute("commit")
        except BaseException:
            self._connection.execute("rollback")
            raise
        finally:
            for name in (*sets, "erased_records"):
                self._connection.unregister(name)
        return {table: rows for table, rows in sorted(self._counts.items()) if rows}

    def _ambiguous(self, crm_ids: Sequence[str]) -> set[str]:
        """Ids of people's records that something else in the CRM bears too (numbers are unique by object only)."""
        found: set[str] = set()
        for name in ("companies", "deals", "calls", "meetings", "emails", "tasks"):
            if f'"raw_hubspot"."{name}"' in self._tables:
                rows = self._connection.execute(
                    f"select id from raw_hubspot.{name} where id in (select unnest(?::varchar[]))", [list(crm_ids)]
                ).fetchall()
                found |= {str(row[0]) for row in rows}
        return found

    # -- raw tables ----------------------------------------------------------------------------------------------

    def _raw(self, table: str, schema: str, name: str, columns: Sequence[str]) -> None:
        if schema == "raw_quarantine":
            self._quarantine(table)
            return
        if schema == "raw_ops":
            if name in ("sync_writes", "sync_dead_letters"):
                self._ledger(table, columns)
            return
        rule = _RAW_RULES.get(f"{schema}.{name}")
        if rule is not None and set(_columns_of(rule)) <= set(columns):
            self._delete(table, rule)
        for target, column in _RAW_REFERENCES:
            if target == f"{schema}.{name}" and column in columns:
                condition = (
                    f"(source, {column}) in (select (source, v) from erased_records)"
                    if schema == "raw_files"
                    else f"{column} in (select v from erased_crm_ids)"
                )
                self._update(table, f"{column} = null", condition)

    def _quarantine(self, table: str) -> None:
        """Refused records keep their line, for the counts, and lose what they say."""
        needles = [
            *self._dossier.addresses, *self._dossier.devices, *self._dossier.phones,
            *(one for one in self._dossier.ids_of() if len(one) >= 6),
        ]  # fmt: skip
        if not needles:
            return
        condition = (
            "coalesce(reason_code, '') <> 'erased' and (record_id in (select v from erased_ids) "
            "or regexp_matches(coalesce(record, ''), $pattern, 'i') "
            "or regexp_matches(coalesce(record_id, ''), $pattern, 'i'))"
        )
        self._update(
            table,
            "record = null, record_id = null, field = null, reason_code = 'erased', reason = 'the person was erased'",
            condition,
            {"pattern": _pattern(needles)},
        )

    def _ledger(self, table: str, columns: Sequence[str]) -> None:
        """What was sent keeps its line, for the counts, and loses its values."""
        keys = "split_part(coalesce(sync_key, ''), ':', 1) in (select v from erased_keys)"
        records = "(record_id in (select v from erased_crm_ids) and object in ('contacts', 'leads'))"
        blanked = [c for c in ("fields", "previous", "error_message", "sync_key") if c in columns]
        told = " or ".join(f"{c} is not null" for c in blanked)
        self._update(
            table,
            ", ".join(f"{c} = null" for c in blanked),
            f"({keys} or {records}) and action <> 'delete' and ({told})",
        )

    # -- derived tables ------------------------------------------------------------------------------------------

    def _derived(self, table: str, name: str, columns: Sequence[str]) -> None:
        of_others = bool(_OF_OTHERS.search(name)) and not _OF_PEOPLE.search(name)
        is_attribute = "opportunity_id" in columns and "contacts" not in name and "touch_id" not in columns
        conditions: list[str] = []
        for column in columns:
            c = _quoted(column)
            if _KEY_COLUMN.search(column):
                keyed = f"split_part({c}, ':', 1) in (select v from erased_keys)"
                if is_attribute or (of_others and column != "record_key"):
                    self._update(table, f"{c} = null", keyed)
                else:
                    conditions.append(keyed)
            if _RECORD_COLUMN.search(column) and not of_others:
                source = "erased_crm_ids" if name.startswith("observed_") else "erased_ids"
                if not (name.startswith("observed_") and not _OF_PEOPLE.search(name) and "memberships" not in name):
                    conditions.append(f"{c} in (select v from {source})")
            if column in _EVENT_COLUMNS:
                conditions.append(f"{c} in (select v from erased_events)")
            if column in _DEVICE_COLUMNS:
                conditions.append(f"{c} in (select v from erased_devices)")
            if _ADDRESS_COLUMN.search(column):
                conditions.append(f"lower(trim({c})) in (select v from erased_addresses)")
            if "phone" in column or column == "identifier_value":
                conditions.append(f"{c} in (select v from erased_phones)")
        if conditions:
            self._delete(table, " or ".join(conditions))

    # -- texts ---------------------------------------------------------------------------------------------------

    def _texts(self, table: str, columns: Sequence[str]) -> None:
        """What names the person in rows about something else."""
        schema, name = (part.strip('"') for part in table.split('"."'))
        dossier = self._dossier
        sure = [
            *dossier.addresses, *dossier.contact_ids, *dossier.record_keys, *dossier.ids_of("salesforce"),
            *(one for one in dossier.phones if len(one) >= _SHORTEST_PHONE),
        ]  # fmt: skip
        names = [one for one in dossier.names if len(one) >= _SHORTEST_NAME]
        if schema == "raw_ops":
            sure = [one for one in sure if one not in dossier.ids_of("salesforce")]
        if (schema, name) in (("raw_hubspot", "owners"), ("raw_salesforce", "user")):
            return
        if not self._mentions(table, columns, [*sure, *names, *self._shared_parts(schema, name)]):
            return
        about_companies = bool(re.search(r"^(companies|accounts?|owners|lists|forms)$", name))
        for column in columns:
            needles = list(sure)
            if not (about_companies or _COMPANY_NAME.search(column) or dossier.has_namesake):
                needles += names
            self._scrub(table, column, needles)
            if dossier.has_namesake and "account_id" in columns and names and not _COMPANY_NAME.search(column):
                accounts = ", ".join(f"'{one}'" for one in dossier.account_ids) or "null"
                self._scrub(table, column, names, f"account_id in ({accounts})")
        shared = [one for target, one in dossier.shared_activities if target == f"{schema}.{name}"]
        parts = [*names, *self._shared_parts(schema, name)]
        if shared and "id" in columns:
            rows = ", ".join("'" + one.replace("'", "''") + "'" for one in shared)
            for column in columns:
                if column != "id":
                    self._scrub(table, column, parts, f"id in ({rows})", words=True)

    def _shared_parts(self, schema: str, name: str) -> list[str]:
        """Single names, which are looked for in the activities that the person shared with others only."""
        if not any(target == f"{schema}.{name}" for target, _ in self._dossier.shared_activities):
            return []
        return [one for one in self._dossier.single_names if len(one) > 2]

    def _mentions(self, table: str, columns: Sequence[str], needles: Sequence[str]) -> bool:
        """Whether any text of the table holds any of these: most tables hold none, and one look tells."""
        if not (columns and needles):
            return False
        any_column = " or ".join(f"regexp_matches({_quoted(c)}, $pattern, 'i')" for c in columns)
        found = self._connection.execute(
            f"select 1 from {table} where {any_column} limit 1", {"pattern": _pattern(needles)}
        )
        return found.fetchone() is not None

    def _scrub(
        self, table: str, column: str, needles: Sequence[str], where: str = "true", *, words: bool = False
    ) -> None:
        if not needles:
            return
        c = _quoted(column)
        pattern = _pattern(needles, words=words)
        condition = f"regexp_matches({c}, $pattern, 'i') and {where}"
        # Counted first: most columns hold nothing, and an update rewrites what it touches.
        found = self._connection.execute(f"select count(*) from {table} where {condition}", {"pattern": pattern})
        row = found.fetchone()
        if row and row[0]:
            self._update(
                table, f"{c} = regexp_replace({c}, $pattern, '{ERASED}', 'gi')", condition, {"pattern": pattern}
            )

    def _unused_names(self) -> None:
        """Tables of names as written, one row a name: one that nobody else bears goes."""
        records = '"intermediate"."int_contact_records"'
        used = set(self._tables.get(records, []))
        if not {"first_name_raw", "last_name_raw"} <= used or not self._dossier.single_names:
            return
        table = '"intermediate"."int_clean_names"'
        if "name_raw" in self._tables.get(table, []):
            self._delete(
                table,
                "name_raw in (select unnest($names::varchar[])) and name_raw not in "
                f"(select first_name_raw from {records} where first_name_raw is not null union all "
                f"select last_name_raw from {records} where last_name_raw is not null)",
                {"names": self._dossier.single_names},
            )

    # -- counting ------------------------------------------------------------------------------------------------

    def _delete(self, table: str, condition: str, parameters: dict[str, object] | None = None) -> None:
        if self._is_dry:
            self._tell(table, condition, parameters)
            if not parameters:
                self._deleted[table] = condition
            return
        row = self._connection.execute(f"delete from {table} where {condition}", parameters or {}).fetchone()
        self._count(table, row)

    def _update(
        self, table: str, assignments: str, condition: str, parameters: dict[str, object] | None = None
    ) -> None:
        if self._is_dry:
            kept = self._deleted.get(table)
            self._tell(table, f"({condition})" + (f" and not coalesce({kept}, false)" if kept else ""), parameters)
            return
        sql = f"update {table} set {assignments} where {condition}"
        self._count(table, self._connection.execute(sql, parameters or {}).fetchone())

    def _tell(self, table: str, condition: str, parameters: dict[str, object] | None) -> None:
        sql = f"select count(*) from {table} where {condition}"
        self._count(table, self._connection.execute(sql, parameters or {}).fetchone())

    def _count(self, table: str, row: tuple[int, ...] | None) -> None:
        name = table.replace('"', "")
        self._counts[name] = self._counts.get(name, 0) + int(row[0] if row else 0)


_ADDRESS = "in (select v from erased_addresses)"
_CRM = "in (select v from erased_crm_ids)"
_ACTIVITY = "in (select v from erased_events)"

#: Raw rows that are of the person.
_RAW_RULES: dict[str, str] = {
    "raw_hubspot.contacts": f"id {_CRM} or lower(trim(property_email)) {_ADDRESS}",
    "raw_hubspot.associations": (
        f"(from_object = 'contacts' and from_id {_CRM}) or (to_object = 'contacts' and to_id {_CRM}) "
        f"or (from_object in ('calls', 'meetings', 'emails', 'tasks') and from_id {_ACTIVITY})"
    ),
    "raw_hubspot.property_history": f"object_type = 'contacts' and object_id {_CRM}",
    "raw_hubspot.list_memberships": (
        f"record_id {_CRM} and list_id not in (select list_id from raw_hubspot.lists where object_type_id <> '0-1')"
    ),
    "raw_hubspot.form_submissions": f"lower(trim(email)) {_ADDRESS}",
    "raw_hubspot.email_events": f"lower(trim(recipient)) {_ADDRESS}",
    **{f"raw_hubspot.{name}": f"id {_ACTIVITY}" for name in ("calls", "meetings", "emails", "tasks")},
    "raw_events.events": (
        f"lower(trim(email)) {_ADDRESS} or lower(trim(user_id)) {_ADDRESS} or user_id in (select v from erased_ids) "
        "or anonymous_id in (select v from erased_devices)"
    ),
    "raw_files.contacts": f"(source, record_id) in (select (source, v) from erased_records) or lower(email) {_ADDRESS}",
    "raw_salesforce.contact": f"id {_CRM}",
    "raw_salesforce.lead": f"id {_CRM}",
    "raw_salesforce.contacthistory": f"contact_id {_CRM}",
    "raw_salesforce.leadhistory": f"lead_id {_CRM}",
    "raw_salesforce.campaignmember": f"lead_id {_CRM} or contact_id {_CRM}",
    "raw_salesforce.opportunitycontactrole": f"contact_id {_CRM}",
    "raw_salesforce.task": f"id {_ACTIVITY}",
    "raw_salesforce.event": f"id {_ACTIVITY}",
    "raw_salesforce.taskrelation": f"relation_id {_CRM} or task_id {_ACTIVITY}",
    "raw_salesforce.eventrelation": f"relation_id {_CRM} or event_id {_ACTIVITY}",
}
#: Raw columns of other records that point to the person: emptied.
_RAW_REFERENCES: tuple[tuple[str, str], ...] = (
    ("raw_files.opportunities", "contact_ref"),
    ("raw_salesforce.opportunity", "contact_id"),
    ("raw_salesforce.task", "who_id"),
    ("raw_salesforce.event", "who_id"),
)
_RULE_COLUMN = re.compile(r"\b([a-z_]+) in \(select|trim\(([a-z_]+)\)")


def _columns_of(rule: str) -> set[str]:
    """The columns that a rule asks (a table of an older version may lack one)."""
    return {one for pair in _RULE_COLUMN.findall(rule) for one in pair if one and one != "not"}


def _pattern(needles: Sequence[str], *, words: bool = False) -> str:
    """A regular expression (RE2) for any of the texts, the longest first."""
    parts = [re.escape(one) for one in sorted(set(needles), key=lambda one: (-len(one), one))]
    # re.escape escapes what RE2 takes literally too; an escaped space or accent it does not know.
    joined = "|".join(re.sub(r"\\([^\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e])", r"\1", part) for part in parts)
    return rf"\b(?:{joined})\b" if words else f"(?:{joined})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
