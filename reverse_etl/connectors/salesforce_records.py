"""Creates and updates: sObject Collections for some records, Bulk API 2.0 jobs for many, an outcome for each.

* A locked row (``UNABLE_TO_LOCK_ROW``) and one that a job did not come to are sent again, a few times, ever later.
* A lead that was converted meanwhile is written as the contact that it became.
* A request that is refused as a whole is split until only the bad records are refused.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from reverse_etl.connectors.base import RowOutcome, RowWrite
from reverse_etl.connectors.salesforce_api import SalesforceApi, refusal_of
from reverse_etl.connectors.salesforce_bulk import JOB_BYTES, JobResults, job_csv
from reverse_etl.connectors.salesforce_errors import CONVERTED, UNPROCESSED, Refusal, read_errors
from reverse_etl.connectors.salesforce_values import sobject_of, soql_lists, typed, with_required
from reverse_etl.errors import AmbiguousOutcomeError, ConnectorError, PermissionDeniedError, UnreachableError

#: Records of one Collections request; rows of a sync up to which it is used at all.
COLLECTION_ROWS = 200
MOST_BY_COLLECTION = 2_000

#: Times a record is sent that is locked or left unprocessed, the first included.
_TRIES = 4
_UPLOADS = 3
#: Seconds between two looks at a job: the first, the longest.
_FIRST_LOOK = 0.5
_LONGEST_LOOK = 15.0
#: Looks at a job before the apply gives up on it (about two hours; the next apply finds it again).
_LOOKS = 500
_OVER = ("JobComplete", "Failed", "Aborted")
#: Score updates must not send records through the org's assignment rules, which would give them another owner.
_NO_ASSIGNMENT = {"Sforce-Auto-Assign": "FALSE"}

#: What became of a row: the id of the record written, or why it was refused. By ``ref``.
Fates = dict[str, "str | Refusal"]


class RecordWriter:
    """Writes records of one org."""

    def __init__(self, api: SalesforceApi) -> None:
        self._api = api

    def write(
        self, sobject: str, rows: Sequence[RowWrite], note: Callable[[str], None] | None = None
    ) -> list[RowOutcome]:
        """Create the rows without a record id, change those with one; an outcome each, in order.

        ``note`` is called with the id of each job; without it no job is used.
        """
        fates: Fates = {}
        left = list(rows)
        for attempt in range(_TRIES):
            if attempt:
                self._api.sleep(2.0 ** (attempt - 1) * random.uniform(0.75, 1.25))
            by_job = note is not None and len(left) > (MOST_BY_COLLECTION if attempt else COLLECTION_ROWS)
            for name, part in _by_sobject(sobject, left):
                if by_job and note is not None:
                    fates |= self._by_jobs(name, part, note)
                else:
                    fates |= self._by_collections(name, part)
            left = [row for row in left if _is_passing(fates[row.ref])]
            if not left:
                break
        fates |= self._as_contacts([row for row in rows if _is_converted(fates[row.ref])])
        return [_outcome(row, fates[row.ref]) for row in rows]

    # -- sObject Collections -------------------------------------------------------------------------------------

    def _by_collections(self, sobject: str, rows: Sequence[RowWrite]) -> Fates:
        fates: Fates = {}
        for start in range(0, len(rows), COLLECTION_ROWS):
            fates |= self._collection(sobject, rows[start : start + COLLECTION_ROWS])
        return fates

    def _collection(self, sobject: str, rows: Sequence[RowWrite]) -> Fates:
        is_update = rows[0].record_id is not None
        fields = self._api.fields(sobject)
        records = [_record(sobject, row, fields) for row in rows]
        answer = self._api.collection(
            "PATCH" if is_update else "POST",
            records,
            headers=_NO_ASSIGNMENT if is_update else None,
            repeatable=is_update,
        )
        if answer.status == 403:
            raise PermissionDeniedError(f"cannot write {sobject}: {refusal_of(answer).text}")
        items = answer.items if answer.status < 400 else []
        if answer.status >= 400 or len(items) != len(rows):
            if len(rows) == 1:
                return {rows[0].ref: refusal_of(answer)}
            if answer.status < 400 and not is_update:
                raise AmbiguousOutcomeError(f"Salesforce answered {len(items)} results for {len(rows)} new {sobject}")
            middle = len(rows) // 2
            return self._collection(sobject, rows[:middle]) | self._collection(sobject, rows[middle:])
        return {row.ref: _fate(row, item) for row, item in zip(rows, items, strict=True)}

    # -- Bulk API 2.0 --------------------------------------------------------------------------------------------

    def _by_jobs(self, sobject: str, rows: Sequence[RowWrite], note: Callable[[str], None]) -> Fates:
        """One job, or as many as the size of an upload asks for."""
        upload = job_csv(sobject, rows)
        if len(upload) > JOB_BYTES and len(rows) > 1:
            middle = len(rows) // 2
            return self._by_jobs(sobject, rows[:middle], note) | self._by_jobs(sobject, rows[middle:], note)
        job_id = self._start_job(sobject, "update" if rows[0].record_id is not None else "insert", upload, note)
        state = self._wait_for(job_id)
        fates = self._read_job(job_id, sobject, rows)
        untold = Refusal("UNKNOWN_EXCEPTION", f"Bulk job {job_id} ({state}) told nothing of this record")
        for row in rows:
            # A change may be sent again; whether a record was created must be looked up, which the next plan does.
            fates.setdefault(row.ref, UNPROCESSED if row.record_id is not None else untold)
        return fates

    def _start_job(self, sobject: str, operation: str, upload: bytes, note: Callable[[str], None]) -> str:
        """Make a job, note it, upload, let it go. Data whose upload got no answer may be there or not: that job is
        given up, unstarted, for another."""
        body = {"object": sobject, "operation": operation, "contentType": "CSV", "lineEnding": "LF"}
        for _ in range(_UPLOADS):
            made = self._api.ok(self._api.send("POST", "/jobs/ingest", body), f"make a Bulk job for {sobject}").members
            job_id = str(made["id"])
            note(job_id)
            try:
                headers = {"Content-Type": "text/csv"}
                answer = self._api.send(
                    "PUT", f"/jobs/ingest/{job_id}/batches", content=upload, headers=headers, repeatable=False
                )
            except AmbiguousOutcomeError:
                self._abort(job_id)
                continue
            self._api.ok(answer, f"upload to Bulk job {job_id}")
            answer = self._api.send("PATCH", f"/jobs/ingest/{job_id}", {"state": "UploadComplete"})
            # An answer that was lost may have been a yes: then the job is no longer open.
            if answer.status >= 400 and self._state(job_id) == "Open":
                self._api.ok(answer, f"start Bulk job {job_id}")
            return job_id
        raise UnreachableError(f"{_UPLOADS} uploads of a Bulk job for {sobject} got no answer; apply again to go on")

    def _abort(self, job_id: str) -> None:
        """No harm when it is over already."""
        answer = self._api.send("PATCH", f"/jobs/ingest/{job_id}", {"state": "Aborted"})
        if answer.status >= 400 and self._state(job_id) not in (*_OVER, None):
            self._api.ok(answer, f"abort Bulk job {job_id}")

    def _state(self, job_id: str) -> str | None:
        """The job's state; ``None`` when Salesforce does not know it (any more)."""
        answer = self._api.send("GET", f"/jobs/ingest/{job_id}")
        if answer.status == 404:
            return None
        return str(self._api.ok(answer, f"look at Bulk job {job_id}").members.get("state"))

    def _wait_for(self, job_id: str) -> str | None:
        wait = _FIRST_LOOK
        for _ in range(_LOOKS):
            state = self._state(job_id)
            if state is None or state in _OVER:
                return state
            self._api.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_LOOK)
        raise UnreachableError(
            f"Bulk job {job_id} is still at work; apply again later: it is found again, not repeated"
        )

    def _read_job(self, job_id: str, sobject: str, rows: Sequence[RowWrite]) -> Fates:
        results = JobResults(sobject, rows)
        root = f"/jobs/ingest/{job_id}"
        for name, take in (
            ("successfulResults", results.add_successful),
            ("failedResults", results.add_failed),
            ("unprocessedrecords", results.add_unprocessed),
        ):
            answer = self._api.send("GET", f"{root}/{name}", headers={"Accept": "text/csv"})
            # A job that failed as a whole may have no results at all.
            if answer.status < 400:
                take(answer.content.decode("utf-8"))
            elif answer.status not in (400, 404):
                self._api.ok(answer, f"read {name} of Bulk job {job_id}")
        return {**results.refused, **results.written}

    def finish(self, sobject: str, job_ids: Sequence[str], rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """The outcomes that jobs of a killed run had. Jobs that never started are aborted; what is locked, unprocessed
        or unknown is not told, and may be sent again."""
        fates: Fates = {}
        for job_id in job_ids:
            state = self._state(job_id)
            if state == "Open":
                self._abort(job_id)
            if state in (None, "Open"):
                continue
            self._wait_for(job_id)
            for name, part in _by_sobject(sobject, rows):
                fates |= self._read_job(job_id, name, part)
        told = [row for row in rows if row.ref in fates]
        final = [row for row in told if not _is_passing(fates[row.ref]) and not _is_converted(fates[row.ref])]
        return [_outcome(row, fates[row.ref]) for row in final]

    # -- converted leads -----------------------------------------------------------------------------------------

    def _as_contacts(self, rows: Sequence[RowWrite]) -> Fates:
        """Write what was meant for converted leads on the contacts that they became."""
        if not rows:
            return {}
        contacts = self.contacts_of([str(row.record_id) for row in rows])
        moved = [
            RowWrite(row.ref, contacts[i], row.properties) for row in rows if (i := str(row.record_id)) in contacts
        ]
        return self._by_collections("Contact", moved)

    def contacts_of(self, lead_ids: Sequence[str]) -> dict[str, str]:
        """The contact that each converted lead became."""
        found: dict[str, str] = {}
        for part in soql_lists(lead_ids):
            soql = f"SELECT Id, ConvertedContactId FROM Lead WHERE Id IN {part} AND ConvertedContactId != null"
            for record in self._api.query(soql, "find what leads were converted to"):
                found[record["Id"]] = record["ConvertedContactId"]
        return found


def delete_records(api: SalesforceApi, rows: Sequence[RowWrite]) -> list[RowOutcome]:
    """Delete records (Salesforce keeps them in the recycle bin for 15 days); one that is gone counts as deleted."""
    outcomes: list[RowOutcome] = []
    for start in range(0, len(rows), COLLECTION_ROWS):
        part = rows[start : start + COLLECTION_ROWS]
        ids = ",".join(str(row.record_id) for row in part)
        answer = api.ok(api.send("DELETE", f"/composite/sobjects?ids={ids}&allOrNone=false"), "delete records")
        if len(answer.items) != len(part):
            raise ConnectorError(f"Salesforce answered {len(answer.items)} results for {len(part)} records to delete")
        for row, item in zip(part, answer.items, strict=True):
            fate = _fate(row, item)
            is_gone = isinstance(fate, Refusal) and fate.kind == "missing"
            outcomes.append(RowOutcome(row.ref, row.record_id) if is_gone else _outcome(row, fate))
    return outcomes


def _by_sobject(default: str, rows: Sequence[RowWrite]) -> Iterator[tuple[str, list[RowWrite]]]:
    """Rows by the object that they are really of: a sync of leads may have met a contact."""

    def key(row: RowWrite) -> tuple[bool, str]:
        return row.record_id is None, default if row.record_id is None else sobject_of(row.record_id, default)

    for (_, name), part in groupby(sorted(rows, key=key), key):
        yield name, list(part)


def _record(sobject: str, row: RowWrite, fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A record of a Collections request. A field that our user does not see goes as text: Salesforce says why not."""
    record: dict[str, Any] = {"attributes": {"type": sobject}}
    properties: Mapping[str, str] = row.properties
    if row.record_id is not None:
        record["Id"] = row.record_id
    else:
        properties = with_required(sobject, properties)
    typed_values = {
        name: typed(text, str(fields.get(name, {}).get("type") or "string")) for name, text in properties.items()
    }
    return record | typed_values


def _fate(row: RowWrite, item: Any) -> str | Refusal:
    if isinstance(item, Mapping) and item.get("success") is True:
        return str(item.get("id") or row.record_id)
    errors = item.get("errors") if isinstance(item, Mapping) else None
    return read_errors(errors or ())


def _is_passing(fate: str | Refusal) -> bool:
    return isinstance(fate, Refusal) and fate.is_passing


def _is_converted(fate: str | Refusal) -> bool:
    return isinstance(fate, Refusal) and fate.code == CONVERTED


def _outcome(row: RowWrite, fate: str | Refusal) -> RowOutcome:
    if isinstance(fate, Refusal):
        return RowOutcome(row.ref, row.record_id, fate.kind, fate.text)
    return RowOutcome(row.ref, fate)
