"""Faults on demand: of whole requests (an error, a delay, a lost answer), of single records, and of bulk jobs.

Set with ``POST /sandbox/faults``, a list of objects. One with ``"kind": "record"`` refuses records one by one, one with
``"kind": "job"`` ends bulk jobs early; any other is a fault of requests, as the other sandbox knows it.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.salesforce.errors import ApiError
from sandbox.server.errors import ApiError as OtherApiError
from sandbox.server.faults import Fault, Faults

_MESSAGES = {
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "Validation rule of the sandbox: this value is not allowed here",
    "DUPLICATES_DETECTED": "Use one of these records?",
    "INSUFFICIENT_ACCESS_OR_READONLY": "insufficient access rights on object id",
    "CANNOT_UPDATE_CONVERTED_LEAD": "cannot reference converted lead",
    "STRING_TOO_LONG": "data value too large",
    "ENTITY_IS_DELETED": "entity is deleted",
}
_REQUEST_CODES = {
    400: ("BAD_REQUEST", "Fault on demand"),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    500: ("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: 1"),
    503: ("SERVER_UNAVAILABLE", "The server is too busy to answer now; please try again later"),
}
_RECORD_DEFAULTS = {
    "object": "", "action": "", "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "", "fields": [],
    "ids": [], "share": 1.0, "times": None, "once": False,
}  # fmt: skip
_JOB_DEFAULTS = {"object": "", "share": 0.01, "times": 1, "state": "Failed", "message": ""}


@dataclass
class RecordFault:
    """Refuses records of ``object`` (empty: any) on ``action`` (create, update, delete; empty: any) with ``code``.

    ``ids`` names them, else ``share`` of all are hit, always the same ones. ``times`` bounds how many are refused in
    all; with ``once`` a record is refused once and then let through, as a locked row would be.
    """

    object: str
    action: str
    code: str
    message: str
    fields: list[str]
    ids: list[str]
    share: float
    times: int | None
    once: bool
    hit: set[str] = field(default_factory=set, repr=False)

    def refuses(self, sobject: str, action: str, key: str, record_id: str | None) -> bool:
        """Whether a record meets the fault; counts it if so."""
        if self.times == 0 or self.object not in ("", sobject) or self.action not in ("", action):
            return False
        if self.ids:
            if record_id not in self.ids:
                return False
        elif self.share < 1 and zlib.crc32(key.encode()) % 100_000 >= self.share * 100_000:
            return False
        if self.once:
            if key in self.hit:
                return False
            self.hit.add(key)
        if self.times is not None:
            self.times -= 1
        return True

    def error(self) -> ApiError:
        """The refusal."""
        return ApiError(400, self.code, self.message or _MESSAGES.get(self.code, "Fault on demand"), self.fields)


@dataclass
class JobFault:
    """Leaves the last ``share`` of the rows of the next ``times`` jobs unprocessed; the job ends in ``state``."""

    object: str
    share: float
    times: int
    state: str
    message: str


class RecordFaults:
    """All faults of an org."""

    def __init__(self) -> None:
        self.requests = Faults()
        #: The vendor's code and message of each fault of requests, where the test chose them.
        self._said: list[tuple[str | None, str | None]] = []
        self.records: list[RecordFault] = []
        self.jobs: list[JobFault] = []

    def set(self, wanted: Any) -> list[dict[str, Any]]:
        """Replace all faults by those of a request's body: one object, or a list; ``[]`` clears.

        Raises:
            ApiError: 400 naming what is wrong.
        """
        listed = wanted if isinstance(wanted, list) else [wanted]
        requests: list[Any] = []
        said: list[tuple[str | None, str | None]] = []
        records: list[RecordFault] = []
        jobs: list[JobFault] = []
        for one in listed:
            kind = one.get("kind") if isinstance(one, dict) else None
            if kind == "record":
                records.append(RecordFault(**_checked(one, _RECORD_DEFAULTS)))
            elif kind == "job":
                jobs.append(JobFault(**_checked(one, _JOB_DEFAULTS)))
            else:
                said.append((one.get("code"), one.get("message")) if isinstance(one, dict) else (None, None))
                requests.append(_without(one, ("kind", "code", "message")) if isinstance(one, dict) else one)
        try:
            self.requests.set(requests)
        except OtherApiError as error:
            raise ApiError(400, "BAD_REQUEST", error.message) from None
        self.records, self.jobs, self._said = records, jobs, said
        return self.as_json()

    def as_json(self) -> list[dict[str, Any]]:
        """The faults in force and how often they are still due."""
        listed = [{"kind": "request", **fault.as_json()} for fault in self.requests.active]
        listed += [
            {"kind": "record", **{key: value for key, value in asdict(fault).items() if key != "hit"}}
            for fault in self.records
        ]
        return listed + [{"kind": "job", **asdict(fault)} for fault in self.jobs]

    def error_of(self, fault: Fault) -> ApiError | None:
        """What a fault of requests answers; None lets the request through."""
        if fault.status == 0:
            return None
        place = next(place for place, one in enumerate(self.requests.active) if one is fault)
        code, message = _REQUEST_CODES.get(fault.status, ("UNKNOWN_EXCEPTION", "Fault on demand"))
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        said_code, said_message = self._said[place]
        return ApiError(fault.status, said_code or code, said_message or message, headers=headers)

    def check(self, sobject: str, action: str, key: str, record_id: str | None) -> None:
        """Refuse one record if a fault says so; ``key`` tells it from others.

        Raises:
            ApiError: the fault's code.
        """
        for fault in self.records:
            if fault.refuses(sobject, action, key, record_id):
                raise fault.error()

    def take_job(self, sobject: str) -> JobFault | None:
        """The fault that a job of this object meets, used up by one."""
        for fault in self.jobs:
            if fault.times and fault.object in ("", sobject):
                fault.times -= 1
                return fault
        return None


def _without(wanted: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in wanted.items() if key not in names}


def _checked(wanted: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    unknown = set(wanted) - set(defaults) - {"kind"}
    if unknown:
        raise ApiError(400, "BAD_REQUEST", f"Unknown fields in fault: {', '.join(sorted(unknown))}")
    values = {key: wanted.get(key, default) for key, default in defaults.items()}
    for key, default in defaults.items():
        kinds = (int, float) if isinstance(default, float) else (type(default), type(None))
        if key == "times":
            kinds = (int, type(None))
        if not isinstance(values[key], kinds):
            raise ApiError(400, "BAD_REQUEST", f"{key} must be {kinds[0].__name__}, not {values[key]!r}")
    return {key: list(value) if isinstance(value, list) else value for key, value in values.items()}
