"""HubSpot: batches of 100 records by id, custom properties, static lists (API of 2026-09).

How it answers, and what is made of it:

* 200/201 lists the records written; 207 adds ``errors``. The body decides, record by record, never the status.
* 400 and 409 may refuse a whole batch for one bad record: the batch is split until only bad records are refused.
* 403 stops the sync. What 401, 429, 423, 5xx and lost connections mean is told in
  :mod:`reverse_etl.connectors.transport`; a create is the one request that is not repeated without a look.

Every input carries an ``objectWriteTraceId``, by which HubSpot ties an error to it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from crm_access import CrmAccess
from crm_access.ratelimit import PortalBudget, budget_for
from crm_access.rates import hubspot_rates
from reverse_etl.connectors.base import CrmType, FoundRecord, Link, ListGoneError, RowOutcome, RowWrite
from reverse_etl.connectors.transport import Answer, StaticToken, Transport, VendorRules
from reverse_etl.errors import AuthError, ConnectorError, PermissionDeniedError
from reverse_etl.manifest import FieldSpec, GroupSpec

API_VERSION = "2026-09"
OBJECT_TYPE_IDS = {"contacts": "0-1", "companies": "0-2", "deals": "0-3"}

_KIND_OF_STATUS = {400: "validation", 403: "permission", 404: "missing", 409: "conflict", 429: "rate"}
_KIND_OF_CATEGORY = {
    "VALIDATION_ERROR": "validation",
    "INVALID_VALUE": "validation",
    "OBJECT_NOT_FOUND": "missing",
    "CONFLICT": "conflict",
    "MISSING_SCOPES": "permission",
    "FORBIDDEN": "permission",
    "RATE_LIMITS": "rate",
}
_BOOL_OPTIONS = [
    {"label": "Yes", "value": "true", "displayOrder": 0, "hidden": False},
    {"label": "No", "value": "false", "displayOrder": 1, "hidden": False},
]


class HubSpotConnector:
    """One HubSpot portal (or the sandbox). Safe to use from several threads; the token is never shown."""

    name = "hubspot"
    batch_size = 100
    list_batch_size = 10_000

    def __init__(
        self,
        base_url: str,
        token: str,
        budget: PortalBudget,
        *,
        connections: int = 6,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not token:
            raise AuthError("no HubSpot token: set LEADHOUSE_HUBSPOT_TOKEN in the environment")
        if not token.isascii() or not token.isprintable() or " " in token:
            # Sent as it is, the HTTP library would quote it in its own error.
            raise AuthError("the HubSpot token holds a blank, line end or other character that no token has")
        self._base_url = base_url.rstrip("/")
        self._transport = Transport(
            self._base_url, RULES, budget, StaticToken(token), connections=connections, sleep=sleep
        )

    def __repr__(self) -> str:
        return f"HubSpotConnector({self._base_url!r})"

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self._transport.requests

    @property
    def throttled(self) -> int:
        """How many of them were answered with "too many requests"."""
        return self._transport.throttled

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    # -- properties ----------------------------------------------------------------------------------------------

    def ensure_properties(self, object_name: str, group: GroupSpec, fields: Sequence[FieldSpec]) -> list[str]:
        """Make the group and the properties that are missing; returns the names made.

        Raises :class:`ConnectorError` when a property exists with another type, or when one that we are to own
        (policy ``ours``) belongs to HubSpot.
        """
        root = f"/crm/properties/{API_VERSION}/{object_name}"
        present = {p["name"]: p for p in self._ok(self._send("GET", root), "read properties").get("results", [])}
        for field in fields:
            if field.property in present:
                _check_property(object_name, field, present[field.property])
        missing = [field for field in fields if field.property not in present]
        for field in missing:
            if field.standard:
                raise ConnectorError(
                    f"HubSpot has no property {field.property!r} of {object_name}, which the sync says HubSpot defines"
                )
        if not missing:
            return []
        groups = self._ok(self._send("GET", f"{root}/groups"), "read property groups").get("results", [])
        if group.name not in {g.get("name") for g in groups}:
            answer = self._send(
                "POST", f"{root}/groups", {"name": group.name, "label": group.label, "displayOrder": -1}
            )
            if answer.status != 409:
                self._ok(answer, f"make property group {group.name}")
        for start in range(0, len(missing), 100):
            part = missing[start : start + 100]
            inputs = [_property_body(field, group) for field in part]
            answer = self._send("POST", f"{root}/batch/create", {"inputs": inputs})
            errors = [e for e in answer.members.get("errors", []) if isinstance(e, dict)]
            if answer.status == 409 or (answer.status == 207 and all(_is_conflict(e) for e in errors)):
                # Somebody made one meanwhile: make the others one by one.
                for body in inputs:
                    one = self._send("POST", root, body)
                    if one.status != 409:
                        self._ok(one, f"make property {body['name']} of {object_name}")
            elif answer.status == 207:
                raise ConnectorError(f"HubSpot refused a property of {object_name}: {errors[0].get('message')}")
            else:
                self._ok(answer, f"make properties of {object_name}")
        return [field.property for field in missing]

    # -- records -------------------------------------------------------------------------------------------------

    def lookup(
        self, object_name: str, match_property: str, values: Sequence[str], properties: Sequence[str]
    ) -> dict[str, FoundRecord]:
        """The live records with one of ``values`` in the unique ``match_property``, by that value in lower case."""
        found: dict[str, FoundRecord] = {}
        names = list(dict.fromkeys([match_property, *properties]))
        if match_property == "email":
            names.append("hs_additional_emails")
        for start in range(0, len(values), self.batch_size):
            wanted = {value.lower() for value in values[start : start + self.batch_size]}
            body = {"idProperty": match_property, "inputs": [{"id": v} for v in sorted(wanted)], "properties": names}
            answer = self._send("POST", f"/crm/objects/{API_VERSION}/{object_name}/batch/read", body)
            if answer.status != 404:
                self._ok(answer, f"look up {object_name} by {match_property}")
            for result in answer.members.get("results", []):
                held = result.get("properties") or {}
                record = FoundRecord(str(result["id"]), held)
                spellings = [held.get(match_property), *str(held.get("hs_additional_emails") or "").split(";")]
                for value in {str(s).strip().lower() for s in spellings if s} & wanted:
                    found[value] = record
        return found

    def create(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Create records, each at most once.

        Raises :class:`AmbiguousOutcomeError` when no usable answer came; nothing is known then about any of them.
        """
        inputs = [
            {"properties": dict(row.properties), "associations": [], "objectWriteTraceId": row.ref} for row in rows
        ]
        path = f"/crm/objects/{API_VERSION}/{object_name}/batch/create"
        answer = self._send("POST", path, {"inputs": inputs}, repeatable=False)
        return self._outcomes(answer, rows, lambda part: self.create(object_name, part))

    def update(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Change records by id; safe to repeat."""
        inputs = [
            {"id": row.record_id, "properties": dict(row.properties), "objectWriteTraceId": row.ref} for row in rows
        ]
        answer = self._send("POST", f"/crm/objects/{API_VERSION}/{object_name}/batch/update", {"inputs": inputs})
        return self._outcomes(answer, rows, lambda part: self.update(object_name, part))

    def _outcomes(
        self, answer: Answer, rows: Sequence[RowWrite], again: Callable[[Sequence[RowWrite]], list[RowOutcome]]
    ) -> list[RowOutcome]:
        """One outcome a row, in order; ``again`` sends a part of the rows once more."""
        if answer.status == 403:
            raise PermissionDeniedError(
                f"HubSpot refused the write: {_message(answer)}; give the token the missing scope"
            )
        if answer.status not in (200, 201, 202, 207):
            if len(rows) == 1:
                return [RowOutcome(rows[0].ref, rows[0].record_id, _kind_of(answer), _message(answer))]
            middle = len(rows) // 2
            return again(rows[:middle]) + again(rows[middle:])
        outcomes = _read_results(answer.members, rows)
        lost = [row for row in rows if row.ref not in outcomes]
        if len(rows) == 1 and lost:
            outcomes[lost[0].ref] = _only_outcome(answer.members, lost[0])
        elif lost:
            # The body ties neither a result nor an error to these. Alone, the answer can only be about them. For a
            # create this may meet its own success as a conflict, which the caller's look-up settles.
            for row in lost:
                outcomes[row.ref] = again([row])[0]
        return [outcomes[row.ref] for row in rows]

    def delete(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Delete records for good, one request each (HubSpot has no batch for it); gone already counts as written."""
        path = f"/crm/objects/{API_VERSION}/{object_name}/gdpr-delete"
        outcomes = []
        for row in rows:
            answer = self._send("POST", path, {"objectId": row.record_id})
            if answer.status == 403:
                raise PermissionDeniedError(f"cannot delete: {_message(answer)}; give the token the missing scope")
            is_done = answer.status < 300 or answer.status == 404
            kind, message = (None, None) if is_done else (_kind_of(answer), _message(answer))
            outcomes.append(RowOutcome(row.ref, row.record_id, kind, message))
        return outcomes

    def associate(self, from_object: str, to_object: str, links: Sequence[Link]) -> list[RowOutcome]:
        """Associate records by HubSpot's default kind; an association that is there already counts as written."""
        inputs = [{"from": {"id": link.from_id}, "to": {"id": link.to_id}} for link in links]
        path = f"/crm/associations/{API_VERSION}/{from_object}/{to_object}/batch/associate/default"
        answer = self._send("POST", path, {"inputs": inputs})
        if answer.status == 403:
            raise PermissionDeniedError(f"cannot associate: {_message(answer)}; give the token the missing scope")
        if answer.status < 300 and not answer.members.get("errors"):
            return [RowOutcome(link.ref, link.from_id) for link in links]
        if len(links) == 1:
            errors = answer.members.get("errors") or [{}]
            message = str(errors[0].get("message") or _message(answer))
            return [
                RowOutcome(links[0].ref, links[0].from_id, _kind(errors[0].get("category"), answer.status), message)
            ]
        middle = len(links) // 2
        return self.associate(from_object, to_object, links[:middle]) + self.associate(
            from_object, to_object, links[middle:]
        )

    def opted_out_since(self, object_name: str, moment: datetime) -> set[str]:
        """Ids of the contacts changed after ``moment`` that opted out of all e-mail. Companies opt out of nothing."""
        if object_name != "contacts":
            return set()
        since = str(int(moment.replace(tzinfo=UTC).timestamp() * 1000))
        found: set[str] = set()
        last = "0"
        while True:
            filters = [
                {"propertyName": "hs_email_optout", "operator": "EQ", "value": "true"},
                {"propertyName": "lastmodifieddate", "operator": "GTE", "value": since},
                {"propertyName": "hs_object_id", "operator": "GT", "value": last},
            ]
            body = {
                "filterGroups": [{"filters": filters}],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": ["hs_email_optout"],
                "limit": 200,
            }
            answer = self._ok(
                self._send("POST", f"/crm/objects/{API_VERSION}/{object_name}/search", body), "look for opt-outs"
            )
            results = answer.get("results", [])
            found |= {str(result["id"]) for result in results}
            if len(results) < 200:
                return found
            last = str(results[-1]["id"])

    # -- lists ---------------------------------------------------------------------------------------------------

    def ensure_list(self, object_name: str, name: str) -> tuple[str, bool]:
        """The id of the static list of that name, and whether it had to be made.

        Raises :class:`ConnectorError` when the list is one that HubSpot fills by itself.
        """
        root = f"/crm/lists/{API_VERSION}"
        type_id = OBJECT_TYPE_IDS[object_name]
        by_name = f"{root}/object-type-id/{type_id}/name/{quote(name, safe='')}"
        answer = self._send("GET", by_name)
        is_made = answer.status == 404
        if is_made:
            body = {"name": name, "objectTypeId": type_id, "processingType": "MANUAL"}
            answer = self._send("POST", root, body)
            if answer.status in (400, 409):
                # Made meanwhile by somebody, or by an earlier try of this very request.
                answer, is_made = self._send("GET", by_name), False
        found = self._ok(answer, f"find or make list {name!r}")
        shown = found.get("list") if isinstance(found.get("list"), dict) else found
        assert isinstance(shown, dict)
        if shown.get("processingType") == "DYNAMIC":
            raise ConnectorError(
                f"list {name!r} is an active list that HubSpot fills by its own filters: rename it, or rename ours"
            )
        return str(shown["listId"]), is_made

    def change_members(
        self, object_name: str, list_id: str, add: Sequence[str], remove: Sequence[str]
    ) -> dict[str, str]:
        """Add and remove members by record id; returns the reason for each id that could not be.

        HubSpot's lists know their object type, so ``object_name`` is not needed here.

        Raises :class:`ListGoneError` when there is no such list.
        """
        del object_name
        path = f"/crm/lists/{API_VERSION}/{list_id}/memberships/add-and-remove"
        answer = self._send("PUT", path, {"recordIdsToAdd": list(add), "recordIdsToRemove": list(remove)})
        if answer.status == 404:
            raise ListGoneError(_message(answer))
        body = self._ok(answer, f"change members of list {list_id}")
        missing = body.get("recordIdsMissing") or body.get("recordsIdsMissing") or []
        return {str(record_id): "the record is not in the CRM" for record_id in missing}

    # -- requests ------------------------------------------------------------------------------------------------

    def _ok(self, answer: Answer, what: str) -> dict[str, Any]:
        if answer.status == 403:
            raise PermissionDeniedError(f"cannot {what}: {_message(answer)}; give the token the missing scope")
        if answer.status >= 400:
            raise ConnectorError(f"cannot {what}: HubSpot answered {answer.status}: {_message(answer)}")
        return answer.members

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, repeatable: bool = True
    ) -> Answer:
        return self._transport.send(method, path, body, repeatable=repeatable)


