"""The same world in either CRM gives the same people, scores, stages and credits.

The small world is served by the HubSpot sandbox and, from the same files, by the Salesforce sandbox. Each is read over
HTTP and built into a warehouse of its own; forms and marketing e-mail come from HubSpot in both, web events, spend and
enrichment from files. People and accounts are matched by `External_Id__c`, which holds HubSpot's id.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from crm_access import CrmAccess
from ingestion.ads import load_ads
from ingestion.enrichment import load_enrichment
from ingestion.events import load_events
from ingestion.hubspot import load_hubspot
from ingestion.salesforce import load_salesforce
from ingestion.tables import ensure_raw_tables
from leadhouse.sandbox_process import World, ensure_world, running_salesforce, running_sandbox

Build = Callable[..., subprocess.CompletedProcess[str]]
BUILD_ONLY = ("--exclude-resource-type", "test", "unit_test")
MARTS = (
    "+fct_account_scores", "+dim_contact_stages", "+fct_handoff_verdicts", "+fct_attribution_credits",
    "+mart_record_conservation", "+list_nurture", "+list_hot_accounts_contacts",
)  # fmt: skip
#: What may differ: ids, where the values came from, and how many records a person has (a converted lead is one more).
OWN_WORDS = {
    "contact_id", "account_id", "parent_account_id", "root_account_id", "owner_id", "source", "source_record_id",
    "source_record_count", "hubspot_record_id", "hubspot_record_count", "salesforce_record_id", "salesforce_object",
    "salesforce_record_count", "record_id", "code_version", "ruleset_version",
}  # fmt: skip

pytestmark = pytest.mark.timeout(2400)


def new_warehouse(path: Path, world: World) -> None:
    with duckdb.connect(str(path)) as connection:
        ensure_raw_tables(connection)
        connection.execute("delete from raw_ops.run_clock")
        connection.execute("insert into raw_ops.run_clock values (?, true)", [world.as_of.replace(tzinfo=None)])


def load_files(path: Path, world: World, pipelines: Path) -> None:
    load_events(path, world.folder / "events", pipelines_dir=pipelines)
    load_ads(path, world.folder / "ads", pipelines_dir=pipelines)
    load_enrichment(path, world.folder / "enrichment", pipelines_dir=pipelines)


def name_people_by_salesforce(path: Path) -> None:
    """The site's tracker knows who is logged in by the CRM's id: here that is Salesforce's."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            update raw_events.events set user_id = people.id
            from (
                select external_id_c, coalesce(max(id) filter (id like '003%'), max(id)) as id
                from (select id, external_id_c from raw_salesforce.contact
                      union all select id, external_id_c from raw_salesforce.lead)
                group by external_id_c
            ) as people
            where events.user_id = people.external_id_c
            """
        )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, dbt_build: Build) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both warehouses, attached as `h` and `s`, and two tables of who is who: `people` and `firms`."""
    folder = tmp_path_factory.mktemp("either_crm")
    world, _ = ensure_world("small", folder / "world")
    from_hubspot, from_salesforce = folder / "from_hubspot.duckdb", folder / "from_salesforce.duckdb"
    for path in (from_hubspot, from_salesforce):
        new_warehouse(path, world)
        load_files(path, world, folder / path.stem)
    with running_sandbox(world.folder, folder / "portal.sqlite", extra=("--burst", "0")) as portal:
        load_hubspot(from_hubspot, portal.url, portal.token, pipelines_dir=folder / "pipelines_1", burst_limit=10_000)
        load_hubspot(
            from_salesforce, portal.url, portal.token, pipelines_dir=folder / "pipelines_2", burst_limit=10_000,
            groups=["marketing"],
        )  # fmt: skip
    with running_salesforce(world.folder, folder / "org.sqlite") as org:
        credentials = {"client_id": org.client_id, "client_secret": org.client_secret}
        access = CrmAccess(
            "salesforce", org.url, credentials, burst_limit=10_000, burst_seconds=10, requests_in_flight=4,
            state_dir=folder / "crm",
        )  # fmt: skip
        load_salesforce(from_salesforce, access, pipelines_dir=folder / "pipelines_3")
    name_people_by_salesforce(from_salesforce)
    for path in (from_hubspot, from_salesforce):
        dbt_build(path, *MARTS, *BUILD_ONLY)
    with closing(duckdb.connect()) as connection:
        connection.execute(f"attach '{from_hubspot}' as h (read_only)")
        connection.execute(f"attach '{from_salesforce}' as s (read_only)")
        connection.execute(
            """
            create temp table people as
            select distinct ours.contact_id as h_id, theirs.contact_id as s_id
            from (select record_id, contact_id from h.intermediate.int_contact_crm_ids) as ours
            full join (
                select named.external_id_c as record_id, ids.contact_id
                from s.intermediate.int_contact_crm_ids as ids
                inner join (select id, external_id_c from s.raw_salesforce.contact
                            union all select id, external_id_c from s.raw_salesforce.lead) as named
                    on ids.record_id = named.id
            ) as theirs on ours.record_id = theirs.record_id
            """
        )
        connection.execute(
            """
            create temp table firms as
            select distinct ours.account_id as h_id, theirs.account_id as s_id
            from (
                select records.record_id, clusters.account_id
                from h.intermediate.int_account_records as records
                inner join h.intermediate.int_account_clusters as clusters using (record_key)
            ) as ours
            full join (
                select coalesce(accounts.external_id_c, records.record_id) as record_id, clusters.account_id
                from s.intermediate.int_account_records as records
                inner join s.intermediate.int_account_clusters as clusters using (record_key)
                left join s.raw_salesforce.account as accounts on records.record_id = accounts.id
            ) as theirs on ours.record_id = theirs.record_id
            """
        )
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


