"""Past days and changed rules beside the warehouse of the demo, which must stay as it is."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path

import duckdb
import pytest
from e2e_installation import Demo

from leadhouse.settings import BASE_SEEDS_DIR
from serve.history import account_history, contact_history

SAME = (
    "fct_contact_scores",
    "fct_account_scores",
    "fct_score_ledger",
    "fct_stage_transitions",
    "dim_contact_stages",
    "mart_committee",
)


@pytest.fixture(autouse=True)
def untouched(demo: Demo) -> Iterator[None]:
    """No command here may change a byte of the live warehouse."""
    before = hashlib.sha256(demo.installation.warehouse.read_bytes()).hexdigest()
    yield
    assert hashlib.sha256(demo.installation.warehouse.read_bytes()).hexdigest() == before


def live(demo: Demo) -> str:
    """The catalog name of the warehouse, which replays refer to."""
    return demo.installation.warehouse.stem


@contextmanager
def beside(demo: Demo, name: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The live warehouse and a replay in one connection, as their own names."""
    replay = demo.installation.data_dir / "replays" / name / "replay.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{demo.installation.warehouse}' as {live(demo)} (read_only)")
        connection.execute(f"attach '{replay}' as replay (read_only)")
        yield connection


def differing(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> int:
    ((count,),) = connection.execute(
        f"select (select count(*) from (from {one} except all from {other})) "
        f"+ (select count(*) from (from {other} except all from {one}))"
    ).fetchall()
    return int(count)


def test_the_live_day_under_the_live_rules_is_the_live_marts(demo: Demo) -> None:
    as_of = demo.warehouse_rows("select max(as_of_at) from marts.fct_contact_scores")[0][0]
    said = demo.installation.leadhouse("replay", "--as-of", as_of.isoformat(), "--name", "same")
    assert "0 of " in said
    with beside(demo, "same") as connection:
        for mart in SAME:
            assert differing(connection, f"{live(demo)}.marts.{mart}", f"replay.marts.{mart}") == 0, mart


def test_a_past_day_knows_the_moves_up_to_it(demo: Demo) -> None:
    now = demo.warehouse_rows("select max(as_of_at) from marts.fct_contact_scores")[0][0]
    # The start of a day and whole weeks ago: a point of what the served pages draw over time.
    as_of = datetime.combine(now.date(), time()) - timedelta(weeks=9)
    said = demo.installation.leadhouse("replay", "--as-of", as_of.isoformat(), "--name", "past")
    assert "as known now" in said
    with beside(demo, "past") as connection:
        ((latest, scored_at),) = connection.execute(
            "select (select max(transition_at) from replay.marts.fct_stage_transitions), "
            "(select max(as_of_at) from replay.marts.fct_contact_scores)"
        ).fetchall()
        assert latest <= as_of == scored_at
        known = f"(from {live(demo)}.marts.fct_stage_transitions where transition_at <= timestamp '{as_of}')"
        assert differing(connection, known, "replay.marts.fct_stage_transitions") == 0
        with duckdb.connect(str(demo.installation.published), read_only=True) as live_day:
            contacts = connection.execute(
                "select contact_id, account_id, fit_score, engagement_score from replay.marts.fct_contact_scores"
            ).fetchall()
            for contact_id, account_id, fit, engagement in contacts:
                history = contact_history(live_day, contact_id, account_id, fit, now)
                assert [point.engagement for point in history if point.at == as_of] == [engagement], contact_id
            accounts = connection.execute(
                "select account_id, fit_score, engagement_score from replay.marts.fct_account_scores"
            ).fetchall()
            for account_id, fit, engagement in accounts:
                history = account_history(live_day, account_id, fit, now)
                assert [point.engagement for point in history if point.at == as_of] == [engagement], account_id
            assert any(engagement for *_, engagement in accounts)
        # What was not computed anew is shown as it is live.
        assert differing(connection, f"{live(demo)}.marts.dim_contacts", "replay.marts.dim_contacts") == 0


def test_a_moment_to_come_and_a_bad_rule_are_refused(demo: Demo, tmp_path: Path) -> None:
    done = demo.installation.run("replay", "--as-of", "2040-01-01")
    assert done.returncode == 1
    assert "lies after the live marts" in done.stderr
    (tmp_path / "stage_threshold.csv").write_text("line_id\n")
    done = demo.installation.run("whatif", "--rules", str(tmp_path))
    assert done.returncode == 2
    assert "nearest name is stage_thresholds.csv" in " ".join(done.stderr.split())


def test_equal_rules_change_nothing(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "stage_thresholds.csv").write_bytes((BASE_SEEDS_DIR / "stage_thresholds.csv").read_bytes())
    found = json.loads(demo.installation.leadhouse("whatif", "--rules", str(tmp_path), "--json"))
    assert found["is_nothing"]
    assert (found["entering"], found["leaving"], found["rules"]) == (0, 0, [])
    assert (found["difference"]["lo"], found["difference"]["hi"]) == (0, 0)


def test_a_lower_line_lets_more_people_in(demo: Demo, tmp_path: Path) -> None:
    with (BASE_SEEDS_DIR / "stage_thresholds.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["stage"] == "mql":
            # Whoever enters at less also leaves at less.
            for column in ("min_fit_score", "min_engagement_score", "leave_engagement_score"):
                row[column] = str(float(row[column]) / 2)
    with (tmp_path / "stage_thresholds.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = json.loads(demo.installation.leadhouse("whatif", "--rules", str(tmp_path), "--json"))
    assert found["entering"] > 0
    assert found["leaving"] == 0
    assert found["changed"]["unobserved"] == found["entering"]
    assert found["changed"]["calls_per_week"] > found["base"]["calls_per_week"]
    (rule,) = found["rules"]
    assert rule["file"] == "stage_thresholds.csv"
    assert all("@" not in person["email"] or "***@" in person["email"] for person in found["people_entering"])
