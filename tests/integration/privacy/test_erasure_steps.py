"""Every trace of a person goes, from every place, whatever kills the erasure on its way."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from erasure_installation import CONTACT, EMAIL, OTHER_CONTACT, Installation

from orchestration.erasure import STEPS, begin, carry_out, look, proofs, under_way
from orchestration.erasure_person import ErasureRefused
from privacy import find_key
from reverse_etl.store import Store
from reverse_etl.suppressions import pending_deletions, tombstones

ROOT = Path(__file__).resolve().parents[3]
_KILLED_AT = """
import os, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from erasure_installation import Installation
from orchestration.erasure import begin, carry_out, look
places = Installation(Path(sys.argv[1])).places
dossier, _, _ = look(places, {email!r})
carry_out(places, begin(places, dossier), lambda step: os._exit(9) if step == sys.argv[2] else None)
"""


def erase(installation: Installation, email: str = EMAIL) -> str:
    dossier, _, _ = look(installation.places, email)
    erasure_id = begin(installation.places, dossier, reason="ticket 7")
    carry_out(installation.places, erasure_id)
    return erasure_id


def test_the_template_holds_what_is_looked_for(installation: Installation) -> None:
    assert set(installation.traces()) >= {"warehouse.duckdb", "ops.db-wal"} or "ops.db" in installation.traces()
    assert sum(name.startswith("published/") for name in installation.traces()) == 2


def test_every_trace_goes_and_nobody_elses(installation: Installation) -> None:
    before = {path.name for path in installation.places.published.glob("*.duckdb") if not path.is_symlink()}
    erasure_id = erase(installation)

    assert set(installation.traces()) <= {"seeds/verified_values.csv"}, "rule files are told, not changed"
    assert installation.rows("select id from raw_hubspot.contacts") == [("201",)]
    titles = installation.rows("select id, property_hs_call_title from raw_hubspot.calls order by id")
    assert titles == [("502", "Call with [erased] and Bia"), ("503", "Call with Bia about [erased]")]
    assert installation.rows("select property_dealname from raw_hubspot.deals") == [("Acme: [erased]",)]
    assert installation.rows("select count(*) from raw_hubspot.associations") == [(2,)]
    assert installation.rows("select message_id from raw_events.events") == [("w3",)]
    assert installation.rows("select submission_id from raw_hubspot.form_submissions") == [("s2",)]
    assert installation.rows("select contact_id from marts.dim_contacts") == [(OTHER_CONTACT,)]
    assert installation.rows("select contact_id, name from marts.fct_opportunities") == [(None, "Acme: [erased]")]
    assert installation.rows("select committee, score from marts.fct_account_scores") == [
        ("[erased] (decides), Bia Souza", 42)
    ]
    assert installation.rows("select name_raw from intermediate.int_clean_names order by 1") == [("Bia",), ("Souza",)]
    quarantine = "select reason_code, record, row_number from raw_quarantine.records order by row_number"
    assert installation.rows(quarantine) == [("erased", None, 9), ("malformed_json", "<html>", 10)]
    assert installation.rows("select fields, sync_key, outcome from raw_ops.sync_writes") == [(None, None, "written")]
    assert installation.rows("select view_name from duckdb_views() where not internal") == [("keys",)]

    snapshots = [path for path in installation.places.published.glob("*.duckdb") if not path.is_symlink()]
    assert len(snapshots) == 2
    assert not before & {path.name for path in snapshots}, "readers may hold the old files open"
    current = (installation.places.published / "current.duckdb").resolve()
    assert current in [path.resolve() for path in snapshots]
    assert installation.rows("select contact_id from marts.dim_contacts", current) == [(OTHER_CONTACT,)]

    with Store(installation.places.ops_url) as store:
        assert [row["fields"] for row in store.write_rows()] == [None]
        assert [(one.object, one.record_id) for one in pending_deletions(store)] == [
            ("contacts", "101"), ("contacts", "102"),
        ]  # fmt: skip
        known = tombstones(store, find_key(installation.folder))
    assert known.has_email("ANA.LIMA+other@acme.example")
    assert known.has_identifier("events.anonymous_id", "device-of-ana")
    assert not known.has_email("bia@acme.example")
    (proof,) = proofs(installation.places)
    assert (proof["erasure_id"], proof["state"], proof["reason"]) == (erasure_id, "done", "ticket 7")
    assert proof["counts"]["raw_hubspot.contacts"] == 1  # type: ignore[index]
    assert not [name for name in json.dumps(proof).split() if "ana" in name.lower()]
    assert under_way(installation.places) == []


def test_a_second_erasure_of_the_same_person_changes_nothing(installation: Installation) -> None:
    erase(installation)
    before = installation.rows("select table_name, estimated_size from duckdb_tables() order by all")
    erase(installation)
    assert installation.rows("select table_name, estimated_size from duckdb_tables() order by all") == before
    assert len(proofs(installation.places)) == 2


def test_a_look_changes_nothing_and_tells_what_would_go(installation: Installation) -> None:
    content = installation.places.warehouse.read_bytes()
    dossier, counts, named = look(installation.places, "ANA.LIMA@acme.example")
    assert installation.places.warehouse.read_bytes() == content
    assert counts["raw_hubspot.contacts"] == counts["marts.dim_contacts"] == 1
    assert dossier.crm_records == [("hubspot", "contacts", "101"), ("hubspot", "contacts", "102")]
    assert [(one.file, one.row) for one in named] == [("verified_values.csv", 3), ("verified_values.csv", 3)]
    assert not (installation.folder / "erasures").exists()
    assert proofs(installation.places) == []


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_is_finished_by_running_it_again(installation: Installation, step: str) -> None:
    code = _KILLED_AT.format(here=str(Path(__file__).parent), email=EMAIL)
    killed = subprocess.run(
        [sys.executable, "-c", code, str(installation.folder), step],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killed.returncode == 9, killed.stderr
    (erasure_id,) = under_way(installation.places)
    secret = installation.folder / "erasures" / f"{erasure_id}.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    with Store(installation.places.ops_url) as store:
        assert tombstones(store, find_key(installation.folder)).has_email(EMAIL), "nobody comes in meanwhile"

    assert erase(installation) == erasure_id
    assert set(installation.traces()) <= {"seeds/verified_values.csv"}
    (proof,) = proofs(installation.places)
    counts = proof["counts"]
    assert isinstance(counts, dict)
    assert (proof["state"], counts["raw_hubspot.contacts"], counts["ops.writes"]) == ("done", 1, 1)
    assert installation.rows("select contact_id from marts.dim_contacts") == [(OTHER_CONTACT,)]


def test_a_mailbox_of_several_is_refused_unless_all_are_meant(installation: Installation) -> None:
    with duckdb.connect(str(installation.places.warehouse)) as connection:
        connection.execute(
            "update intermediate.int_contact_records set email_canonical = 'ana.lima@acme.example' "
            "where record_id = '201'"
        )
    with pytest.raises(ErasureRefused, match="2 different contacts"):
        look(installation.places, EMAIL)
    dossier, _, _ = look(installation.places, EMAIL, everyone=True)
    assert sorted(dossier.contact_ids) == [CONTACT, OTHER_CONTACT]


def test_an_owner_of_the_crm_is_no_lead(installation: Installation) -> None:
    with duckdb.connect(str(installation.places.warehouse)) as connection:
        connection.execute("insert into raw_hubspot.owners (id, email) values ('7', 'Seller@us.example')")
    with pytest.raises(ErasureRefused, match="user of the CRM"):
        look(installation.places, "seller@us.example")


def test_what_is_no_address_is_refused(installation: Installation) -> None:
    with pytest.raises(ErasureRefused, match="no e-mail address"):
        look(installation.places, "ana")