def _message(answer: Answer) -> str:
    """The refusal in the vendor's words, with the property-level details."""
    parts = [str(answer.members.get("message") or f"HTTP {answer.status}")]
    details = [e.get("message") for e in answer.members.get("errors", []) if isinstance(e, dict)]
    parts += [str(detail) for detail in details if detail and str(detail) not in parts[0]]
    return "; ".join(parts)[:2000]


def _kind_of(answer: Answer) -> str:
    """The kind of refusal of a whole answer (``connectors.base.ERROR_KINDS``)."""
    return _kind(answer.members.get("category"), answer.status)


def _is_day_spent(answer: Answer) -> bool:
    return answer.status == 429 and "DAILY" in str(answer.members.get("policyName", "")).upper()


RULES = VendorRules(
    name="HubSpot",
    message=_message,
    token_advice=(
        "it is wrong, expired or revoked. Set LEADHOUSE_HUBSPOT_TOKEN to a valid token of the portal's private app"
    ),
    read_rates=hubspot_rates,
    is_day_spent=_is_day_spent,
    is_search=lambda path: path.endswith("/search"),
)


def _kind(category: Any, status: Any) -> str:
    known = _KIND_OF_CATEGORY.get(str(category))
    if known is not None:
        return known
    try:
        return _KIND_OF_STATUS.get(int(status), "unknown")
    except (TypeError, ValueError):
        return "unknown"


