"""Bulk API 2.0."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.http import answer, body_of, json_object, no_content, org_of, version_of
from sandbox.salesforce.jobs import IngestJob, QueryJob, job_json

#: Addresses that one answer gives.
_PAGES_AT_ONCE = 5
_CSV = "text/csv; charset=UTF-8"


async def open_ingest(request: Request) -> Response:
    """A new job that writes records."""
    org = org_of(request)
    job = org.jobs.open_ingest(await json_object(request), version_of(request))
    return answer(job_json(job, org.sessions.user_id, full=False))


async def upload(request: Request) -> Response:
    """A job's file: 201."""
    org = org_of(request)
    job = org.jobs.find_ingest(request.path_params["job"])
    org.jobs.upload(job, await body_of(request))
    return Response(status_code=201)


async def change(request: Request) -> Response:
    """Start a job, or give it up: ``{"state": "UploadComplete" | "Aborted"}``."""
    org, job = org_of(request), _job(request)
    org.jobs.change(job, (await json_object(request)).get("state"))
    return answer(job_json(job, org.sessions.user_id, full=False))


async def read(request: Request) -> Response:
    """How a job is doing."""
    return answer(job_json(_job(request), org_of(request).sessions.user_id))


async def remove(request: Request) -> Response:
    """Forget a job."""
    org_of(request).jobs.remove(_job(request))
    return no_content()


async def listed(request: Request) -> Response:
    """All jobs."""
    org = org_of(request)
    jobs = org.jobs.ingest if request.url.path.endswith("/ingest") else org.jobs.queries
    records = [job_json(job, org.sessions.user_id) for job in jobs.values()]
    return answer({"done": True, "records": records, "nextRecordsUrl": None})


async def result(request: Request) -> Response:
    """Successful, failed or unprocessed records of a job that is over."""
    org = org_of(request)
    job = org.jobs.find_ingest(request.path_params["job"])
    return Response(org.jobs.result(job, request.path_params["which"]), media_type=_CSV)


async def open_query(request: Request) -> Response:
    """A new job that reads records."""
    org = org_of(request)
    job = org.jobs.open_query(await json_object(request), version_of(request))
    return answer(job_json(job, org.sessions.user_id, full=False))


async def query_results(request: Request) -> Response:
    """A page of a query job's answer; ``Sforce-Locator`` leads to the next."""
    org = org_of(request)
    job = org.jobs.find_query(request.path_params["job"])
    text, count, locator = org.jobs.page(job, request.query_params.get("locator"), _most(request))
    headers = {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(count)}
    return Response(text, headers=headers, media_type=_CSV)


async def result_pages(request: Request) -> Response:
    """Where the pages of a query job's answer are, to be read in parallel."""
    org = org_of(request)
    job = org.jobs.find_query(request.path_params["job"])
    if version_of(request) != job.version:
        raise ApiError(
            409, "INVALID_VERSION", f"the job was made with {job.version}: ask for its results with the same"
        )
    base = f"/services/data/{job.version}/jobs/query/{job.id}"
    locators = org.jobs.pages(job)
    start = int(request.query_params.get("from", "0"))
    pages = [
        {"resultUrl": f"{base}/results?{urlencode({'locator': one})}" if one else f"{base}/results"}
        for one in locators[start : start + _PAGES_AT_ONCE]
    ]
    end = start + _PAGES_AT_ONCE
    more = f"{base}/resultPages?from={end}" if end < len(locators) else None
    return answer({"resultPages": pages, "nextRecordsUrl": more, "done": more is None})


def _job(request: Request) -> IngestJob | QueryJob:
    org, job_id = org_of(request), request.path_params["job"]
    if "/ingest/" in request.url.path:
        return org.jobs.find_ingest(job_id)
    return org.jobs.find_query(job_id)


def _most(request: Request) -> int | None:
    text = request.query_params.get("maxRecords")
    if text is None:
        return None
    if not text.isdigit() or int(text) < 1:
        raise ApiError(400, "INVALID_PARAMETER", f"maxRecords must be a whole number above zero, not {text!r}")
    return int(text)


routes = [
    Route("/jobs/ingest", open_ingest, methods=["POST"]),
    Route("/jobs/ingest", listed),
    Route("/jobs/ingest/{job}", read),
    Route("/jobs/ingest/{job}", change, methods=["PATCH"]),
    Route("/jobs/ingest/{job}", remove, methods=["DELETE"]),
    Route("/jobs/ingest/{job}/batches", upload, methods=["PUT"]),
    Route("/jobs/ingest/{job}/{which}", result),
    Route("/jobs/query", open_query, methods=["POST"]),
    Route("/jobs/query", listed),
    Route("/jobs/query/{job}", read),
    Route("/jobs/query/{job}", change, methods=["PATCH"]),
    Route("/jobs/query/{job}", remove, methods=["DELETE"]),
    Route("/jobs/query/{job}/results", query_results),
    Route("/jobs/query/{job}/resultPages", result_pages),
]
