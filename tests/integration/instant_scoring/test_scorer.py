"""The scorer as a service: budget, threads, new snapshots while it runs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from scored_world import LOADED_AT, Built, device

from instant.chain import NotCompiled, compile_chain, read_manifest
from instant.inbox import InboxEvent
from instant.scoring import InstantScore, InstantScorer, NotScorable, OverBudget, RateChanged
from orchestration.publish import publish, swap_link

LATER = LOADED_AT + timedelta(hours=5)


def page_view(number: int, company: int, path: str = "/pricing") -> InboxEvent:
    at = LOADED_AT + timedelta(minutes=number)
    message = {
        "messageId": f"inbox-{number}", "type": "page", "anonymousId": device(company, 0),
        "timestamp": at.isoformat() + "Z",
        "properties": {"url": f"https://site.example{path}", "path": path},
    }  # fmt: skip
    return InboxEvent(number, f"inbox-{number}", "website", at, message)


def engagement(score: InstantScore) -> Any:
    return sum(row["engagement_score"] for row in score.contacts)


def test_an_event_of_the_inbox_counts(scorer: InstantScorer, accounts: Mapping[int, str]) -> None:
    before = scorer.score(accounts[3], [], [], LATER)
    after = scorer.score(accounts[3], [], [page_view(1, 3)], LATER)
    assert engagement(after) > engagement(before)
    assert scorer.score(accounts[3], [], [page_view(1, 3)] * 3, LATER) == after


def test_one_contact_can_be_asked_for(scorer: InstantScorer, accounts: Mapping[int, str]) -> None:
    everybody = scorer.score(accounts[2], [], [], LATER)
    assert len(everybody.contacts) == 3
    asked = everybody.contacts[1]["contact_id"]
    assert scorer.score(accounts[2], [asked], [], LATER).contacts == (everybody.contacts[1],)


def test_who_is_to_be_scored_must_be_named(scorer: InstantScorer) -> None:
    with pytest.raises(NotScorable, match="name one contact"):
        scorer.score(None, [], [], LATER)


def test_too_many_events_are_left_to_the_background(built: Built, accounts: Mapping[int, str]) -> None:
    small = InstantScorer(None, built.published, budget=5)
    with pytest.raises(OverBudget, match="background") as refused:
        small.score(accounts[2], [], [page_view(1, 2)], LATER)
    assert refused.value.events > refused.value.budget == 5


def test_a_rate_that_changed_since_is_refused(built: Built, accounts: Mapping[int, str], tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot.duckdb"
    shutil.copy(built.published.resolve(), snapshot)
    with duckdb.connect(str(snapshot)) as connection:
        account = connection.execute(
            "select scope_key, currency from instant.currencies where currency is not null limit 1"
        ).fetchone()
        connection.execute(
            "insert into instant.int_currency_rates by name select ? as currency, date '2026-11-03' as valid_from, "
            "date '9999-12-31' as valid_to, 2 as rate",
            [account[1] if account else "EUR"],
        )
        if account is None:
            pytest.fail("no account of the world has a revenue")
    scorer = InstantScorer(None, snapshot)
    account_id = account[0].removeprefix("a:")
    assert scorer.score(account_id, [], [], LATER).account is not None
    with pytest.raises(RateChanged, match="after a build"):
        scorer.score(account_id, [], [], LOADED_AT + timedelta(days=2))


def test_threads_do_not_disturb_each_other(scorer: InstantScorer, accounts: Mapping[int, str]) -> None:
    asked = [
        (account_id, [page_view(number, company)]) for number, (company, account_id) in enumerate(accounts.items())
    ]
    alone = [scorer.score(account_id, [], events, LATER) for account_id, events in asked[:24]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: scorer.score(one[0], [], one[1], LATER), asked[:24]))
    assert together == alone


def test_a_new_snapshot_is_taken_without_a_restart(built: Built, accounts: Mapping[int, str], tmp_path: Path) -> None:
    first = built.published.resolve()
    folder = tmp_path / "published"
    folder.mkdir()
    shutil.copy(first, folder / first.name)
    swap_link(folder / "current.duckdb", folder / first.name)
    scorer = InstantScorer(None, folder / "current.duckdb")
    events = [page_view(1, 4)]
    before = scorer.score(accounts[4], [], events, LATER)

    broken = folder / "20990101T000000Z-broken.duckdb"
    duckdb.connect(str(broken)).close()
    swap_link(folder / "current.duckdb", broken)
    assert scorer.score(accounts[4], [], events, LATER).snapshot.name == first.name
    assert scorer.problem is not None
    assert broken.name in scorer.problem

    second = publish(built.warehouse, folder, chain=compile_chain(read_manifest(built.manifest))).path
    after = scorer.score(accounts[4], [], events, LATER)
    assert after.snapshot == second.resolve()
    assert scorer.problem is None
    assert (after.contacts, after.account, after.ledger) == (before.contacts, before.account, before.ledger)


def test_a_snapshot_without_the_statement_is_refused(built: Built, tmp_path: Path) -> None:
    plain = publish(built.warehouse, tmp_path / "published").path
    with pytest.raises(NotScorable, match="publish anew"):
        InstantScorer(None, plain)
    with pytest.raises(NotScorable, match="leadhouse build"):
        InstantScorer(None, tmp_path / "nothing.duckdb")
    snapshot = tmp_path / "snapshot.duckdb"
    shutil.copy(built.published.resolve(), snapshot)
    with duckdb.connect(str(snapshot)) as connection:
        connection.execute("update instant.built_from set chain = null")
    with pytest.raises(NotCompiled):
        InstantScorer(None, snapshot)


def test_the_watermark_is_when_events_were_loaded(scorer: InstantScorer) -> None:
    assert scorer.watermark == datetime(2026, 11, 2, 6)