def differences(connection: duckdb.DuckDBPyConnection, table: str, key: str, pairs: str) -> dict[str, object]:
    """Columns of a mart that differ between the two, with how often and an example."""
    found = rows(
        connection,
        f"select column_name from information_schema.columns where table_catalog = 'h' and table_name = '{table}' "
        "and table_schema = 'marts' order by ordinal_position",
    )
    assert found, table
    joined = (
        f"from {pairs} inner join h.marts.{table} as h on h.{key} = {pairs}.h_id "
        f"full join (select s.*, {pairs}.h_id as paired from {pairs} inner join s.marts.{table} as s "
        f"on s.{key} = {pairs}.s_id) as s on h.{key} = s.paired"
    )
    compared = [str(name) for (name,) in found if name not in OWN_WORDS]
    result: dict[str, object] = {}
    for name in compared:
        [(count, ours, theirs)] = rows(
            connection,
            f'select count(*), any_value(h."{name}"), any_value(s."{name}") {joined} '
            f'where h."{name}" is distinct from s."{name}"',
        )
        if count:
            result[name] = (count, ours, theirs)
    return result


def test_people_and_accounts_are_the_same(both: duckdb.DuckDBPyConnection) -> None:
    for pairs, dimension in (("people", "dim_contacts"), ("firms", "dim_accounts")):
        [(total, ours, theirs, alone)] = rows(
            both,
            "select count(*), count(distinct h_id), count(distinct s_id), "
            f"count(*) filter (where h_id is null or s_id is null) from {pairs}",
        )
        assert (ours, theirs, alone) == (total, total, 0), pairs
        assert total > 50
        assert rows(both, f"select count(*) from h.marts.{dimension}") == rows(
            both, f"select count(*) from s.marts.{dimension}"
        )


def test_what_is_known_of_them_is_the_same(both: duckdb.DuckDBPyConnection) -> None:
    assert differences(both, "dim_contacts", "contact_id", "people") == {}
    assert differences(both, "dim_accounts", "account_id", "firms") == {}


def test_people_work_at_the_same_accounts(both: duckdb.DuckDBPyConnection) -> None:
    moved = rows(
        both,
        """
        select h.contact_id from people
        inner join h.marts.dim_contacts as h on people.h_id = h.contact_id
        inner join s.marts.dim_contacts as s on people.s_id = s.contact_id
        left join firms on h.account_id = firms.h_id
        where s.account_id is distinct from firms.s_id
        """,
    )
    assert moved == []
    assert rows(both, "select count(*) from h.marts.dim_accounts where parent_account_id is not null") == rows(
        both,
        """
        select count(*) from s.marts.dim_accounts as s
        inner join firms as child on s.account_id = child.s_id
        inner join firms as parent on s.parent_account_id = parent.s_id
        inner join h.marts.dim_accounts as h on h.account_id = child.h_id and h.parent_account_id = parent.h_id
        """,
    )


