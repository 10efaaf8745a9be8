"""The whole path on the small world: real HTTP, real dbt, real DuckDB, real Dagster."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import httpx
import pytest
from e2e_installation import Demo, Installation

from ingestion.clock import set_clock
from leadhouse.sandbox_process import Sandbox, ensure_world, running_sandbox
from leadhouse.settings import PROJECT_DIR
from orchestration.publish import swap_link

pytestmark = pytest.mark.e2e

#: When something was read or written, not what: differs between an incremental and a full run by nature.
LINEAGE = {"read_at", "loaded_at", "_loaded_at", "published_at", "build_id", "load_id", "set_aside_at"}
#: What a warehouse remembers of its own earlier days.
HISTORY = {"fct_contact_identity_changes", "fct_list_memberships", "fct_list_versions", "mart_ruleset_age"}
#: Raw reads side by side: the absorbed record's own links are among them, read before it was absorbed.
READS = {"observed_hubspot_associations"}


def test_the_summary_has_every_number(demo: Demo) -> None:
    summary = demo.summary
    assert summary.keys() >= {
        "sources",
        "contacts",
        "accounts",
        "top_accounts",
        "channels",
        "plan",
        "apply",
        "second_plan",
        "second_apply",
    }
    assert summary["contacts"] > 100
    assert summary["accounts"] > 20
    assert len(summary["top_accounts"]) == 10
    assert summary["plan"].keys() >= {"creates", "updates", "list_adds", "list_removes"}
    assert summary["apply"].keys() >= {"requests", "rejected", "seconds"}
    assert any(channel["spend"] for channel in summary["channels"])


def test_raw_is_kept_merged_or_quarantined(demo: Demo) -> None:
    for source in demo.summary["sources"]:
        assert source["raw"] == source["kept"] + source["merged"] + source["quarantined"], source["source"]
    (contacts,) = demo.warehouse_rows("select count(*) from raw_hubspot.contacts")[0]
    (events,) = demo.warehouse_rows(
        "select (select count(*) from raw_events.events) + "
        "(select count(*) from raw_quarantine.records where source = 'events')"
    )[0]
    by_entity = {
        (source, entity): raw
        for source, entity, raw in demo.rows("select source, entity, raw_records from marts.mart_record_conservation")
    }
    assert by_entity["hubspot", "contacts"] == contacts
    assert by_entity["events", "events"] == events


def test_a_score_is_the_sum_of_its_ledger(demo: Demo) -> None:
    scored = demo.rows("select count(*) from marts.fct_contact_scores where score is not null")[0][0]
    assert scored > 100
    assert (
        demo.rows(
            """
            with sums as (
                select entity_type, entity_id, sum(points) as points from marts.fct_score_ledger group by all
            )
            select scores.entity_type, scores.entity_id, scores.score, sums.points
            from (
                select 'contact' as entity_type, contact_id as entity_id, score from marts.fct_contact_scores
                union all
                select 'account', account_id, score from marts.fct_account_scores
            ) as scores
            left join sums using (entity_type, entity_id)
            where scores.score is distinct from coalesce(sums.points, 0)
            """
        )
        == []
    )


def test_credits_sum_to_one(demo: Demo) -> None:
    sums = demo.rows("select conversion_id, model, sum(credit) from marts.fct_attribution_credits group by all")
    assert sums
    assert {total for _, _, total in sums} == {1}


def test_top_accounts_say_why(demo: Demo) -> None:
    best = demo.summary["top_accounts"][0]
    assert best["committee"]
    assert len(best["reasons"]) == 3
    assert "Best accounts" in demo.output


def test_what_was_planned_was_written_and_the_second_time_nothing(demo: Demo) -> None:
    plan, done = demo.summary["plan"], demo.summary["apply"]
    assert plan["updates"] > 100
    assert plan["list_adds"] > 0
    assert done["requests"] > 0
    assert done["rejected"] == 0
    assert demo.summary["second_plan"]["changes"] == 0
    assert demo.summary["second_apply"]["requests"] == 0
    assert demo.summary["read_back"]["changes"] == demo.summary["read_back"]["list_adds"], (
        "what we wrote, read back, changed a score"
    )


def test_planted_truth_is_met(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    """No threshold yet: later work drives these up; here they are measured and shown."""
    truth = demo.installation.world / "truth"
    precision, recall = demo.warehouse_rows(
        f"""
        with records as (
            select int_contact_clusters.contact_id, people.person_id
            from read_parquet('{truth / "people.parquet"}') as people
            inner join intermediate.int_contact_records using (source, record_id)
            inner join intermediate.int_contact_clusters using (record_key)
        ),
        pairs as (
            select
                (select sum(n * (n - 1) / 2) from (select count(*) as n from records group by contact_id)) as found,
                (select sum(n * (n - 1) / 2) from (select count(*) as n from records group by person_id)) as planted,
                (
                    select sum(n * (n - 1) / 2)
                    from (select count(*) as n from records group by contact_id, person_id)
                ) as shared
        )
        select shared / found, shared / planted from pairs
        """
    )[0]
    matched, sessions, planted = demo.warehouse_rows(
        f"""
        select
            count(*) filter (sessions.channel = planted.channel),
            count(sessions.session_id),
            count(*)
        from read_parquet('{truth / "touch_channels.parquet"}') as planted
        left join intermediate.int_web_sessions as sessions
            on planted.anonymous_id = sessions.anonymous_id
            and planted.session_started_at = sessions.session_started_at
        """
    )[0]
    f1 = 2 * precision * recall / (precision + recall)
    with capsys.disabled():
        print(
            f"\nPlanted truth, small world: contacts F1 {f1:.4f} (precision {precision:.4f}, recall {recall:.4f}); "
            f"channel match rate {matched / planted:.4f} ({matched} of {planted} visits, {sessions} found)"
        )
    assert planted > 0
    assert sessions > 0


def test_apply_killed_in_the_middle_is_finished_by_the_next(demo: Demo, tmp_path: Path) -> None:
    """SIGKILL while requests are under way: the next apply finishes, nothing is lost and nothing is there twice."""
    first_snapshot = min(
        demo.installation.published.parent.glob("*.duckdb"), key=lambda path: (path.is_symlink(), path.name)
    )
    shutil.copy(first_snapshot, tmp_path / "published.duckdb")
    (tmp_path / "published").mkdir()
    shutil.move(tmp_path / "published.duckdb", tmp_path / "published" / "first.duckdb")
    swap_link(tmp_path / "published" / "current.duckdb", tmp_path / "published" / "first.duckdb")
    fresh = Installation(tmp_path, demo.installation.world, demo.installation.target)
    planned = demo.summary["plan"]
    with running_sandbox(demo.installation.world, tmp_path / "sandbox.sqlite", extra=["--latency-ms", "150"]) as portal:
        before = contact_emails(portal)
        fresh.leadhouse("plan", sandbox=portal)
        process = subprocess.Popen(
            [sys.executable, "-m", "leadhouse.cli", "apply", "latest"],
            cwd=PROJECT_DIR,
            env=fresh.environment(portal) | {"LEADHOUSE_REQUESTS_IN_FLIGHT": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for_first_batch(portal, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        acknowledged = count_writes(fresh.ops)
        assert acknowledged < planned["creates"] + planned["updates"], "killed too late to prove anything"
        fresh.leadhouse("apply", "latest", sandbox=portal)
        assert "\n0 changes" in fresh.leadhouse("plan", sandbox=portal)
        counted = portal.stats()["total"]
        fresh.leadhouse("apply", "latest", sandbox=portal)
        assert portal.stats()["total"] == counted
        after = contact_emails(portal)
    assert len(after) == len(before) + planned["creates"]
    new = [email for email in after if email not in set(before)]
    assert len(set(new)) == len(new) == planned["creates"]


def test_an_incremental_second_day_equals_a_full_refresh(demo: Demo, sandbox_of_demo: Sandbox, tmp_path: Path) -> None:
    world, _ = ensure_world("small", demo.installation.world)
    for part in ("events", "ads", "enrichment"):
        day2 = world.folder / "day2" / part
        if day2.exists():
            shutil.copytree(day2, world.folder / part, dirs_exist_ok=True)
    sandbox_of_demo.apply_day2()
    full = Installation(
        tmp_path,
        demo.installation.world,
        demo.installation.target,
        {"LEADHOUSE_OPS_URL": f"sqlite:///{demo.installation.ops}"},
    )
    for installation in (demo.installation, full):
        set_clock(installation.warehouse, world.as_of + timedelta(days=1))
        installation.leadhouse("refresh", sandbox=sandbox_of_demo)
    with Days(demo.installation.published, full.published) as days:
        # The CRM no longer tells of a record it merged into another: only who read it before knows it.
        survivors = days.column("select properties from full_day.marts.observed_hubspot_contacts")
        absorbed = days.absorbed
        assert len(absorbed) == 1
        assert any(f'"hs_merged_object_ids":"{absorbed[0]}' in text.replace(" ", "") for text in survivors)
    # Without it the grown warehouse is the new one, also in what the record had a part in. Nor does the CRM tell the
    # history of a record that was archived since.
    with duckdb.connect(str(demo.installation.warehouse)) as connection:
        connection.execute("delete from raw_hubspot.contacts where id = ?", absorbed)
        connection.execute("delete from raw_hubspot.property_history where object_id = ?", absorbed)
        connection.execute(
            "delete from raw_hubspot.property_history where object_id in "
            "(select id from raw_hubspot.contacts where archived_at is not null)"
        )
    demo.installation.leadhouse("build")
    with Days(demo.installation.published, full.published) as days:
        assert {table: rows for table in days.tables if (rows := days.differing(table))} == {}


def test_dg_finds_nothing_wrong(demo: Demo) -> None:
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("dg")), "check", "defs"],
        cwd=PROJECT_DIR,
        env=demo.installation.environment() | {"PYTHONPATH": str(PROJECT_DIR), "DAGSTER_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "All definitions loaded successfully" in checked.stdout


def test_a_wrong_token_is_one_message(demo: Demo, sandbox_of_demo: Sandbox, tmp_path: Path) -> None:
    stranger = Installation(tmp_path, demo.installation.world, demo.installation.target)
    wrong = replace(sandbox_of_demo, token="pat-wrong-token")
    done = stranger.run("ingest", "--source", "hubspot", sandbox=wrong)
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "LEADHOUSE_HUBSPOT_TOKEN" in done.stderr or "token" in done.stderr
    assert "Traceback" not in done.stderr
    assert "pat-wrong-token" not in done.stdout + done.stderr


class Days:
    """Two snapshots side by side: one grown by a second day, one built from nothing on that day."""

    def __init__(self, grown: Path, full: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute(f"attach '{grown.resolve()}' as grown (read_only)")
        self._connection.execute(f"attach '{full.resolve()}' as full_day (read_only)")
        self.tables = self._columns("grown")
        assert self.tables == self._columns("full_day")
        # A record that was never read stands there by its id alone.
        read = "select record_id from {}.marts.observed_hubspot_contacts where properties != '{{}}'"
        self.absorbed = self.column(f"{read.format('grown')} except {read.format('full_day')}")

    def __enter__(self) -> Days:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def column(self, sql: str) -> list[str]:
        """The first column of a query, as text."""
        return [str(row[0]) for row in self._connection.execute(sql).fetchall()]

    def differing(self, table: str) -> list[tuple[object, ...]]:
        """Up to five rows of each side that the other lacks; lineage left out."""
        names = ", ".join(name for name in self.tables[table] if name not in LINEAGE)
        grown = f"select {names} from grown.marts.{table}"
        full = f"select {names} from full_day.marts.{table}"
        return self._connection.execute(
            f"(select 'grown', * from ({grown} except all {full}) limit 5) "
            f"union all (select 'full', * from ({full} except all {grown}) limit 5)"
        ).fetchall()

    def _columns(self, catalog: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for table, column in self._connection.execute(
            "select table_name, column_name from information_schema.columns "
            "where table_schema = 'marts' and table_catalog = ? order by table_name, ordinal_position",
            [catalog],
        ).fetchall():
            if table in HISTORY | READS:
                continue
            found.setdefault(table, []).append(column)
        return found


def wait_for_first_batch(portal: Sandbox, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Until the portal has taken a batch of record updates."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "apply ended before it could be killed"
        paths = portal.stats()["by_path"]
        if any("batch" in path and ("update" in path or "upsert" in path or "create" in path) for path in paths):
            return
        time.sleep(0.02)
    raise AssertionError("no batch reached the portal")


def count_writes(ops: Path) -> int:
    with sqlite3.connect(ops) as connection:
        return int(connection.execute("select count(*) from writes where outcome = 'ok'").fetchone()[0])


def contact_emails(portal: Sandbox) -> list[str]:
    """The e-mail of every live contact in the portal, as its API tells."""
    found: list[str] = []
    after: str | None = None
    with httpx.Client(base_url=portal.url, headers={"Authorization": f"Bearer {portal.token}"}) as client:
        while True:
            page = client.get(
                "/crm/v3/objects/contacts",
                params={"limit": 100, "properties": "email"} | ({"after": after} if after else {}),
            )
            page.raise_for_status()
            body = page.json()
            found += [str(record["properties"].get("email") or record["id"]) for record in body["results"]]
            after = body.get("paging", {}).get("next", {}).get("after")
            if after is None:
                return found
