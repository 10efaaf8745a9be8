"""Consent between plan and apply: who opts out is not written and leaves every list; who was erased is deleted."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_writeback_sandbox import contacts_of, make
from writeback_portal import Portal, Project
from writeback_worlds import CONTACTS_SYNC, HOT_LIST

import reverse_etl
from crm_access import CrmAccess
from privacy import ErasureKey, KeyMissingError
from reverse_etl.errors import StalePlanError
from reverse_etl.forget import forget
from reverse_etl.suppressions import pending_deletions, record_tombstones, relation, start_erasure

KEY = ErasureKey(b"the key of the tests, long enough")
BOTH = {"sync_contacts": {"sync": CONTACTS_SYNC}, "list_hot": {"list": HOT_LIST}}
SEARCH = "POST /crm/objects/contacts/search"


def opt_out(portal: Portal, record_id: str) -> None:
    """A person's no, as the CRM's own people or its e-mail footer record it."""
    body = {"properties": {"hs_email_optout": "true"}, "user_id": 77}
    portal.call("PATCH", f"/sandbox/objects/contacts/{record_id}", body)


def add_table(snapshot: Path, name: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    with duckdb.connect(str(snapshot.resolve())) as connection:
        connection.execute(f"create table marts.{name} ({columns})")
        connection.executemany(f"insert into marts.{name} values ({', '.join('?' * len(rows[0]))})", rows)


def ledger_of(project: Project, plan_id: str) -> dict[tuple[str, str], dict[str, Any]]:
    with project.store() as store:
        return {(row["action"], row["record_id"]): row for row in store.write_rows(plan_id=plan_id)}


def test_who_opts_out_after_the_plan_is_not_written_and_leaves_the_list(project: Project, portal: Portal) -> None:
    ids = make(portal, "optout", 6)
    list_id = portal.call(
        "POST", "/crm/v3/lists", {"name": "Leadhouse: hot", "objectTypeId": "0-1", "processingType": "MANUAL"}
    )["list"]["listId"]
    portal.call("PUT", f"/crm/v3/lists/{list_id}/memberships/add", ids[:3])
    project.publish(
        meta=BOTH, contacts=contacts_of(ids, "optout"), hot=ids[:5], observed_contacts={i: {} for i in ids},
        lists={list_id: "Leadhouse: hot"}, members={list_id: ids[:3]},
    )  # fmt: skip
    plan = project.plan()
    assert (plan.updates, plan.list_adds, plan.list_removes) == (6, 2, 0)
    # One member by the plan's own reading, one who is about to become one.
    opt_out(portal, ids[1])
    opt_out(portal, ids[4])
    portal.call("POST", "/sandbox/reset-stats")

    done = project.apply(plan)

    assert (done.updates, done.list_adds, done.suppressed, done.rejected, done.list_removes) == (4, 1, 3, 0, 1)
    assert portal.by_path()[SEARCH] == 1, "consent is asked once an object"
    assert portal.members("Leadhouse: hot") == {ids[0], ids[2], ids[3]}
    assert "leadhouse_score" not in portal.held("contacts", ids[1])
    ledger = ledger_of(project, plan.plan_id)
    assert ledger["update", ids[1]]["outcome"] == ledger["list_add", ids[4]]["outcome"] == "suppressed"
    assert ledger["list_remove", ids[1]]["outcome"] == "written"
    with project.store() as store:
        assert store.dead_letter_rows(state=None) == []

    # Nothing was read since, and still the next plan knows; nothing is left, so nothing is asked.
    again = project.plan()
    assert (again.changes, again.suppressed) == (0, 4)
    assert project.apply(again).requests == 0
    assert project.apply(plan).requests == 0, "a suppressed row is done"


def test_a_plan_without_changes_asks_nothing(project: Project, portal: Portal) -> None:
    ids = make(portal, "quiet", 3)
    rows = contacts_of(ids, "quiet")
    held = {
        record_id: {"leadhouse_score": str(row["lead_score"]), "leadhouse_grade": row["lead_grade"]}
        for record_id, row in zip(ids, rows, strict=True)
    }
    project.publish(meta={"sync_contacts": {"sync": CONTACTS_SYNC}}, contacts=rows, observed_contacts=held)
    plan = project.plan()
    assert plan.changes == 0
    assert project.apply(plan).requests == portal.requests() == 0


def test_an_opt_out_counts_for_every_record_of_the_person(project: Project, portal: Portal) -> None:
    ids = make(portal, "twice", 3)
    rows = contacts_of(ids, "twice")
    rows[1] |= {"sync_key": f"twice0:{ids[1]}"}
    project.publish(meta=BOTH, contacts=rows, hot=ids, observed_contacts={i: {} for i in ids})
    add_table(
        project.current, "dim_contact_crm_records",
        "destination varchar, object varchar, record_id varchar, contact_id varchar",
        [("hubspot", "contacts", ids[0], "twice0"), ("hubspot", "contacts", ids[1], "twice0"),
         ("hubspot", "contacts", ids[2], "twice2")],
    )  # fmt: skip
    plan = project.plan()
    opt_out(portal, ids[1])
    done = project.apply(plan)
    assert (done.updates, done.list_adds, done.suppressed) == (1, 1, 4)
    assert "leadhouse_score" not in portal.held("contacts", ids[0])
    assert portal.members("Leadhouse: hot") & set(ids) == {ids[2]}


def test_rules_in_data_may_let_updates_through_but_no_list(project: Project, portal: Portal) -> None:
    ids = make(portal, "rules", 2)
    project.publish(
        meta=BOTH, contacts=contacts_of(ids, "rules"), hot=ids, observed_contacts={i: {} for i in ids}
    )  # fmt: skip
    columns = "write varchar, is_suppressed boolean"
    add_table(project.current, "dim_consent_rules", columns, [("update", False), ("list_add", False)])
    plan = project.plan()
    opt_out(portal, ids[0])
    done = project.apply(plan)
    assert (done.updates, done.list_adds, done.suppressed) == (2, 1, 1)
    assert portal.members("Leadhouse: hot") & set(ids) == {ids[1]}


def test_who_exists_and_opted_out_is_not_taken_for_a_create(project: Project, portal: Portal) -> None:
    (known,) = make(portal, "exists", 1)
    opt_out(portal, known)
    wanted = [{"sync_key": "p", "email": "exists0@x.example", "is_opted_out": False, "lead_score": 5}]
    project.publish(meta={"sync_contacts": {"sync": CONTACTS_SYNC}}, contacts=wanted, observed_contacts={})
    plan = project.plan()
    assert plan.creates == 1
    done = project.apply(plan)
    assert (done.written, done.suppressed) == (0, 1)
    assert "leadhouse_score" not in portal.held("contacts", known)


def erased(project: Project, records: list[str], email: str) -> str:
    with project.store() as store:
        erasure_id = start_erasure(store, KEY, email, None, "test")
        record_tombstones(
            store, KEY, erasure_id, emails=[email], records=[("hubspot", "contacts", one) for one in records]
        )
    return erasure_id


def apply_with_key(project: Project, plan_id: str, portal: Portal) -> Any:
    access = CrmAccess("hubspot", portal.url, {"token": portal.token}, burst_limit=100_000)
    return reverse_etl.apply(plan_id, project.ops_url, {"hubspot": access}, erasure_key=KEY)


def test_erased_people_are_deleted_and_never_written_again(project: Project, portal: Portal) -> None:
    ids = make(portal, "erased", 4)
    rows = contacts_of(ids, "erased")
    rows.append({"sync_key": "again", "email": "Erased0+x@x.example", "is_opted_out": False, "lead_score": 1})
    project.publish(meta=BOTH, contacts=rows, hot=ids, observed_contacts={i: {} for i in ids})
    plan = project.plan()
    erased(project, ids[:1], "erased0@x.example")
    with pytest.raises(KeyMissingError, match="missing"):
        project.apply(plan)
    done = apply_with_key(project, plan.plan_id, portal)
    assert (done.deletes, done.creates, done.updates, done.list_adds) == (1, 0, 3, 3)
    assert done.suppressed == 3, "the update, the list and the create"
    assert "erased0@x.example" not in {one.get("email") for one in portal.all_contacts("email").values()}
    with project.store() as store:
        assert pending_deletions(store) == []
        assert relation(store, "hubspot").to_pylist()[0]["kind"] == "erased"
    portal.call("POST", "/sandbox/reset-stats")
    assert apply_with_key(project, plan.plan_id, portal).requests == portal.requests() == 0


def test_a_refused_deletion_is_a_dead_letter_and_is_tried_again(project: Project, portal: Portal) -> None:
    (known,) = make(portal, "stays", 1)
    project.publish(meta={"sync_contacts": {"sync": CONTACTS_SYNC}}, contacts=[], observed_contacts={known: {}})
    plan = project.plan()
    erased(project, [known], "stays0@x.example")
    portal.fault(method="POST", path=".*gdpr-delete", status=400, times=1)
    assert (lambda done: (done.deletes, done.rejected))(apply_with_key(project, plan.plan_id, portal)) == (0, 1)
    with project.store() as store:
        (letter,) = store.dead_letter_rows()
        assert (letter["sync"], letter["action"]) == ("erasure", "delete")
        assert len(pending_deletions(store)) == 1
    assert apply_with_key(project, plan.plan_id, portal).deletes == 1
    with project.store() as store:
        assert store.dead_letter_rows() == []


def test_the_store_forgets_what_a_person_was_called(project: Project, portal: Portal) -> None:
    ids = make(portal, "forget", 3)
    rows = contacts_of(ids, "forget")
    rows[0]["title"] = "Diretora Ana Lima"
    rows.append({"sync_key": "new", "email": "forget-new@x.example", "is_opted_out": False, "lead_score": 1})
    project.publish(meta=BOTH, contacts=rows, hot=ids, observed_contacts={i: {} for i in ids})
    project.apply(project.plan())
    with project.store() as store:
        counts = forget(
            store, records=[("hubspot", "contacts", ids[0])], contact_ids=["forget0", "new"],
            addresses=["forget0@x.example", "forget-new@x.example"], names=["Ana Lima"],
        )  # fmt: skip
        assert counts["ops.writes"] == 3
        assert forget(store, records=[("hubspot", "contacts", ids[0])], contact_ids=["forget0", "new"],
                      addresses=["forget0@x.example"], names=["Ana Lima"]) == {}  # fmt: skip
        kept = {row["record_id"]: row for row in store.write_rows() if row["action"] == "update"}
        assert kept[ids[0]]["fields"] is None
        assert json.loads(kept[ids[1]]["fields"])["leadhouse_score"] == "1.5"
        assert len(store.list_plans()) == 1
    stored = b"".join(file.read_bytes() for file in project.folder.glob("ops.db*"))
    for trace in (b"Ana Lima", b"forget0@x.example", b"forget-new@x.example"):
        assert trace not in stored


def test_a_plan_whose_snapshot_is_gone_is_stale(project: Project, portal: Portal) -> None:
    ids = make(portal, "gone", 1)
    sync = copy.deepcopy(CONTACTS_SYNC)
    project.publish(
        meta={"sync_contacts": {"sync": sync}}, contacts=contacts_of(ids, "gone"), observed_contacts={ids[0]: {}}
    )
    plan = project.plan()
    project.current.resolve().unlink()
    with pytest.raises(StalePlanError, match="gone"):
        project.apply(plan)
    assert portal.requests() == 0
