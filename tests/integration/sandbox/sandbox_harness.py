"""A tiny world, and servers started as users start them: a subprocess on a free port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

AS_OF = datetime(2026, 6, 30, 6, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


@dataclass
class Sandbox:
    """A running server."""

    url: str
    token: str
    pid: int
    process: subprocess.Popen[str]

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=20)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


@contextmanager
def running(*arguments: str) -> Iterator[Sandbox]:
    """Start a server with these arguments; limits are off unless asked for."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.server", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError(f"the server did not start: {process.stderr.read()}")
    with process:
        try:
            yield Sandbox(**json.loads(line), process=process)
        finally:
            if process.poll() is None:
                process.terminate()


UNLIMITED = ("--burst", "0", "--searches", "0", "--daily", "0")


# The tiny world ---------------------------------------------------------------------------------------------------


def write_world(root: Path) -> Path:
    """120 contacts, 3 companies, 2 deals and a bit of everything else; a second day."""
    (root / "world.json").write_text(json.dumps({"size": "tiny", "as_of": AS_OF.isoformat(), "token": "tiny-token"}))
    contacts = [_contact(n) for n in range(1, 121)]
    contacts[4]["hs_merged_object_ids"] = "900;901"
    contacts[118] |= {"archived": True, "archived_at": _at(10)}
    hubspot = root / "hubspot"
    _objects(hubspot, "contacts", contacts)
    _objects(hubspot, "companies", [_company(n) for n in (1, 2, 3)])
    deals = [_deal(1, "qualifiedtobuy"), _deal(2, "closedwon")]
    _objects(hubspot, "deals", deals)
    _objects(hubspot, "calls", [_call(n) for n in (1, 2)])
    _table(
        hubspot,
        "associations",
        [
            {"from_object": "contacts", "from_id": "1001", "to_object": "companies", "to_id": "2001", "type_id": 279},
            {"from_object": "contacts", "from_id": "1001", "to_object": "companies", "to_id": "2001", "type_id": 1},
            {"from_object": "deals", "from_id": "3001", "to_object": "contacts", "to_id": "1001", "type_id": 3},
        ],
        extra={"category": "HUBSPOT_DEFINED", "label": None},
    )
    _table(hubspot, "property_history", [_stage(1, "appointmentscheduled", 50), _stage(1, "qualifiedtobuy", 40)])
    _table(
        hubspot,
        "owners",
        [
            {"id": "71", "email": "ana@us.example", "first_name": "Ana", "last_name": "Silva", "user_id": "9001",
             "archived": False, "created_at": _at(300), "updated_at": _at(300)},
            {"id": "72", "email": "old@us.example", "first_name": "Old", "last_name": "Rep", "user_id": "9002",
             "archived": True, "created_at": _at(300), "updated_at": _at(300)},
        ],
    )  # fmt: skip
    _table(
        hubspot,
        "deal_stages",
        [
            {"pipeline_id": "default", "pipeline_label": "Sales", "stage_id": stage, "stage_label": stage.title(),
             "display_order": order, "probability": odds, "is_closed": closed, "archived": False}
            for order, (stage, odds, closed) in enumerate(
                [("appointmentscheduled", "0.2", "false"), ("qualifiedtobuy", "0.4", "false"),
                 ("closedwon", "1.0", "true"), ("closedlost", "0.0", "true")]
            )
        ],
    )  # fmt: skip
    _table(
        hubspot,
        "forms",
        [{"id": "f-demo", "name": "Demo", "form_type": "hubspot", "field_names": "email;company", "archived": False,
          "created_at": _at(300), "updated_at": _at(300)}],
    )  # fmt: skip
    _table(hubspot, "form_submissions", [_submission(n) for n in range(1, 61)])
    _table(
        hubspot,
        "email_campaigns",
        [{"id": "501", "app_id": "113", "name": "Newsletter", "subject": "News", "type": "BATCH_EMAIL"}],
    )
    _table(hubspot, "email_events", [_event(n) for n in range(1, 251)])
    _write_day2(root / "day2" / "hubspot", contacts)
    return root


