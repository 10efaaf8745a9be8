"""Requests of real trackers become rows; what they cannot tell is refused with a reason."""

from __future__ import annotations

import gzip
import json
import os
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from ingestion.events import Request, captured_request, parse_request
from ingestion.events.rows import COLUMNS, campaign_of

SHARED = Path(os.environ.get("LEADHOUSE_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data")
PAYLOADS = SHARED / "tracker_payloads"

#: file stem -> (tracker, [(type, event, user_id, group_id, email)])
EXPECTED = {
    "segment_python_1": (
        "segment",
        [
            ("identify", None, "u1", None, "ada@example.com"),
            ("track", "Form Submitted", "u1", None, None),
            ("page", None, "u1", None, None),
            ("group", None, "u1", "acct_1", None),
            ("alias", None, "u1", None, None),
            ("screen", None, "u1", None, None),
            ("track", "Page Engaged", None, None, None),
        ],
    ),
    "segment_python_gzip_1": ("segment", [("track", "Gz", "u2", None, None)]),
    "segment_browser_v1_p_1": ("segment", [("page", None, None, None, None)]),
    "segment_browser_v1_i_1": ("segment", [("identify", None, "u1", None, "ada@example.com")]),
    "segment_browser_v1_t_1": ("segment", [("track", "Form Submitted", "u1", None, None)]),
    "segment_browser_v1_g_1": ("segment", [("group", None, "u1", "acct_1", None)]),
    "rudder_python_1": (
        "rudderstack",
        [("identify", None, "u1", None, "ada@example.com"), ("track", "Form Submitted", "u1", None, None)],
    ),
    "rudder_node_1": ("rudderstack", [("track", "Form Submitted", "u1", None, None)]),
    "jitsu_browser_api_s_page_1": ("jitsu", [("page", None, None, None, None)]),
    "jitsu_browser_api_s_identify_1": ("jitsu", [("identify", None, "u1", None, "ada@example.com")]),
    "jitsu_browser_api_s_track_1": ("jitsu", [("track", "Form Submitted", "u1", None, "ada@example.com")]),
    "snowplow_python_post_1": (
        "snowplow",
        [("page", None, "u1", None, None), ("track", "form submit", "u1", None, None)],
    ),
    "snowplow_python_post_2": ("snowplow", [("track", "form_submit", "u1", None, None)]),
    "snowplow_python_get_1": ("snowplow", [("page", None, "u1", None, None)]),
    "snowplow_python_get_2": ("snowplow", [("track", "form submit", "u1", None, None)]),
    "snowplow_python_get_3": ("snowplow", [("track", "form_submit", "u1", None, None)]),
    "snowplow_browser_2": ("snowplow", [("track", "page_ping", "u1", None, None)]),
    "posthog_python_1": (
        "posthog",
        [("track", "Form Submitted", "u1", None, "ada@example.com"), ("group", None, None, "acct_1", None)],
    ),
    "posthog_node_1": ("posthog", [("track", "Form Submitted", "u1", None, None)]),
}


def parse_capture(path: Path):
    return parse_request(captured_request(json.loads(path.read_text())))


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason=f"captured tracker requests are not at {PAYLOADS}")
@pytest.mark.parametrize("stem", sorted(EXPECTED))
def test_captured_request(stem):
    tracker, expected = EXPECTED[stem]
    parsed = parse_capture(PAYLOADS / f"{stem}.json")
    assert parsed.rejects == []
    assert [tuple(row[key] for key in ("type", "event", "user_id", "group_id", "email")) for row in parsed.rows] == (
        expected
    )
    assert {row["tracker"] for row in parsed.rows} == {tracker}
    for row in parsed.rows:
        assert set(row) - {"_source_row"} <= set(COLUMNS)
        assert row["message_id"]
        assert isinstance(row["event_at"], datetime)
        assert row["event_at"].tzinfo is None


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason=f"captured tracker requests are not at {PAYLOADS}")
def test_every_captured_request_is_understood_and_ids_are_unique():
    rows = []
    for path in sorted(PAYLOADS.glob("*.json")):
        parsed = parse_capture(path)
        assert parsed.rows, path.name
        assert parsed.rejects == [], path.name
        rows += parsed.rows
    assert len({row["message_id"] for row in rows}) == len(rows)


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason=f"captured tracker requests are not at {PAYLOADS}")
def test_browser_page_keeps_campaign_referrer_and_visitor():
    for stem in ("segment_browser_v1_p_1", "jitsu_browser_api_s_page_1", "snowplow_browser_1"):
        row = parse_capture(PAYLOADS / f"{stem}.json").rows[0]
        assert row["type"] == "page"
        assert (row["page_path"], row["page_title"], row["referrer"]) == ("/page", "Pricing", "https://google.com/")
        assert (row["utm_source"], row["utm_campaign"]) == ("ads", "q4")
        assert row["anonymous_id"]
        assert row["user_agent"].startswith("Mozilla/5.0")
        assert row["locale"] == "en-US"


def post(path: str, body, headers=None) -> Request:
    return Request("POST", path, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())


MESSAGE = {
    "type": "track",
    "event": "Form Submitted",
    "userId": "u1",
    "messageId": "m1",
    "timestamp": "2026-03-31T08:30:00+02:00",
}


def test_same_message_however_it_is_packed():
    plain = json.dumps({"batch": [MESSAGE]}).encode()
    for body in (plain, gzip.compress(plain), b"  " + plain, b"data=" + quote(plain).encode()):
        parsed = parse_request(post("/v1/batch", body, {"Content-Type": "application/x-www-form-urlencoded"}))
        assert [row["message_id"] for row in parsed.rows] == ["m1"], body[:20]
        assert parsed.rows[0]["event_at"] == datetime(2026, 3, 31, 6, 30)


