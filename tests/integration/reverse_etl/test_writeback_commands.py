"""``leadhouse apply``, ``deadletters`` and ``retry`` as a person types them, against a portal that refuses a record."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result
from writeback_portal import Project
from writeback_worlds import CONTACTS_SYNC

from leadhouse.cli import app
from reverse_etl.store import Store

Call = Callable[..., Result]


@pytest.fixture
def call(project: Project, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command line on the settings of this project."""
    monkeypatch.setenv("LEADHOUSE_DATA_DIR", str(project.folder))
    monkeypatch.setenv("LEADHOUSE_OPS_URL", project.ops_url)
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_BASE_URL", project.portal.url)
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_TOKEN", project.portal.token)
    runner = CliRunner()
    return lambda *words: runner.invoke(app, list(words))


def publish(project: Project, ids: list[str], title: str) -> None:
    wanted = [
        {"sync_key": f"k{i}", "record_id": record_id, "lead_score": 5, "title": title, "is_opted_out": False}
        for i, record_id in enumerate(ids)
    ]
    meta = {"sync_contacts": {"sync": CONTACTS_SYNC}}
    project.publish(meta=meta, contacts=wanted, observed_contacts={record_id: {} for record_id in ids})


def test_refusals_end_with_three_are_listed_and_go_again(project: Project, call: Call) -> None:
    ids = project.portal.create("contacts", [{"email": f"cli{i}{project.folder.name}@acme.com"} for i in range(3)])
    publish(project, ids, "Buyer")
    project.portal.fault(
        method="POST", path="/crm/objects/contacts/batch/update", status=400, times=1_000, body=f'"id":"{ids[1]}"'
    )
    project.plan()
    done = call("apply", "latest")
    assert done.exit_code == 3, done.output
    assert "2 written" in done.output
    assert "1 rejected" in done.output
    listed = call("deadletters", "--output", "json")
    assert listed.exit_code == 0, listed.output
    (letter,) = json.loads(listed.stdout)["dead_letters"]
    assert (letter["record_id"], letter["error_kind"]) == (ids[1], "validation")
    assert project.plan().held == 1, "the same values would be refused again"
    project.portal.call("POST", "/sandbox/faults", [])
    again = call("retry", "--kind", "validation")
    assert again.exit_code == 0, again.output
    assert project.plan().updates == 1
    assert call("apply", "latest").exit_code == 0
    assert project.portal.held("contacts", ids[1])["leadhouse_score"] == "5"
    assert json.loads(call("deadletters", "--output", "json").stdout)["total"] == 0


def test_a_second_apply_says_who_runs_and_may_wait(project: Project, call: Call) -> None:
    ids = project.portal.create("contacts", [{"email": f"wait{project.folder.name}@acme.com"}])
    publish(project, ids, "Buyer")
    project.plan()
    with Store(project.ops_url) as store, store.lock(["hubspot.sync_contacts"]):
        busy = call("apply", "latest")
        waited = call("apply", "latest", "--wait", "0.3")
    assert (busy.exit_code, waited.exit_code) == (1, 1)
    assert "another apply is running" in busy.output
    assert project.portal.held("contacts", ids[0]).get("leadhouse_score") is None
    assert call("apply", "latest", "--wait", "5").exit_code == 0


def test_a_wrong_token_is_one_message_without_the_token(
    project: Project, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = project.portal.create("contacts", [{"email": f"token{project.folder.name}@acme.com"}])
    publish(project, ids, "Buyer")
    project.plan()
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_TOKEN", "pat-not-this-one")
    refused = call("apply", "latest")
    assert refused.exit_code == 1
    assert "LEADHOUSE_HUBSPOT_TOKEN" in refused.output
    assert "pat-not-this-one" not in refused.output
    assert "Traceback" not in refused.output
