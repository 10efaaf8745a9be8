"""Rows of a query: page by page over REST, or through a query job of Bulk API 2.0 when there are many.

Both read ``queryAll``: records in the bin and archived activities too. A cursor that expired, or a page that took too
long, is no loss: the query is asked again above the last id that was read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pyarrow as pa
import pyarrow.csv as pc

from crm_access.salesforce import DATA_PATH
from ingestion.errors import IngestionError, UnexpectedAnswer
from ingestion.grouped import Json
from ingestion.salesforce.client import CountingClient, CursorExpired, NoSuchObject, QueryTimedOut, Refused

#: More rows than this are read by a query job. REST pages of 2,000 follow one another; a job's pages run in parallel.
BULK_FROM = 50_000
#: Rows of one page of a job's result, where we may choose.
BULK_PAGE = 50_000
#: Records handed on together.
SLICE = 2_000
#: Addresses have a limit (16,384 bytes with the headers): a longer query goes into the body of a job.
LONGEST_QUERY = 12_000
#: Restarts above one and the same id before a query is given up.
RESTARTS = 3
POLL_SECONDS = (0.25, 10.0)
_PARSE = pc.ParseOptions(newlines_in_values=True)


@dataclass(frozen=True)
class Query:
    """``select <fields> from <name> where <conditions>``; the conditions are joined by and."""

    name: str
    fields: Sequence[str]
    conditions: Sequence[str] = ()

    def unordered(self, above: str | None = None) -> str:
        """The SOQL, for a job: in whatever order."""
        conditions = [*self.conditions, *([f"Id > '{above}'"] if above else [])]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join(self.fields)} FROM {self.name}{where}"

    def ordered(self, above: str | None = None) -> str:
        """The SOQL, in the order of the ids; of ids above one, if given."""
        return f"{self.unordered(above)} ORDER BY Id"


@dataclass(frozen=True)
class Rows:
    """What a query gives: how many records, if that is known beforehand, and the records, some thousand at a time."""

    total: int | None
    pages: Iterator[Sequence[Json]]


def run(api: CountingClient, query: Query, *, bulk_from: int = BULK_FROM) -> Rows:
    """Starts a query and chooses how its rows are read.

    Raises:
        NoSuchObject: the object is not there. IngestionError: see the client.
    """
    soql = query.ordered()
    if len(quote(soql)) > LONGEST_QUERY:
        return Rows(None, _by_job(api, query))
    try:
        first = _ask(api, soql)
    except QueryTimedOut:
        # A job splits the object by its keys and may take longer.
        return Rows(None, _by_job(api, query))
    total = int(first.get("totalSize") or 0)
    if total > bulk_from:
        try:
            job = _started(api, query)
        except (Refused, NoSuchObject):
            # Not every object can be read by a job.
            return Rows(total, _paged(api, query, first))
        return Rows(total, _results(api, job))
    return Rows(total, _paged(api, query, first))


def count(api: CountingClient, name: str, conditions: Sequence[str]) -> int:
    """How many records fulfil the conditions."""
    answer = _ask(api, f"SELECT COUNT() FROM {name} WHERE {' AND '.join(conditions)}")
    return int(answer.get("totalSize") or 0)


def _ask(api: CountingClient, soql: str) -> Mapping[str, Any]:
    return api.get(f"{DATA_PATH}/queryAll", {"q": soql})


def _paged(api: CountingClient, query: Query, first: Mapping[str, Any]) -> Iterator[Sequence[Json]]:
    page, last_id, restarted_at, restarts = first, None, None, 0
    while True:
        records = page.get("records") or []
        if records:
            yield records
            last_id = str(records[-1]["Id"])
        if page.get("done", True):
            return
        try:
            page = api.get(_path(str(page.get("nextRecordsUrl"))))
        except (CursorExpired, QueryTimedOut):
            restarts = restarts + 1 if last_id == restarted_at else 1
            if restarts > RESTARTS:
                raise
            restarted_at = last_id
            page = _ask(api, query.ordered(last_id))


def _path(url: str) -> str:
    """An address that Salesforce gave for what comes next: a path of the same org, or nothing we follow."""
    if not url.startswith("/services/"):
        raise UnexpectedAnswer(f"Salesforce names {url[:100]!r} for the next rows, which is no path of its API")
    return url


def _by_job(api: CountingClient, query: Query) -> Iterator[Sequence[Json]]:
    yield from _results(api, _started(api, query))


def _started(api: CountingClient, query: Query) -> str:
    body = {"operation": "queryAll", "query": query.unordered(), "columnDelimiter": "COMMA", "lineEnding": "LF"}
    return f"{DATA_PATH}/jobs/query/{api.post(f'{DATA_PATH}/jobs/query', body)['id']}"


def _results(api: CountingClient, job: str) -> Iterator[Sequence[Json]]:
    try:
        _wait(api, job)
        for content in _contents(api, job):
            yield from parsed(content)
    finally:
        _forget(api, job)


def _wait(api: CountingClient, job: str) -> None:
    pause, longest = POLL_SECONDS
    while True:
        answer = api.get(job)
        state = answer.get("state")
        if state == "JobComplete":
            return
        if state in ("Failed", "Aborted"):
            raise UnexpectedAnswer(
                f"the query job on {answer.get('object')} ended as {state}: {answer.get('errorMessage') or 'no reason'}"
            )
        api.wait(pause)
        pause = min(longest, pause * 1.5)


def _contents(api: CountingClient, job: str) -> Iterator[bytes]:
    """The job's result, some CSV files, in the order Salesforce lists them."""
    try:
        first = api.get(f"{job}/resultPages")
    except (NoSuchObject, Refused):
        yield from _one_after_another(api, job)
        return

    def addresses() -> Iterator[str]:
        answer = first
        while True:
            for page in answer.get("resultPages") or []:
                yield _path(str(page["resultUrl"]))
            following = answer.get("nextRecordsUrl") or answer.get("nextRecordUrl")
            if answer.get("done", True) or not following:
                return
            answer = api.get(_path(str(following)))

    yield from api.map(lambda address: _csv(api, address)[0], addresses())


def _one_after_another(api: CountingClient, job: str) -> Iterator[bytes]:
    """Where the pages of a result cannot be had at once: each names the next."""
    locator: str | None = None
    while True:
        more = f"&locator={quote(locator)}" if locator else ""
        content, locator = _csv(api, f"{job}/results?maxRecords={BULK_PAGE}{more}")
        yield content
        if locator in (None, "", "null"):
            return


def _csv(api: CountingClient, address: str) -> tuple[bytes, str | None]:
    parts = urlsplit(address)
    content, headers = api.csv(parts.path, dict(parse_qsl(parts.query)))
    return content, headers.get("Sforce-Locator")


def _forget(api: CountingClient, job: str) -> None:
    """A job's result is kept for seven days otherwise."""
    try:
        api.delete(job)
    except IngestionError:
        # It goes by itself; the rows are here.
        return


def parsed(content: bytes) -> Iterator[Sequence[Json]]:
    """The records of a CSV file; all values are text, empty ones null."""
    if not content.strip():
        return
    header = content[: content.index(b"\n") + 1] if b"\n" in content else content
    names = pc.read_csv(io.BytesIO(header), parse_options=_PARSE).column_names
    rows = pc.read_csv(
        io.BytesIO(content),
        parse_options=_PARSE,
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=[""],
        ),
    )
    for batch in rows.to_batches(max_chunksize=SLICE):
        yield batch.to_pylist()
