"""Bulk API 2.0: jobs that write records of a CSV file, and jobs that write a query's answer into one.

A job of records is worked off in the background, in slices, so that its state can be asked for meanwhile. Jobs live as
long as the server.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import itertools
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.errors import ApiError, no_such_resource, not_found
from sandbox.salesforce.fields import Field, moment_text
from sandbox.salesforce.ids import make_id, normal_id
from sandbox.salesforce.records import Actor, Outcome
from sandbox.salesforce.soql.compiler import Plan
from sandbox.salesforce.storage import transaction

if TYPE_CHECKING:
    from sandbox.salesforce.org import Org

#: Records that the platform works on at a time: an aborted job stops between two of these.
INTERNAL_BATCH = 10_000
#: Records between two looks at what else is to be done.
_SLICE = 1_000
_READ = 5_000
MAX_UPLOAD = 150_000_000

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n"}
OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
#: How a cell empties a field; an empty cell leaves it alone.
EMPTY = "#N/A"


@dataclass
class Job:
    """What every job has."""

    id: str
    operation: str
    sobject: SObject
    version: str
    created_ms: int
    changed_ms: int
    state: str
    delimiter: str = "COMMA"
    line_end: str = "LF"
    error: str | None = None
    started: float = 0.0
    took: float = 0.0
    processed: int = 0
    failed: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in ("JobComplete", "Failed", "Aborted")


@dataclass
class IngestJob(Job):
    """A job that writes records; the rows of its three results are those of its file."""

    external_id: str | None = None
    content: bytes | None = None
    header: list[str] = field(default_factory=list)
    successful: list[list[str]] = field(default_factory=list)
    refused: list[list[str]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)


@dataclass
class QueryJob(Job):
    """A job that reads records."""

    plan: Plan | None = None
    rows: array[int] = field(default_factory=lambda: array("q"))


class Jobs:
    """Bulk jobs of an org by id."""

    def __init__(self, org: Org, *, delay: float = 0.0, page: int = 50_000) -> None:
        self._org = org
        self._delay = delay
        self._page = page
        self._numbers = itertools.count(1)
        self.ingest: dict[str, IngestJob] = {}
        self.queries: dict[str, QueryJob] = {}
        self._made = {"ingest": 0, "query": 0}
        self._tasks: set[asyncio.Task[None]] = set()

    def made(self, kind: str) -> int:
        """How many jobs of a kind (``ingest``, ``query``) were made."""
        return self._made[kind]

    # Jobs that write ----------------------------------------------------------------------------------------------

    def open_ingest(self, body: dict[str, Any], version: str) -> IngestJob:
        """A new job, open for its file.

        Raises:
            ApiError: 400 naming what is wrong.
        """
        operation = body.get("operation")
        if operation not in OPERATIONS:
            raise ApiError(400, "INVALIDJOB", f"operation must be one of {', '.join(OPERATIONS)}, not {operation!r}")
        if body.get("contentType", "CSV") != "CSV":
            raise ApiError(400, "INVALIDJOB", "contentType must be CSV")
        try:
            sobject = self._org.schema.sobject(str(body.get("object")))
        except ApiError:
            raise ApiError(400, "INVALIDENTITY", f"Unable to find object: {body.get('object')}") from None
        external = body.get("externalIdFieldName")
        if operation == "upsert":
            found = self._org.schema.visible(sobject).get(str(external).lower())
            if found is None or not (found.external_id or found.name == "Id"):
                raise ApiError(
                    400, "INVALIDJOB", f"Field name provided, {external} is not an External ID for {sobject.name}"
                )
            external = found.name
        elif external is not None:
            raise ApiError(400, "INVALIDJOB", "externalIdFieldName is for upsert only")
        delimiter, line_end = _format(body)
        now = self._org.clock.now_ms()
        job = IngestJob(
            make_id("750", next(self._numbers)), str(operation), sobject, version, now, now, "Open", delimiter,
            line_end, external_id=external,
        )  # fmt: skip
        self.ingest[job.id] = job
        self._made["ingest"] += 1
        return job

    def upload(self, job: IngestJob, content: bytes) -> None:
        """Take a job's file.

        Raises:
            ApiError: 400, the job is not open or has its file; 413, the file is too large.
        """
        if job.state != "Open" or job.content is not None:
            raise ApiError(
                400,
                "INVALIDJOBSTATE",
                f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job "
                "then create a new Job",
            )
        if len(content) > MAX_UPLOAD:
            raise ApiError(413, "REQUEST_TOO_LARGE", f"a job takes {MAX_UPLOAD} bytes, not {len(content)}")
        job.content = content

    def change(self, job: IngestJob | QueryJob, state: object) -> None:
        """Start a job, or give it up.

        Raises:
            ApiError: 400, the job cannot take this state.
        """
        if state == "UploadComplete" and isinstance(job, IngestJob):
            if job.state != "Open":
                raise ApiError(400, "INVALIDJOBSTATE", f"Closing already processed Job not allowed (it is {job.state})")
            self._set(job, "UploadComplete")
            self._start(self._write(job))
        elif state == "Aborted":
            if job.over:
                raise ApiError(
                    400, "INVALIDJOBSTATE", f"Aborting already processed Job not allowed (it is {job.state})"
                )
            waiting = job.state in ("Open", "UploadComplete")
            self._set(job, "Aborted")
            # A job at work notices itself, and counts what it did not come to.
            if waiting and isinstance(job, IngestJob) and job.content is not None:
                job.header, rows = _read(job)
                job.unprocessed = list(rows)
        else:
            raise ApiError(400, "INVALIDJOBSTATE", f"state must be UploadComplete or Aborted, not {state!r}")

    async def _write(self, job: IngestJob) -> None:
        """Work a job off."""
        await asyncio.sleep(self._delay)
        if job.state != "UploadComplete":
            return
        self._set(job, "InProgress")
        job.started = time.monotonic()
        try:
            job.header, lines = _read(job)
            rows = list(lines)
            self._check_header(job)
        except ApiError as error:
            job.unprocessed = list(_read(job, strict=False)[1])
            job.error = error.message
            self._set(job, "Failed")
            return
        fault = self._org.faults.take_job(job.sobject.name)
        end = len(rows) if fault is None else round(len(rows) * (1 - fault.share))
        for start in range(0, end, _SLICE):
            if job.state == "Aborted" and start % INTERNAL_BATCH == 0:
                end = start
                break
            some = rows[start : min(end, start + _SLICE)]
            with transaction(self._org.db):
                outcomes = self._work(job, some)
            self._record(job, some, outcomes)
            await asyncio.sleep(0)
        job.unprocessed = rows[end:]
        job.took = time.monotonic() - job.started
        if job.state == "Aborted":
            return
        if fault is not None:
            job.error = fault.message or "InternalServerError : the sandbox was told to stop here"
        self._set(job, "JobComplete" if fault is None else fault.state)

    def _work(self, job: IngestJob, rows: Sequence[list[str]]) -> list[Outcome]:
        records, actor, sobject = self._org.records, self._org.api_user, job.sobject
        named = [
            {name: None if cell == EMPTY else cell for name, cell in zip(job.header, row, strict=False) if cell != ""}
            for row in rows
        ]
        if job.operation == "insert":
            return records.create(sobject, named, actor)
        if job.operation == "upsert" and job.external_id != "Id":
            key = self._org.schema.visible(sobject)[str(job.external_id).lower()]
            name = next(one for one in job.header if one.lower() == key.name.lower())
            return records.upsert(sobject, key, [(row.get(name), row) for row in named], actor)
        column = next((one for one in job.header if one.lower() == "id"), "Id")
        ids = [row.pop(column, None) for row in named]
        if job.operation in ("delete", "hardDelete"):
            return records.delete(sobject, [one or "" for one in ids], actor, hard=job.operation == "hardDelete")
        if job.operation == "update":
            return records.update(sobject, [(one or "", row) for one, row in zip(ids, named, strict=True)], actor)
        return self._upsert_by_id(sobject, ids, named, actor)

    def _upsert_by_id(
        self, sobject: SObject, ids: list[str | None], rows: list[dict[str, str | None]], actor: Actor
    ) -> list[Outcome]:
        """Rows with an id are updated, those without are created."""
        known = [place for place, record_id in enumerate(ids) if record_id]
        fresh = [place for place, record_id in enumerate(ids) if not record_id]
        updated = self._org.records.update(sobject, [(ids[place] or "", rows[place]) for place in known], actor)
        created = self._org.records.create(sobject, [rows[place] for place in fresh], actor)
        outcomes = dict(zip(known, updated, strict=True)) | dict(zip(fresh, created, strict=True))
        return [outcomes[place] for place in range(len(rows))]

    def _check_header(self, job: IngestJob) -> None:
        """Refuse a file whose columns are no fields of the object: no record of it is worked on."""
        visible = self._org.schema.visible(job.sobject)
        relations = {one.relationship.lower() for one in visible.values() if one.relationship}
        lower = [name.lower() for name in job.header]
        for name in lower:
            if name not in visible and name.partition(".")[0] not in relations:
                raise ApiError(400, "InvalidBatch", f"InvalidBatch : Field name not found : {name}")
        if len(set(lower)) < len(lower):
            raise ApiError(400, "InvalidBatch", "InvalidBatch : a field name appears twice in the header")
        needed = {"insert": None, "upsert": job.external_id}.get(job.operation, "Id")
        if needed is not None and needed.lower() not in lower:
            raise ApiError(400, "InvalidBatch", f"InvalidBatch : Field name not found : {needed}")
        if job.operation in ("delete", "hardDelete") and lower != ["id"]:
            raise ApiError(400, "InvalidBatch", "InvalidBatch : a job that deletes has the column Id alone")

    @staticmethod
    def _record(job: IngestJob, rows: Sequence[list[str]], outcomes: Sequence[Outcome]) -> None:
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome.error is None:
                job.successful.append([outcome.id or "", "true" if outcome.created else "false", *row])
            else:
                job.refused.append([outcome.id or "", outcome.error.csv(), *row])
                job.failed += 1
        job.processed += len(rows)

    def result(self, job: IngestJob, which: str) -> str:
        """One of a job's three result files.

        Raises:
            ApiError: 400, the job is not over; 404, there is no such file.
        """
        if not job.over:
            raise ApiError(400, "INVALIDJOBSTATE", f"the job is {job.state}: its results come when it is over")
        files = {
            "successfulresults": (["sf__Id", "sf__Created"], job.successful),
            "failedresults": (["sf__Id", "sf__Error"], job.refused),
            "unprocessedrecords": ([], job.unprocessed),
        }
        found = files.get(which.lower())
        if found is None:
            raise no_such_resource()
        return _csv([[*found[0], *job.header], *found[1]], job)

    # Jobs that read -----------------------------------------------------------------------------------------------

    def open_query(self, body: dict[str, Any], version: str) -> QueryJob:
        """A new job for a query's answer; it starts at once.

        Raises:
            ApiError: 400, the query cannot be answered, or not by a job.
        """
        operation, text = body.get("operation"), body.get("query")
        if operation not in ("query", "queryAll") or not isinstance(text, str):
            raise ApiError(400, "INVALIDJOB", "operation must be query or queryAll, query a text")
        plan = self._org.queries.compile(text, deleted=operation == "queryAll", bulk=True)
        if plan.kind != "rows":
            raise ApiError(400, "FEATURENOTENABLED", "Aggregate Relationships not supported in Bulk Query")
        delimiter, line_end = _format(body)
        now = self._org.clock.now_ms()
        job = QueryJob(
            make_id("750", next(self._numbers)), str(operation), plan.sobject, version, now, now, "UploadComplete",
            delimiter, line_end, plan=plan,
        )  # fmt: skip
        self.queries[job.id] = job
        self._made["query"] += 1
        self._start(self._read(job))
        return job

    async def _read(self, job: QueryJob) -> None:
        await asyncio.sleep(self._delay)
        if job.state != "UploadComplete":
            return
        self._set(job, "InProgress")
        job.started = time.monotonic()
        assert job.plan is not None, "made with its query"
        job.rows = self._org.queries.rows(job.plan)
        job.processed = len(job.rows)
        job.took = time.monotonic() - job.started
        self._set(job, "JobComplete")

    def page(self, job: QueryJob, locator: str | None, most: int | None) -> tuple[str, int, str]:
        """A page of a query job's answer: CSV, how many records, the locator of the next (``null``: none).

        Raises:
            ApiError: 400, the job is not complete, or the locator is none of its.
        """
        plan = job.plan
        if job.state != "JobComplete" or plan is None:
            raise ApiError(400, "INVALIDJOBSTATE", f"the job is {job.state}: its results come when it is complete")
        start = _place(locator)
        size = most or self._page
        if start is None or (start and start >= len(job.rows)):
            raise ApiError(400, "INVALID_QUERY_LOCATOR", f"invalid locator {locator!r}")
        rows = job.rows[start : start + size].tolist()
        end = start + len(rows)
        text = _csv(self._lines(plan, rows), job)
        return text, len(rows), "null" if end >= len(job.rows) else _locator(end)

    def pages(self, job: QueryJob) -> list[str]:
        """The locators of every page of an answer; that of the first is empty."""
        if job.state != "JobComplete":
            raise ApiError(400, "INVALIDJOBSTATE", f"the job is {job.state}: its results come when it is complete")
        return [_locator(start) if start else "" for start in range(0, max(1, len(job.rows)), self._page)]

    def _lines(self, plan: Plan, rows: list[int]) -> Iterator[list[str]]:
        columns = plan.header()
        yield [name for name, _, _ in columns]
        for start in range(0, len(rows), _READ):
            for row in self._org.queries.values(plan, rows[start : start + _READ]):
                yield [show(row[at]) for _, at, show in columns]

    # Both ---------------------------------------------------------------------------------------------------------

    def find_ingest(self, job_id: str) -> IngestJob:
        """A job that writes, or 404."""
        found = self.ingest.get(normal_id(job_id) or "")
        if found is None:
            raise not_found(f"The requested resource does not exist: job {job_id}")
        return found

    def find_query(self, job_id: str) -> QueryJob:
        """A job that reads, or 404."""
        found = self.queries.get(normal_id(job_id) or "")
        if found is None:
            raise not_found(f"The requested resource does not exist: job {job_id}")
        return found

    def remove(self, job: IngestJob | QueryJob) -> None:
        """Forget a job that is over, or waits.

        Raises:
            ApiError: 400, it is open or at work.
        """
        if job.state in ("Open", "InProgress"):
            raise ApiError(400, "INVALIDJOBSTATE", f"Deleting a job that is {job.state} is not allowed")
        (self.ingest if isinstance(job, IngestJob) else self.queries).pop(job.id, None)

    def _set(self, job: Job, state: str) -> None:
        job.state = state
        job.changed_ms = self._org.clock.now_ms()

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def job_json(job: IngestJob | QueryJob, user_id: str, *, full: bool = True) -> dict[str, Any]:
    """A job as its calls answer it."""
    kind = "ingest" if isinstance(job, IngestJob) else "query"
    body: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject.name,
        "createdById": user_id,
        "createdDate": moment_text(job.created_ms),
        "systemModstamp": moment_text(job.changed_ms),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version[1:]),
        "lineEnding": job.line_end,
        "columnDelimiter": job.delimiter,
    }
    if isinstance(job, IngestJob):
        if job.external_id is not None:
            body["externalIdFieldName"] = job.external_id
        if job.state == "Open":
            body["contentUrl"] = f"services/data/{job.version}/jobs/ingest/{job.id}/batches"
    if not full:
        return body
    took = round(1000 * job.took)
    body |= {
        "jobType": f"V2{kind.title()}",
        "retries": 0,
        "totalProcessingTime": took,
        "numberRecordsProcessed": job.processed,
    }
    if isinstance(job, IngestJob):
        body |= {"apiActiveProcessingTime": took, "apexProcessingTime": 0, "numberRecordsFailed": job.failed}
    if job.error is not None:
        body["errorMessage"] = job.error
    return body


def key_field(sobject: SObject, name: str) -> Field | None:
    """A field by its name in any case."""
    return next((one for one in sobject.fields.values() if one.name.lower() == name.lower()), None)


def _format(body: dict[str, Any]) -> tuple[str, str]:
    delimiter, line_end = str(body.get("columnDelimiter", "COMMA")), str(body.get("lineEnding", "LF"))
    if delimiter not in DELIMITERS:
        raise ApiError(400, "INVALIDJOB", f"columnDelimiter must be one of {', '.join(DELIMITERS)}, not {delimiter}")
    if line_end not in LINE_ENDS:
        raise ApiError(400, "INVALIDJOB", f"lineEnding must be LF or CRLF, not {line_end}")
    return delimiter, line_end


def _read(job: IngestJob, *, strict: bool = True) -> tuple[list[str], Iterator[list[str]]]:
    """Header and rows of a job's file.

    Raises:
        ApiError: the file is not what the job said (``strict`` only).
    """
    try:
        text = (job.content or b"").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if strict:
            raise ApiError(400, "InvalidBatch", f"InvalidBatch : the file is not UTF-8 ({error})") from None
        text = (job.content or b"").decode("utf-8", "replace")
    first, _, rest = text.partition("\n")
    if strict and rest and first.endswith("\r") != (job.line_end == "CRLF"):
        raise ApiError(
            400,
            "ClientInputError",
            f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {job.line_end}",
        )
    csv.field_size_limit(1_000_000)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[job.delimiter])
    header = [name.strip() for name in next(reader, [])]
    return header, (row for row in reader if row)


def _csv(lines: Iterable[Sequence[str]], job: Job) -> str:
    out = io.StringIO()
    csv.writer(
        out, delimiter=DELIMITERS[job.delimiter], lineterminator=LINE_ENDS[job.line_end], quoting=csv.QUOTE_ALL
    ).writerows(lines)
    return out.getvalue()


def _locator(place: int) -> str:
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def _place(locator: str | None) -> int | None:
    """Where a locator points; 0 without one, None when it is none of ours."""
    if not locator or locator == "null":
        return 0
    try:
        text = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode()
    except ValueError:
        return None
    return int(text) if text.isdigit() else None