def test_owners_are_the_same_people(both: duckdb.DuckDBPyConnection) -> None:
    wrong = rows(
        both,
        """
        select h.owner_id, users.external_id_c from people
        inner join h.marts.dim_contacts as h on people.h_id = h.contact_id
        inner join s.marts.dim_contacts as s on people.s_id = s.contact_id
        left join s.raw_salesforce.user as users on s.owner_id = users.id
        where h.owner_id is distinct from users.external_id_c
        """,
    )
    assert wrong == []
    assert rows(both, "select count(*) > 0 from h.marts.dim_contacts where owner_id is not null") == [(True,)]


def test_scores_and_grades_are_the_same(both: duckdb.DuckDBPyConnection) -> None:
    assert differences(both, "fct_contact_scores", "contact_id", "people") == {}
    assert differences(both, "fct_account_scores", "account_id", "firms") == {}
    assert rows(both, "select count(distinct grade) > 2 from h.marts.fct_contact_scores") == [(True,)]


def test_stages_were_reached_at_the_same_moments(both: duckdb.DuckDBPyConnection) -> None:
    """MQL, SAL, SQL and all others, with their evidence; and whom marketing handed over when."""
    moves = (
        "select people.h_id, transition_number, from_stage, to_stage, transition_at, trigger, reason, evidence "
        "from people inner join {0}.marts.fct_stage_transitions as moves on people.{0}_id = moves.contact_id"
    )
    handovers = (
        "select people.h_id, contract_id, segment, mql_at, verdict, decided_at, reason, is_reached, matures_at "
        "from people inner join {0}.marts.fct_handoff_verdicts as verdicts on people.{0}_id = verdicts.contact_id"
    )
    for query in (moves, handovers):
        ours, theirs = query.format("h"), query.format("s")
        assert rows(both, f"({ours}) except all ({theirs})") == []
        assert rows(both, f"({theirs}) except all ({ours})") == []
    reached = {stage for (stage,) in rows(both, "select distinct to_stage from h.marts.fct_stage_transitions")}
    assert {"mql", "sal", "sql", "customer"} <= reached
    assert differences(both, "dim_contact_stages", "contact_id", "people") == {}


def test_channels_are_credited_alike(both: duckdb.DuckDBPyConnection) -> None:
    credits = (
        "select conversion_kind, firms.h_id, channel, campaign, model, conversion_at, credit, credited_revenue, "
        "currency from {0}.marts.fct_attribution_credits as credits "
        "left join firms on credits.account_id = firms.{0}_id"
    )
    ours, theirs = credits.format("h"), credits.format("s")
    assert rows(both, f"select count(*) > 500 from ({ours})") == [(True,)]
    assert rows(both, f"({ours}) except all ({theirs})") == []
    assert rows(both, f"({theirs}) except all ({ours})") == []


def test_lists_hold_the_same_people(both: duckdb.DuckDBPyConnection) -> None:
    for name in ("list_nurture", "list_hot_accounts_contacts"):
        assert differences(both, name, "contact_id", "people") == {}
        assert rows(both, f"select count(*) > 0, count(record_id) from s.marts.{name}") == [(True, 0)]
        assert rows(both, f"select count(*) from s.marts.{name} where salesforce_record_id is null") == [(0,)]


def test_no_record_of_salesforce_is_lost(both: duckdb.DuckDBPyConnection) -> None:
    counted = rows(
        both,
        "select entity, raw_records, kept + merged + quarantined from s.marts.mart_record_conservation "
        "where source = 'salesforce' order by entity",
    )
    assert [entity for entity, _, _ in counted] == ["account", "contact", "event", "lead", "opportunity", "task"]
    for entity, raw, accounted in counted:
        assert rows(both, f"select count(*) from s.raw_salesforce.{entity}") == [(raw,)]
        assert raw == accounted, entity