def _write_day2(day2: Path, contacts: list[dict[str, Any]]) -> None:
    moved = contacts[1] | {"jobtitle": "Head of Sales", "updated_at": _at(-0.5), "lastmodifieddate": "x"}
    left = contacts[2] | {"archived": True, "archived_at": _at(-0.4), "updated_at": _at(-0.4)}
    survivor = contacts[3] | {"hs_merged_object_ids": "1010", "updated_at": _at(-0.3)}
    unsubscribed = contacts[5] | {"hs_email_optout": "true", "updated_at": _at(-0.2)}
    _objects(day2, "contacts", [moved, left, survivor, unsubscribed, _contact(500) | {"updated_at": _at(-0.9)}])
    _objects(day2, "deals", [_deal(1, "closedwon") | {"updated_at": _at(-0.6)}])
    _table(day2, "property_history", [_stage(1, "closedwon", -0.6)])
    _table(day2, "form_submissions", [_submission(61)])
    _table(day2, "email_events", [_event(251)])


def _at(days_before: float) -> datetime:
    return AS_OF - timedelta(days=days_before)


def _record(id_: int, days: float, **properties: str | None) -> dict[str, Any]:
    return {
        "id": str(id_),
        "created_at": _at(200 + days),
        "updated_at": _at(days),
        "archived": False,
        "archived_at": None,
        "hs_object_id": str(id_),
        **properties,
    }


def _contact(n: int) -> dict[str, Any]:
    return _record(
        1000 + n,
        1 + n % 100,
        email=f"person{n}@mail.example",
        firstname=f"Name{n}",
        lastname="Souza" if n % 2 else None,
        jobtitle="Analyst",
        numemployees=str(n),
        lifecyclestage="lead",
        lastmodifieddate="2026-01-01T00:00:00Z",
        hs_email_optout=None,
        hs_merged_object_ids=None,
        hs_additional_emails="second4@mail.example" if n == 4 else None,
        hs_object_source="FORM",
    )


def _company(n: int) -> dict[str, Any]:
    return _record(2000 + n, n, name=f"Company {n}", domain=f"company{n}.example", annualrevenue=str(n * 1e6), naf="62")


def _deal(n: int, stage: str) -> dict[str, Any]:
    return _record(
        3000 + n, n, dealname=f"Deal {n}", dealstage=stage, pipeline="default", amount="1000.50",
        createdate="2026-01-05T00:00:00.000Z", closedate=None,
    )  # fmt: skip


def _call(n: int) -> dict[str, Any]:
    return _record(4000 + n, n, hs_timestamp="2026-05-01T10:00:00Z", hs_call_disposition="busy", hs_call_direction=None)


def _stage(n: int, stage: str, days: float) -> dict[str, Any]:
    return {
        "object_type": "deals", "object_id": str(3000 + n), "property": "dealstage", "value": stage,
        "changed_at": _at(days), "source_type": "CRM_UI", "source_id": "userId:9001", "updated_by_user_id": "9001",
    }  # fmt: skip


def _submission(n: int) -> dict[str, Any]:
    return {
        "submission_id": f"s-{n:03d}", "form_id": "f-demo", "submitted_at": _at(61 - n),
        "email": f"person{n}@mail.example", "page_url": "https://www.us.example/demo",
        "answers": json.dumps({"email": f"person{n}@mail.example", "company": f"Company {n}"}),
    }  # fmt: skip


def _event(n: int) -> dict[str, Any]:
    type_ = ("SENT", "DELIVERED", "OPEN", "CLICK", "STATUSCHANGE")[n % 5]
    return {
        "id": f"e-{n:04d}", "type": type_, "created_at": _at(251 - n), "recipient": f"person{n % 7}@mail.example",
        "campaign_id": "501", "url": "https://www.us.example/pricing" if type_ == "CLICK" else None,
        "is_machine": n % 10 == 2 if type_ == "OPEN" else None,
        "portal_subscription_status": "UNSUBSCRIBED" if type_ == "STATUSCHANGE" else None,
    }  # fmt: skip


def _objects(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    _table(folder, name, rows)


_TYPES = {
    **{name: pa.timestamp("us", "UTC") for name in ("created_at", "updated_at", "archived_at", "changed_at")},
    "submitted_at": pa.timestamp("us", "UTC"),
    "archived": pa.bool_(),
    "is_machine": pa.bool_(),
    "type_id": pa.int64(),
    "display_order": pa.int64(),
}


def _table(folder: Path, name: str, rows: list[dict[str, Any]], extra: dict[str, Any] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row | (extra or {}) for row in rows]
    schema = pa.schema([(column, _TYPES.get(column, pa.string())) for column in rows[0]])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{name}.parquet")
