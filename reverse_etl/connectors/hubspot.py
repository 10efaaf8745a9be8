"""HubSpot: batches of 100 records by id, custom properties, static lists, associations (API of 2026-09).

How it answers, and what is made of it:

* 200/201 lists the records written; 207 adds ``errors``. The body decides, record by record, never the status. A body
  that is no JSON decides nothing: what may be repeated is asked again, a create is looked up.
* 400 and 409 may refuse a whole batch for one bad record: the batch is split until only bad records are refused. Of a
  batch of n records with p bad ones that costs at most 2 p log2(n) more requests (p in 100: 14 p).
* 403 stops the sync. What 401, 429, 423, 5xx and lost connections mean is told in
  :mod:`reverse_etl.connectors.transport`; a create is the one request that is not repeated without a look.
* A write to a record that was merged away is answered with the survivor's id: that is the outcome's. Where the survivor
  has a row of its own in the same call, its own values are sent last and the other row is a conflict.
* From 2026-09 on an administrator's required properties are enforced. What the object's schema calls required is
  compared before a record is created: the first row that lacks something asks HubSpot, and if it is refused for that,
  the others are refused without a request.

Every input carries an ``objectWriteTraceId``, by which HubSpot ties an error to it. Records without an id are matched
by a property that HubSpot keeps unique: ``email`` of contacts, and a property of ours (``unique: true``) for others;
a company's domain is not unique there.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from crm_access import CrmAccess
from crm_access.ratelimit import PortalBudget, budget_for
from crm_access.rates import hubspot_rates
from reverse_etl.connectors.base import CrmType, FoundRecord, Link, ListGoneError, RowOutcome, RowWrite
from reverse_etl.connectors.hubspot_answers import (
    kind_of,
    kind_of_error,
    message_of,
    names_property,
    only_outcome,
    read_links,
    read_results,
    refusal_text,
)
from reverse_etl.connectors.hubspot_properties import ensure_properties
from reverse_etl.connectors.transport import Answer, StaticToken, Transport, VendorRules
from reverse_etl.errors import AmbiguousOutcomeError, AuthError, ConnectorError, PermissionDeniedError, UnreachableError
from reverse_etl.manifest import FieldSpec, GroupSpec

API_VERSION = "2026-09"
OBJECT_TYPE_IDS = {"contacts": "0-1", "companies": "0-2", "deals": "0-3"}

#: Times a request is asked again whose answer is no JSON (a proxy's page, a body cut short).
_READING_TRIES = 3
#: How long HubSpot's search may not know of a change yet: looked back by that much more.
_SEARCH_LAG = timedelta(minutes=5)
_SEARCH_PAGE = 200


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
        self._sleep = sleep
        self._required: dict[str, tuple[str, ...]] = {}
        #: What HubSpot said of a create without these required properties; ``None``: it took it.
        self._verdicts: dict[tuple[str, tuple[str, ...]], str | None] = {}
        self._required_lock = threading.Lock()
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
        """Make the group and the properties that are missing and bring ours in line with the model's YAML; returns the
        names made or changed. Raises :class:`ConnectorError` (:mod:`reverse_etl.connectors.hubspot_properties`)."""
        return ensure_properties(self, f"/crm/properties/{API_VERSION}/{object_name}", object_name, group, fields)

    # -- records -------------------------------------------------------------------------------------------------

    def lookup(
        self, object_name: str, match_property: str, values: Sequence[str], properties: Sequence[str]
    ) -> dict[str, FoundRecord]:
        """The live records with one of ``values`` in the unique ``match_property``, by that value in lower case.

        Raises:
            ConnectorError: HubSpot does not keep the property unique.
        """
        found: dict[str, FoundRecord] = {}
        wanted = list(dict.fromkeys(value.lower() for value in values if value))
        for start in range(0, len(wanted), self.batch_size):
            found |= self._lookup(object_name, match_property, wanted[start : start + self.batch_size], properties)
        return found

    def _lookup(
        self, object_name: str, match_property: str, wanted: Sequence[str], properties: Sequence[str]
    ) -> dict[str, FoundRecord]:
        names = list(dict.fromkeys([match_property, *properties]))
        if match_property == "email":
            names.append("hs_additional_emails")
        body = {"idProperty": match_property, "inputs": [{"id": v} for v in wanted], "properties": names}
        answer = self.ask("POST", f"/crm/objects/{API_VERSION}/{object_name}/batch/read", body)
        if answer.status == 400:
            message = message_of(answer)
            if "non-unique" in message or "does not exist" in message:
                raise ConnectorError(
                    f"{object_name} cannot be looked up by {match_property}: {message}; match by email, or by a "
                    "property of ours with unique: true"
                )
            # One value that HubSpot takes for none must not hide the others.
            if len(wanted) == 1:
                return {}
            middle = len(wanted) // 2
            return self._lookup(object_name, match_property, wanted[:middle], properties) | self._lookup(
                object_name, match_property, wanted[middle:], properties
            )
        if answer.status != 404:
            self.ok(answer, f"look up {object_name} by {match_property}")
        found: dict[str, FoundRecord] = {}
        for result in answer.members.get("results", []):
            held = result.get("properties") or {}
            record = FoundRecord(str(result["id"]), held)
            spellings = [held.get(match_property), *str(held.get("hs_additional_emails") or "").split(";")]
            for value in {str(s).strip().lower() for s in spellings if s} & set(wanted):
                found[value] = record
        return found

    def create(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Create records, each at most once.

        Raises :class:`AmbiguousOutcomeError` when no usable answer came, or one that says nothing of some records.
        """
        outcomes: dict[str, RowOutcome] = {}
        ready = []
        for row in rows:
            refused = self._lacks_required(object_name, row)
            if refused is None:
                ready.append(row)
            else:
                outcomes[row.ref] = refused
        if ready:
            outcomes |= {outcome.ref: outcome for outcome in self._create(object_name, ready)}
        return [outcomes[row.ref] for row in rows]

    def _create(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        inputs = [
            {"properties": dict(row.properties), "associations": [], "objectWriteTraceId": row.ref} for row in rows
        ]
        path = f"/crm/objects/{API_VERSION}/{object_name}/batch/create"
        answer = self._transport.send("POST", path, {"inputs": inputs}, repeatable=False)
        if answer.status < 300 and not answer.members:
            raise AmbiguousOutcomeError(f"POST {path}: HTTP {answer.status} without a readable body")
        if (split := self._split(answer, rows, lambda part: self._create(object_name, part))) is not None:
            return split
        outcomes = read_results(answer.members, rows)
        lost = [row for row in rows if row.ref not in outcomes]
        if len(rows) == 1 and lost:
            outcomes[rows[0].ref] = only_outcome(answer.members, rows[0])
        elif lost:
            raise AmbiguousOutcomeError(f"POST {path}: the answer says nothing of {len(lost)} of {len(rows)} records")
        return [outcomes[row.ref] for row in rows]

    def _lacks_required(self, object_name: str, row: RowWrite) -> RowOutcome | None:
        """The refusal of a new record that lacks what the schema calls required; ``None``: send it with the others.

        Whether HubSpot means it, it is asked once per set of missing properties, with the first such row.
        """
        with self._required_lock:
            if object_name not in self._required:
                answer = self.ask("GET", f"/crm-object-schemas/{API_VERSION}/schemas/{object_name}")
                told = answer.members.get("requiredProperties") if answer.status < 300 else None
                self._required[object_name] = tuple(map(str, told)) if isinstance(told, list) else ()
            lacking = tuple(name for name in self._required[object_name] if not row.properties.get(name))
            if not lacking:
                return None
            if (object_name, lacking) not in self._verdicts:
                outcome = self._create(object_name, [row])[0]
                said = outcome.error_message or ""
                is_meant = outcome.error_kind == "validation" and names_property(said, lacking)
                self._verdicts[object_name, lacking] = said if is_meant else None
                return outcome if not is_meant else _lacking(object_name, row, lacking, said)
            verdict = self._verdicts[object_name, lacking]
            return None if verdict is None else _lacking(object_name, row, lacking, verdict)

    def update(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Change records by id; safe to repeat. A record that was merged away answers as its survivor."""
        outcomes = self._update(object_name, rows)
        return self._settle_merges(object_name, rows, outcomes)

    def _update(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        inputs = [
            {"id": row.record_id, "properties": dict(row.properties), "objectWriteTraceId": row.ref} for row in rows
        ]
        answer = self.ask("POST", f"/crm/objects/{API_VERSION}/{object_name}/batch/update", {"inputs": inputs})
        if (split := self._split(answer, rows, lambda part: self._update(object_name, part))) is not None:
            return split
        outcomes = read_results(answer.members, rows)
        lost = [row for row in rows if row.ref not in outcomes]
        if len(rows) == 1 and lost:
            outcomes[rows[0].ref] = only_outcome(answer.members, rows[0])
        else:
            # The body ties neither a result nor an error to these. Alone, the answer can only be about them.
            for row in lost:
                outcomes[row.ref] = self._update(object_name, [row])[0]
        return [outcomes[row.ref] for row in rows]

    def _settle_merges(
        self, object_name: str, rows: Sequence[RowWrite], outcomes: Sequence[RowOutcome]
    ) -> list[RowOutcome]:
        """Of the rows that ended up on one record, whose own row it is (else the first) writes it last."""
        settled = list(outcomes)
        on_record: dict[str, list[int]] = {}
        for place, outcome in enumerate(outcomes):
            if outcome.is_written and outcome.record_id is not None:
                on_record.setdefault(outcome.record_id, []).append(place)
        for record_id, places in on_record.items():
            if len(places) == 1:
                continue
            winner = next((p for p in places if rows[p].record_id == record_id), places[0])
            settled[winner] = self._update(object_name, [rows[winner]])[0]
            for place in places:
                if place != winner:
                    reason = (
                        f"record {rows[place].record_id} was merged into {record_id}, which another row stands for "
                        f"({rows[winner].record_id})"
                    )
                    settled[place] = RowOutcome(rows[place].ref, record_id, "conflict", reason)
        return settled

    def _split(
        self, answer: Answer, rows: Sequence[RowWrite], again: Callable[[Sequence[RowWrite]], list[RowOutcome]]
    ) -> list[RowOutcome] | None:
        """What becomes of a request that was refused as a whole; ``None`` when it was not."""
        if answer.status == 403:
            raise PermissionDeniedError(
                f"HubSpot refused the write: {message_of(answer)}; give the token the missing scope"
            )
        if answer.status in (200, 201, 202, 207):
            return None
        if len(rows) == 1:
            return [RowOutcome(rows[0].ref, rows[0].record_id, kind_of(answer), message_of(answer))]
        middle = len(rows) // 2
        return again(rows[:middle]) + again(rows[middle:])

    def delete(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Delete records for good; one that is gone already counts as written.

        For contacts that is HubSpot's deletion by law: one request each (there is no batch for it), every trace goes
        and the addresses are blocked. HubSpot offers no such thing for other objects: they are put in the bin, from
        where they can be restored for 90 days.
        """
        if object_name != "contacts":
            return self._archive(object_name, rows)
        path = f"/crm/objects/{API_VERSION}/{object_name}/gdpr-delete"
        outcomes = []
        for row in rows:
            answer = self._transport.send("POST", path, {"objectId": row.record_id})
            if answer.status == 403:
                raise PermissionDeniedError(f"cannot delete: {message_of(answer)}; give the token the missing scope")
            is_done = answer.status < 300 or answer.status == 404
            kind, message = (None, None) if is_done else (kind_of(answer), message_of(answer))
            outcomes.append(RowOutcome(row.ref, row.record_id, kind, message))
        return outcomes

    def _archive(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        path = f"/crm/objects/{API_VERSION}/{object_name}/batch/archive"
        answer = self._transport.send("POST", path, {"inputs": [{"id": row.record_id} for row in rows]})
        if answer.status < 300 or (answer.status == 404 and len(rows) == 1):
            return [RowOutcome(row.ref, row.record_id) for row in rows]
        split = self._split(answer, rows, lambda part: self._archive(object_name, part))
        assert split is not None
        return split

    def associate(self, from_object: str, to_object: str, links: Sequence[Link]) -> list[RowOutcome]:
        """Associate records by HubSpot's default kind; an association that is there already counts as written.

        A contact's first company becomes its primary one.
        """
        inputs = [{"from": {"id": link.from_id}, "to": {"id": link.to_id}} for link in links]
        path = f"/crm/associations/{API_VERSION}/{from_object}/{to_object}/batch/associate/default"
        answer = self.ask("POST", path, {"inputs": inputs})
        if answer.status == 403:
            raise PermissionDeniedError(f"cannot associate: {message_of(answer)}; give the token the missing scope")
        if len(links) == 1:
            return [_only_link(answer, links[0])]
        if answer.status >= 300:
            middle = len(links) // 2
            return self.associate(from_object, to_object, links[:middle]) + self.associate(
                from_object, to_object, links[middle:]
            )
        # Errors name one end at most, and a merged end is answered as its survivor: what is not tied to a pair is asked
        # for alone.
        outcomes = read_links(answer.members, links)
        for link in links:
            if link.ref not in outcomes:
                outcomes[link.ref] = self.associate(from_object, to_object, [link])[0]
        return [outcomes[link.ref] for link in links]

    def opted_out_since(self, object_name: str, moment: datetime) -> set[str]:
        """Ids of the contacts changed after ``moment`` (and a little before it) that opted out of all e-mail.

        HubSpot's search learns of a change late, and pages no further than 10,000 results: the window starts earlier by
        the lag, and pages go by record id. Companies and deals opt out of nothing.
        """
        if object_name != "contacts":
            return set()
        since = str(int((moment - _SEARCH_LAG).replace(tzinfo=UTC).timestamp() * 1000))
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
                "limit": _SEARCH_PAGE,
            }
            answer = self.ok(
                self.ask("POST", f"/crm/objects/{API_VERSION}/{object_name}/search", body), "look for opt-outs"
            )
            results = answer.get("results", [])
            found |= {str(result["id"]) for result in results}
            if len(results) < _SEARCH_PAGE:
                return found
            last = str(results[-1]["id"])

    # -- lists ---------------------------------------------------------------------------------------------------

    def ensure_list(self, object_name: str, name: str) -> tuple[str, bool]:
        """The id of the static list of that name, and whether it had to be made (a deleted one is made again).

        Raises :class:`ConnectorError` when the list is one that HubSpot fills by itself.
        """
        by_name = f"{_LISTS}/object-type-id/{OBJECT_TYPE_IDS[object_name]}/name/{quote(name, safe='')}"
        answer = self.ask("GET", by_name)
        is_made = answer.status == 404
        if is_made:
            body = {"name": name, "objectTypeId": OBJECT_TYPE_IDS[object_name], "processingType": "MANUAL"}
            made = self.ask("POST", _LISTS, body)
            answer = made
            if made.status in (400, 409):
                # Made meanwhile by somebody, or by an earlier try of this very request.
                answer, is_made = self.ask("GET", by_name), False
                if answer.status == 404:
                    raise ConnectorError(f"HubSpot refused to make list {name!r}: {message_of(made)}")
        shown = _shown_list(self.ok(answer, f"find or make list {name!r}"))
        _refuse_dynamic(shown, name)
        return str(shown["listId"]), is_made

    def change_members(
        self, object_name: str, list_id: str, add: Sequence[str], remove: Sequence[str]
    ) -> dict[str, str]:
        """Add and remove members by record id; returns the reason for each id that could not be.

        HubSpot's lists know their object type, so ``object_name`` is not needed here.

        Raises :class:`ListGoneError` when there is no such list, :class:`ConnectorError` when it is one that HubSpot
        fills by itself by now.
        """
        del object_name
        path = f"{_LISTS}/{list_id}/memberships/add-and-remove"
        answer = self.ask("PUT", path, {"recordIdsToAdd": list(add), "recordIdsToRemove": list(remove)})
        if answer.status == 404:
            raise ListGoneError(message_of(answer))
        if answer.status == 400:
            shown = _shown_list(self.ask("GET", f"{_LISTS}/{list_id}").members)
            _refuse_dynamic(shown, str(shown.get("name") or list_id))
        body = self.ok(answer, f"change members of list {list_id}")
        missing = body.get("recordIdsMissing") or body.get("recordsIdsMissing") or []
        return {str(record_id): "the record is not in the CRM" for record_id in missing}

    # -- requests ------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """One request that may be repeated and is answered with JSON.

        Raises:
            UnreachableError: it was answered with something else, again and again.
        """
        for attempt in range(_READING_TRIES):
            answer = self._transport.send(method, path, body)
            if answer.status >= 300 or answer.members:
                return answer
            self._sleep(0.5 * 2.0**attempt)
        raise UnreachableError(
            f"{method} {path.split('?')[0]}: {_READING_TRIES} answers (HTTP {answer.status}) without readable JSON; is "
            "there a proxy in between? What was done is recorded; apply again to go on"
        )

    def ok(self, answer: Answer, what: str) -> dict[str, Any]:
        """The body of an answer that is no refusal.

        Raises:
            PermissionDeniedError, ConnectorError: it is one; ``what`` says what cannot be done.
        """
        if answer.status == 403:
            raise PermissionDeniedError(f"cannot {what}: {message_of(answer)}; give the token the missing scope")
        if answer.status >= 400:
            raise ConnectorError(f"cannot {what}: HubSpot answered {answer.status}: {message_of(answer)}")
        return answer.members


_LISTS = f"/crm/lists/{API_VERSION}"


def _lacking(object_name: str, row: RowWrite, lacking: Sequence[str], said: str) -> RowOutcome:
    message = f"HubSpot requires {', '.join(lacking)} of new {object_name} and the sync sends none: {said}"
    return RowOutcome(row.ref, None, "validation", message)


def _only_link(answer: Answer, link: Link) -> RowOutcome:
    """The outcome of a pair that was sent alone."""
    errors = answer.members.get("errors") or []
    if answer.status < 300 and not errors:
        return RowOutcome(link.ref, link.from_id)
    if answer.status < 300:
        return RowOutcome(link.ref, link.from_id, kind_of_error(errors[0]), refusal_text(errors[0]))
    return RowOutcome(link.ref, link.from_id, kind_of(answer), message_of(answer))


def _shown_list(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A list as HubSpot shows it, wrapped or not."""
    inner = body.get("list")
    return inner if isinstance(inner, Mapping) else body


def _refuse_dynamic(shown: Mapping[str, Any], name: str) -> None:
    if shown.get("processingType") == "DYNAMIC":
        raise ConnectorError(
            f"list {name!r} is an active list that HubSpot fills by its own filters: rename it, or rename ours"
        )


def _is_day_spent(answer: Answer) -> bool:
    return answer.status == 429 and "DAILY" in str(answer.members.get("policyName", "")).upper()


RULES = VendorRules(
    name="HubSpot",
    message=message_of,
    token_advice=(
        "it is wrong, expired or revoked. Set LEADHOUSE_HUBSPOT_TOKEN to a valid token of the portal's private app"
    ),
    read_rates=hubspot_rates,
    is_day_spent=_is_day_spent,
    is_search=lambda path: path.endswith("/search"),
)


def _open(access: CrmAccess) -> HubSpotConnector:
    return HubSpotConnector(
        access.base_url, access.credentials.get("token", ""), budget_for(access), connections=access.requests_in_flight
    )


CRM = CrmType(name="hubspot", objects=OBJECT_TYPE_IDS, property_name=re.compile(r"^[a-z][a-z0-9_]*$"), open=_open)