def test_type_comes_from_the_address_if_the_message_has_none():
    body = {key: value for key, value in MESSAGE.items() if key != "type"}
    assert [row["type"] for row in parse_request(post("/v1/t", body)).rows] == ["track"]


def test_alias_links_the_previous_id():
    body = {
        "type": "alias",
        "previousId": "anon",
        "userId": "u1",
        "messageId": "m",
        "timestamp": "2026-01-01T00:00:00Z",
    }
    row = parse_request(post("/v1/alias", body)).rows[0]
    assert (row["user_id"], row["anonymous_id"]) == ("u1", "anon")


def test_message_without_an_id_always_gets_the_same_one():
    body = {key: value for key, value in MESSAGE.items() if key != "messageId"}
    ids = {parse_request(post("/v1/track", body)).rows[0]["message_id"] for _ in range(2)}
    assert len(ids) == 1
    other = parse_request(post("/v1/track", {**body, "event": "Other"})).rows[0]["message_id"]
    assert other not in ids


def test_moment_of_arrival_is_the_last_resort():
    body = {key: value for key, value in MESSAGE.items() if key != "timestamp"}
    now = datetime(2026, 4, 1, 12)
    assert parse_request(post("/v1/track", body), now).rows[0]["event_at"] == now
    assert parse_request(post("/v1/track", body)).rejects[0].reason_code == "missing_timestamp"


def test_bad_messages_of_a_batch_do_not_cost_the_good_ones():
    batch = [
        MESSAGE,
        {**MESSAGE, "type": "trakc"},
        {**MESSAGE, "userId": None},
        {**MESSAGE, "event": ""},
        {**MESSAGE, "timestamp": "yesterday"},
        "text",
        {**MESSAGE, "messageId": "m2", "timestamp": 1774938600000},
    ]
    parsed = parse_request(post("/v1/batch", {"batch": batch}))
    assert [row["message_id"] for row in parsed.rows] == ["m1", "m2"]
    assert parsed.rows[1]["event_at"] == datetime(2026, 3, 31, 6, 30)
    assert [(reject.row, reject.field, reject.reason_code) for reject in parsed.rejects] == [
        (2, "type", "unknown_type"),
        (3, "userId", "missing_identity"),
        (4, "event", "missing_event_name"),
        (5, "timestamp", "invalid_timestamp"),
        (6, "", "malformed_json"),
    ]
    assert json.loads(parsed.rejects[0].record)["type"] == "trakc"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"not json at all", "invalid_json"),
        (gzip.compress(b'{"batch": []}')[:-6], "invalid_gzip"),
        (b"\x1f\x8bnonsense", "invalid_gzip"),
        (b'{"batch": []}', "empty_batch"),
        (b"\xff\xfe\x00", "invalid_json"),
    ],
)
def test_unreadable_requests_are_refused_not_raised(body, code):
    parsed = parse_request(post("/v1/batch", body))
    assert parsed.rows == []
    assert [reject.reason_code for reject in parsed.rejects] == [code]


def test_snowplow_broken_self_describing_json_is_refused():
    event = {"e": "ue", "ue_px": "%%%", "eid": "1", "dtm": "1774938600000", "uid": "u"}
    parsed = parse_request(post("/com.snowplowanalytics.snowplow/tp2", {"data": [event]}))
    assert [reject.reason_code for reject in parsed.rejects] == ["invalid_self_describing_json"]


def test_posthog_device_is_anonymous_until_identified():
    page = {"event": "$pageview", "distinct_id": "d1", "uuid": "1", "timestamp": "2026-01-01T00:00:00Z"}
    page["properties"] = {"$device_id": "d1", "$current_url": "https://a.example/x?gclid=1&utm_source=Ads"}
    known = {**page, "event": "$identify", "distinct_id": "u9", "uuid": "2", "$set": {"email": "a@b.example"}}
    before, after = parse_request(post("/batch/", {"api_key": "k", "batch": [page, known]})).rows
    assert (before["type"], before["user_id"], before["anonymous_id"]) == ("page", None, "d1")
    assert (before["click_id_kind"], before["utm_source"], before["page_path"]) == ("gclid", "Ads", "/x")
    assert (after["type"], after["user_id"], after["anonymous_id"], after["email"]) == (
        "identify",
        "u9",
        "d1",
        "a@b.example",
    )


def test_campaign_of_takes_the_first_value_and_any_case():
    assert campaign_of("https://a.example/?UTM_Source=x&utm_source=y&li_fat_id=1&gclid=2") == {
        "utm_source": "x",
        "click_id_kind": "li_fat_id",
    }
    assert campaign_of("https://[broken/?utm_source=x") == {}
    assert campaign_of(None) == {}


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("/v1/batch", {"type": {"not": "a name"}, "anonymousId": "a", "timestamp": "2026-01-01T00:00:00Z"}),
        ("/v1/batch", {"type": ["page"], "anonymousId": "a", "timestamp": "2026-01-01T00:00:00Z"}),
        ("/com.snowplowanalytics.snowplow/tp2", {"e": "pv", "eid": "1", "cx": "²"}),
    ],
)
def test_values_of_another_kind_are_refused_not_raised(path, event):
    body = json.dumps({"batch": [event], "data": [event]}).encode()
    parsed = parse_request(Request("POST", path, {}, body))
    assert (len(parsed.rows), len(parsed.rejects)) == (0, 1)
