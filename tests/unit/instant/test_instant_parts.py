"""Rates, metrics, signatures, keys of requests; an event that was kept becomes the row that it was."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.errors import RecordRefused
from ingestion.events.http import Request, messages_of, parse_request
from ingestion.events.messages import complete, row_of
from instant.hubspot_webhooks import notice_of, signature, verify
from instant.inbox import NewEvent
from instant.keys import hashed
from instant.limits import RateLimits
from instant.metrics import Metrics
from instant.receiving import presented_key, sort_events

AT = datetime(2026, 11, 1, 8)


def test_a_rate_is_a_bucket_that_fills() -> None:
    now = 0.0
    limits = RateLimits(lambda: now)
    assert limits.take("web", 20, 10) == 0.0
    assert limits.take("web", 5, 10) == pytest.approx(0.5)
    assert limits.take("other", 5, 10) == 0.0
    now = 0.5
    assert limits.take("web", 5, 10) == 0.0
    now = 100.0
    assert limits.take("web", 1_000, 10) == 0.0, "more than a bucket passes when it is full"
    assert limits.take("web", 1, 10) > 90


def test_metrics_are_what_prometheus_reads() -> None:
    metrics = Metrics()
    metrics.describe("events_total", "counter", "Events.")
    metrics.describe("seconds", "histogram", "Seconds.")
    metrics.describe("waiting", "gauge", "Waiting.")
    metrics.count("events_total", 2, source='a"b\n')
    metrics.count("events_total", 3, source='a"b\n')
    metrics.set("waiting", 0.5)
    for value in (0.001, 0.02, 9.0):
        metrics.observe("seconds", value, (0.001, 0.1))
    assert metrics.text().splitlines() == [
        "# HELP events_total Events.",
        "# TYPE events_total counter",
        'events_total{source="a\\"b\\n"} 5',
        "# HELP seconds Seconds.",
        "# TYPE seconds histogram",
        'seconds_bucket{le="0.001"} 1',
        'seconds_bucket{le="0.1"} 2',
        'seconds_bucket{le="+Inf"} 3',
        "seconds_sum 9.021000",
        "seconds_count 3",
        "# HELP waiting Waiting.",
        "# TYPE waiting gauge",
        "waiting 0.5",
    ]


def test_hubspots_signature_is_over_method_address_body_and_time() -> None:
    stamp = str(int(AT.timestamp() * 1000))
    uri = "https://x.example/hubspot/webhooks?a=b%3Ac"
    signed = signature("secret", "POST", uri, b"[]", stamp)
    # HubSpot decodes some characters of the address before it signs.
    assert signed == signature("secret", "POST", uri.replace("%3A", ":"), b"[]", stamp)
    assert len(base64.b64decode(signed)) == 32
    headers = {"x-hubspot-signature-v3": signed, "x-hubspot-request-timestamp": stamp}
    moment = datetime(1970, 1, 1) + timedelta(milliseconds=int(stamp))
    assert verify("secret", "POST", uri, b"[]", headers, moment) is None
    assert verify("secret", "POST", uri, b"[]", headers, moment + timedelta(seconds=299)) is None
    assert verify("secret", "POST", uri, b"[]", headers, moment + timedelta(seconds=301)) is not None
    assert verify("secret", "PUT", uri, b"[]", headers, moment) is not None
    assert verify("secret", "POST", uri, b"[ ]", headers, moment) is not None
    assert verify("Secret", "POST", uri, b"[]", headers, moment) is not None
    assert verify("secret", "POST", uri, b"[]", {**headers, "x-hubspot-request-timestamp": "now"}, moment) is not None
    assert verify("secret", "POST", uri, b"[]", {**headers, "x-hubspot-signature-v3": "\u00e9"}, moment) is not None


def test_a_notice_is_the_same_at_its_next_attempt() -> None:
    one = {"subscriptionType": "contact.creation", "objectId": 1, "eventId": 5, "attemptNumber": 0}
    assert notice_of(one)["noticeId"] == notice_of({**one, "attemptNumber": 4})["noticeId"]
    assert notice_of(one)["noticeId"] != notice_of({**one, "objectId": 2})["noticeId"]
    with pytest.raises(RecordRefused, match="missing_object"):
        notice_of({"subscriptionType": "contact.creation"})


def test_a_key_is_kept_as_a_hash_and_an_event_known_by_source_and_id() -> None:
    assert "wk_web" not in hashed("wk_web")
    first = NewEvent("web", "segment", "m1", AT, b"{}")
    assert first.key == NewEvent("web", "segment", "m1", AT + timedelta(1), b'{"other": 1}').key
    assert first.key != NewEvent("shop", "segment", "m1", AT, b"{}").key


def test_the_header_goes_before_the_body() -> None:
    basic = {"Authorization": "Basic " + base64.b64encode(b"one:").decode()}
    assert presented_key(Request("POST", "/v1/t", basic, b""), {"writeKey": "two"}) == "one"
    assert presented_key(Request("POST", "/v1/t", {"Authorization": "Basic ?"}, b""), {"writeKey": "two"}) == "two"
    assert presented_key(Request("POST", "/v1/t", {}, b""), {"batch": [{"writeKey": "three"}]}) == "three"
    assert presented_key(Request("POST", "/x/tp2", {}, b""), {"data": [{"aid": "four"}]}) == "four"
    assert presented_key(Request("GET", "/i?e=pv&aid=five", {}, b"")) == "five"
    assert presented_key(Request("POST", "/v1/t", {}, b""), "text") is None


_text = st.sampled_from([None, "", "u1", "a@b.example", "\x00é", 7, 1.5, True, [], {"a": 1}])
_moments = st.none() | st.sampled_from(["2026-11-01T08:00:00Z", 1_795_316_961, "never"])
_context = st.none() | _text | st.dictionaries(st.sampled_from(["userAgent", "ip", "page"]), _text)
_messages = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["track", "page", "identify", "zip", None]), "event": _text, "userId": _text,
        "anonymousId": _text, "messageId": _text, "timestamp": _moments, "originalTimestamp": _moments,
        "sentAt": _moments, "context": _context, "properties": _context, "traits": _context, "channel": _text,
        "e": st.sampled_from(["pv", "se", "ue"]), "eid": _text, "dtm": _moments, "duid": _text, "ua": _text,
        "distinct_id": _text, "uuid": _text, "name": _text,
    },
)  # fmt: skip


@given(
    message=_messages,
    path=st.sampled_from(["/v1/t", "/v1/page", "/v1/batch", "/com.snowplowanalytics.snowplow/tp2", "/capture"]),
    agent=st.sampled_from(["Mozilla/5.0 (X11)", "analytics-python/2", None]),
    sent_at=_moments,
)
def test_an_event_that_was_kept_becomes_the_row_that_it_was(
    message: dict[str, object], path: str, agent: str | None, sent_at: object
) -> None:
    envelope: dict[str, object] = message
    if path == "/v1/batch":
        envelope = {"batch": [message], "sentAt": sent_at}
    elif path.endswith("tp2"):
        envelope = {"schema": "iglu:x", "data": [message]}
    headers = {"User-Agent": agent} if agent else {}
    request = Request("POST", path, headers, json.dumps(envelope).encode())
    at_once = parse_request(request, AT)
    found = sort_events("web", messages_of(request), AT, 65_536)
    assert [row["message_id"] for row in at_once.rows] == [event.event_id for event in found.events]
    assert [(one.reason_code, one.record_id) for one in at_once.rejects] == [
        (one.reason_code, one.record_id) for one in found.refused
    ]
    for row, event in zip(at_once.rows, found.events, strict=True):
        assert row_of(event.tracker, json.loads(event.event), AT) == {
            k: v for k, v in row.items() if k != "_source_row"
        }


def test_completing_an_event_twice_changes_nothing() -> None:
    hints = {"kind": "track", "sent_at": "2026-11-01", "user_agent": "Mozilla/5.0"}
    once = complete("segment", {"event": "x", "userId": "u"}, **hints)  # type: ignore[arg-type]
    assert complete("segment", once, kind="page", sent_at="2027-01-01", user_agent="Mozilla/6.0") == once
    assert complete("segment", [1], kind="page") == [1]
