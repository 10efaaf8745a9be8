"""What the instant path says of people is what dbt itself builds from the same events afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from scored_world import LOADED_AT, Built, Raw, dbt, event, insert, page, person

from instant.scoring import InstantScorer, Who

AS_OF = LOADED_AT + timedelta(hours=6)


def happened(number: int, kind: str, minutes: int, **columns: Any) -> Raw:
    lineage = {"_source_file": "inbox", "_source_row": number}
    at = LOADED_AT + timedelta(minutes=minutes)
    if kind == "page":
        return page(f"b-{number}", at, "/pricing", {}, **columns, **lineage)
    return event(f"b-{number}", kind, at, **columns, **lineage)


EVENTS = [
    # A known person fills in a form on a new device, without a login; the device's earlier page becomes theirs.
    happened(1, "page", 5, anonymous_id="phone-4"),
    happened(2, "track", 9, anonymous_id="phone-4", email=person(4, 0).upper(), event="Form Submitted",
             properties='{"form": "Request a demo"}'),
    # The same mailbox under a login that nobody has seen.
    happened(3, "page", 30, anonymous_id="desk-8", user_id="login-8", email=person(8, 1)),
    # New people: at a known company, with free mail, and twice the same one by login and by mailbox.
    happened(4, "page", 40, anonymous_id="visitor-1", email="nova@firm3.example"),
    happened(5, "page", 41, anonymous_id="visitor-2", email="somebody@gmail.com"),
    happened(6, "page", 42, anonymous_id="visitor-3", email="twice@firm5.example"),
    happened(7, "page", 50, anonymous_id="visitor-4", user_id="login-twice", email="Twice@firm5.example"),
]  # fmt: skip


@dataclass(frozen=True)
class After:
    """Marts of a real build with the events, by name and key, and the contact of each record of an event."""

    contacts: Mapping[str, Mapping[str, Any]]
    accounts: Mapping[str, Mapping[str, Any]]
    contact_of: Mapping[str, str]
    account_of: Mapping[str, str | None]


@pytest.fixture(scope="module")
def after(built: Built, tmp_path_factory: pytest.TempPathFactory) -> After:
    folder = tmp_path_factory.mktemp("after")
    warehouse = folder / "warehouse.duckdb"
    shutil.copy(built.warehouse, warehouse)
    shutil.copytree(built.manifest.parent, folder / "target")
    with duckdb.connect(str(warehouse)) as connection:
        insert(connection, "raw_events.events", EVENTS)
        connection.execute("update raw_ops.run_clock set as_of_at = ?", [AS_OF])
    dbt(folder, warehouse, "run")
    return _marts(warehouse)


def _marts(warehouse: Path) -> After:
    with duckdb.connect(str(warehouse), read_only=True) as connection:

        def rows(mart: str, key: str) -> dict[str, dict[str, Any]]:
            found = connection.execute(f"select * from marts.{mart}")
            columns = [column[0] for column in found.description or ()]
            return {row[columns.index(key)]: dict(zip(columns, row, strict=True)) for row in found.fetchall()}

        people = connection.execute("select person_record_id, contact_id from intermediate.int_event_contacts")
        contact_of = dict(people.fetchall())
        account_of = dict(connection.execute("select contact_id, account_id from marts.dim_contacts").fetchall())
        return After(
            rows("fct_contact_scores", "contact_id"), rows("fct_account_scores", "account_id"), contact_of, account_of
        )


@pytest.fixture(scope="module")
def who(scorer: InstantScorer) -> Who:
    return scorer.who(EVENTS)


def test_everybody_has_the_id_and_account_that_the_build_gives(who: Who, after: After) -> None:
    assert {one.record_id: one.contact_id for one in who.people} == {
        one.record_id: after.contact_of[one.record_id] for one in who.people
    }
    assert {one.record_id: one.account_id for one in who.people} == {
        one.record_id: after.account_of[after.contact_of[one.record_id]] for one in who.people
    }
    new = {one.record_id for one in who.people if one.is_new}
    assert new == {"nova@firm3.example", "somebody@gmail.com", "twice@firm5.example", "login-twice"}


def test_free_mail_makes_no_account(who: Who) -> None:
    free = next(one for one in who.people if one.record_id == "somebody@gmail.com")
    assert free.account_id is None


def test_known_people_are_scored_as_by_the_build(
    scorer: InstantScorer, who: Who, after: After, accounts: Mapping[int, str]
) -> None:
    for company in (4, 8):
        account_id = accounts[company]
        assert f"a:{account_id}" in who.scopes
        found = scorer.score(account_id, [], EVENTS, AS_OF)
        assert found.account == after.accounts[account_id]
        assert found.contacts
        for row in found.contacts:
            assert row == after.contacts[row["contact_id"]]


def test_what_only_a_build_can_decide_is_said(scorer: InstantScorer) -> None:
    def undecided(*events: Raw) -> str:
        return next(one.undecided for one in scorer.who(events).people if one.undecided) or ""

    named = happened(20, "identify", 60, email=person(5, 0), traits='{"firstName": "Bruno", "lastName": "Costa"}')
    assert "name is another" in undecided(named)
    old = happened(21, "page", -60 * 24 * 900, email=person(5, 0))
    assert "older than every record" in undecided(old)
    joined = happened(22, "page", 60, user_id="user-5-0", email=person(6, 0))
    assert "apart so far" in undecided(joined)