def _is_conflict(error: Mapping[str, Any]) -> bool:
    return _kind(error.get("category"), None) == "conflict" or "already exists" in str(error.get("message", ""))


def _read_results(body: Mapping[str, Any], rows: Sequence[RowWrite]) -> dict[str, RowOutcome]:
    """The outcomes that the body ties to a row, by ``ref``."""
    by_ref = {row.ref: row for row in rows}
    by_id = {row.record_id: row for row in rows if row.record_id is not None}
    outcomes: dict[str, RowOutcome] = {}
    for error in body.get("errors", []):
        context = error.get("context") or {}
        traces = [*context.get("objectWriteTraceId", []), error.get("objectWriteTraceId"), error.get("id")]
        refused = [by_ref[t] for t in traces if t in by_ref]
        if not refused:
            refused = [by_id[i] for i in map(str, context.get("ids", [])) if i in by_id]
        kind = _kind(error.get("category"), error.get("status"))
        details = [str(e.get("message")) for e in error.get("errors", []) if isinstance(e, dict) and e.get("message")]
        message = "; ".join(dict.fromkeys([str(error.get("message") or "refused without a message"), *details]))[:2000]
        for row in refused:
            outcomes[row.ref] = RowOutcome(row.ref, row.record_id, kind, message)
    for result in body.get("results", []):
        record_id = str(result.get("id"))
        written = by_ref.get(str(result.get("objectWriteTraceId"))) or by_id.get(record_id)
        if written is not None and written.ref not in outcomes:
            outcomes[written.ref] = RowOutcome(written.ref, record_id)
    return outcomes


