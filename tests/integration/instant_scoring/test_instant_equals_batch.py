"""The instant score is the batch's, to the last decimal: whatever happened, in whatever order, however often told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scored_world import COMPANIES, LOADED_AT, PATHS, TAGS, TRACKS, Batch, Raw, device, event, page, world

from instant.scoring import InstantScore, InstantScorer

#: Sequences of one batch are one for each company: 17 batches are a thousand sequences.
BATCHES = 17
#: A message of each company that the snapshot holds.
STORED = {int(row["message_id"].split("-")[1]): row for row in world()["raw_events.events"] if row["type"] == "page"}
Marts = Mapping[str, Mapping[str, Mapping[str, Any]]]

_moments = st.one_of(
    # Since the snapshot, shortly before it (a visit that goes on), and long ago (late).
    st.integers(0, 3 * 24 * 60), st.integers(-90, 0), st.integers(-80 * 24 * 60, 0),
).map(lambda minutes: LOADED_AT + timedelta(minutes=minutes))  # fmt: skip
_visitors = st.sampled_from(["own", "second", "kiosk", "new", "colleague"])
_names = st.sampled_from([None, None, "self", "colleague"])


@st.composite
def happening(draw: st.DrawFn) -> dict[str, Any]:
    """One thing that happened at a company, not yet an event of a certain one."""
    return {
        "kind": draw(st.sampled_from(["page", "page", "track", "repeat"])),
        "at": draw(_moments),
        "visitor": draw(_visitors),
        "named": draw(_names),
        "path": draw(st.sampled_from(PATHS)),
        "tags": draw(st.sampled_from(TAGS)),
        "track": draw(st.sampled_from(TRACKS)),
        "dwell": draw(st.sampled_from([None, 0, 12, 4000])),
        "again": draw(st.booleans()),
    }


def events_of(company: int, told: Sequence[Mapping[str, Any]], batch: int) -> list[Raw]:
    """What happened at a company as rows, repeated messages included."""
    rows: list[Raw] = []
    for number, one in enumerate(told):
        message = f"n-{batch}-{company}-{number}"
        if one["kind"] == "repeat":
            # A message of the snapshot, told once more.
            rows.append(STORED[company] | {"received_at": LOADED_AT + timedelta(days=1), "_source_file": "inbox"})
            continue
        visitor = {
            "own": device(company, 0), "second": device(company, 10), "kiosk": f"kiosk-{company // 7}",
            "new": f"new-{batch}-{company}-{number % 2}", "colleague": device(company, 1),
        }[one["visitor"]]  # fmt: skip
        person = {None: None, "self": f"user-{company}-0", "colleague": f"user-{company}-{company % 3}"}[one["named"]]
        columns: Raw = {
            "anonymous_id": visitor, "user_id": person, "dwell_seconds": one["dwell"],
            "received_at": LOADED_AT + timedelta(days=3, seconds=number), "_source_file": "inbox",
            "_source_row": number,
        }  # fmt: skip
        if one["kind"] == "track":
            name, properties = one["track"]
            rows.append(event(message, "track", one["at"], event=name, properties=properties, **columns))
        else:
            rows.append(page(message, one["at"], one["path"], one["tags"], **columns))
        if one["again"]:
            rows.append(rows[-1] | {"received_at": LOADED_AT + timedelta(days=4), "_source_row": 1000 + number})
    return rows


def assert_equal(found: InstantScore, wanted: Marts) -> None:
    """Every row and column of an account's scores."""
    for row in found.contacts:
        assert row == wanted["fct_contact_scores"][row["contact_id"]]
    for row in found.ledger:
        assert row == wanted["fct_score_ledger"][row["ledger_id"]]
    account_id = found.scope.removeprefix("a:")
    assert found.account == wanted["fct_account_scores"].get(account_id)
    contacts = {key for key, row in wanted["fct_contact_scores"].items() if row["account_id"] == account_id}
    assert {row["contact_id"] for row in found.contacts} == contacts
    lines = {key for key, row in wanted["fct_score_ledger"].items() if row["account_id"] == account_id}
    assert {row["ledger_id"] for row in found.ledger} == lines


def test_without_new_events_every_account_is_as_published(batch: Batch, scorer: InstantScorer) -> None:
    wanted = batch.at([], LOADED_AT)
    accounts = sorted(wanted["fct_account_scores"])
    assert len(accounts) >= COMPANIES - COMPANIES // 10
    for account_id in accounts:
        assert_equal(scorer.score(account_id, [], [], LOADED_AT), wanted)


_batches_seen: list[int] = []


# Not shrunk: a batch an attempt would take hours. What differs is named by company, rule and column.
@settings(
    max_examples=BATCHES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    derandomize=True,
)
@given(
    told=st.lists(st.lists(happening(), max_size=7), min_size=COMPANIES, max_size=COMPANIES),
    hours=st.integers(0, 80),
    order=st.randoms(use_true_random=False),
)
def test_a_thousand_sequences(
    batch: Batch, scorer: InstantScorer, accounts: Mapping[int, str], told: list[Any], hours: int, order: Any
) -> None:
    number = len(_batches_seen)
    _batches_seen.append(number)
    happened = {company: events_of(company, told[company], number) for company in range(COMPANIES)}
    as_of = LOADED_AT + timedelta(hours=hours)
    wanted = batch.at([row for rows in happened.values() for row in rows], as_of)
    for company, account_id in accounts.items():
        # Who shares a device with the company: what they did there can be the company's.
        near = [other for other in range(COMPANIES) if other // 7 == company // 7]
        events = [row for other in near for row in happened[other]]
        order.shuffle(events)
        assert_equal(scorer.score(account_id, [], events, as_of), wanted)