def _only_outcome(body: Mapping[str, Any], row: RowWrite) -> RowOutcome:
    """The outcome of a row that was sent alone: whatever the body says is about it (a merged id answers as another)."""
    results = body.get("results", [])
    if results:
        return RowOutcome(row.ref, str(results[0].get("id")))
    errors = body.get("errors", [])
    if errors:
        message = str(errors[0].get("message") or "refused without a message")
        return RowOutcome(row.ref, row.record_id, _kind(errors[0].get("category"), errors[0].get("status")), message)
    return RowOutcome(row.ref, row.record_id, "unknown", "HubSpot answered neither a result nor an error")


def _check_property(object_name: str, field: FieldSpec, present: Mapping[str, Any]) -> None:
    name = f"property {field.property} of {object_name}"
    if present.get("type") != field.type and {present.get("type"), field.type} != {"string", "phone_number"}:
        raise ConnectorError(
            f"{name} exists in HubSpot as {present.get('type')}, the sync says {field.type}: "
            "rename ours, or correct type in config.meta.sync.fields"
        )
    if present.get("hubspotDefined") and (field.policy == "ours" or field.clears):
        raise ConnectorError(
            f"{name} is HubSpot's own, so policy {field.policy!r} would overwrite what people enter: "
            "use fill_empty, human_wins or forward_only, or a property of our own"
        )


def _property_body(field: FieldSpec, group: GroupSpec) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": field.property,
        "label": field.label,
        "type": field.type,
        "fieldType": field.field_type,
        "groupName": group.name,
        "description": field.description,
        "formField": False,
    }
    if field.type == "bool":
        body["options"] = _BOOL_OPTIONS
    elif field.options:
        body["options"] = [
            {"label": o.label, "value": o.value, "displayOrder": i, "hidden": False}
            for i, o in enumerate(field.options)
        ]
    return body


def _open(access: CrmAccess) -> HubSpotConnector:
    return HubSpotConnector(
        access.base_url, access.credentials.get("token", ""), budget_for(access), connections=access.requests_in_flight
    )


CRM = CrmType(name="hubspot", objects=OBJECT_TYPE_IDS, property_name=re.compile(r"^[a-z][a-z0-9_]*$"), open=_open)
