"""The collector's addresses: keys, limits, answers, browsers, bad events among good ones, HubSpot's signature."""

from __future__ import annotations

import base64
import gzip
import json
import time
from typing import Any
from urllib.parse import quote

import pytest
import requests
import sqlalchemy as sa
from collector_process import HUBSPOT_SECRET, Collecting, add_keys

from instant.hubspot_webhooks import signature
from instant.inbox import Inbox, refused_table
from instant.keys import KeyStore


def track(number: object, **more: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": "Form Submitted", "userId": "u1", "messageId": f"e{number}",
        "timestamp": "2026-11-01T08:30:00Z", **more,
    }  # fmt: skip


def ids(collector: Collecting) -> list[str]:
    return [event.message_id for event in collector.kept("web")]


def refused(collector: Collecting) -> list[dict[str, Any]]:
    with Inbox(collector.inbox_url) as inbox, inbox.engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(refused_table)).mappings()]


@pytest.mark.parametrize(
    ("how", "headers", "query", "fields"),
    [
        ("basic", {"Authorization": "Basic " + base64.b64encode(b"wk_web:").decode()}, "", {}),
        ("header", {"X-Write-Key": "wk_web"}, "", {}),
        ("query", {}, "?writeKey=wk_web", {}),
        ("body", {}, "", {"writeKey": "wk_web"}),
    ],
)
def test_a_key_opens_wherever_clients_put_it(
    collector: Collecting, how: str, headers: dict[str, str], query: str, fields: dict[str, str]
) -> None:
    answer = collector.post(f"/v1/track{query}", track(how, **fields), key=None, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert ids(collector).count(f"e{how}") == 1
    assert all("writeKey" not in event.event for event in collector.kept())


@pytest.mark.parametrize("key", [None, "wk_we", "wk_web ", "", "wk_wéb"])
def test_without_a_key_in_use_nothing_is_kept(collector: Collecting, key: str | None) -> None:
    before = len(collector.kept())
    headers = {} if key is None else {"X-Write-Key": key.encode()}
    answer = collector.post("/v1/track", track("stranger"), key=None, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] in ("missing_write_key", "unknown_write_key")
    assert len(collector.kept()) == before


def test_a_revoked_key_opens_nothing_within_seconds(collector: Collecting) -> None:
    add_keys(collector.inbox_url, leaving="wk_leaving")
    collector.until_known("wk_leaving")
    assert collector.post("/v1/track", track("leaving"), key="wk_leaving").ok
    with Inbox(collector.inbox_url) as inbox:
        KeyStore(inbox).revoke("leaving")
        assert not [key for key in KeyStore(inbox).all() if "wk_leaving" in repr(key)], "a key is kept in the clear"
    deadline = time.monotonic() + 20
    while collector.post("/v1/track", track("leaving"), key="wk_leaving").ok:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert [event.message_id for event in collector.kept("leaving")] == ["eleaving"]


@pytest.mark.parametrize("name", ["batch", "b", "track", "t", "identify", "i", "page", "p", "screen", "s", "group",
                                  "g", "alias", "a"])  # fmt: skip
def test_every_address_of_the_segment_spec(collector: Collecting, name: str) -> None:
    message = track(f"-{name}")
    kinds = {"i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}
    if name not in ("batch", "b"):
        del message["type"]  # the address tells it
    body = {"batch": [message]} if name in ("batch", "b") else message
    assert collector.post(f"/v1/{name}", body).status_code == 200
    [row] = [event.row() for event in collector.kept("web") if event.message_id == f"e-{name}"]
    assert row["type"] == kinds.get(name, "track" if name in ("batch", "b", "t") else name)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", ""])
@pytest.mark.parametrize("packs", [False, True])
def test_the_bytes_decide_not_the_content_type(collector: Collecting, kind: str, packs: bool) -> None:
    body = json.dumps(track(f"{kind}{packs}")).encode()
    answer = collector.post("/v1/t", gzip.compress(body) if packs else body, headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    form = b"data=" + quote(json.dumps(track(f"form{kind}{packs}"))).encode()
    assert collector.post("/v1/t", form, headers={"Content-Type": kind}).status_code == 200
    assert {f"e{kind}{packs}", f"eform{kind}{packs}"} <= set(ids(collector))


def test_bad_events_are_told_and_set_apart_and_the_good_ones_kept(collector: Collecting) -> None:
    batch = [track("good1"), track("bad1", userId=None), "no object", track("good2"), track("bad2", timestamp="soon")]
    answer = collector.post("/v1/batch", {"batch": batch})
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert answer.json()["accepted"] == 2
    told = [(one["index"], one["messageId"], one["code"]) for one in answer.json()["refused"]]
    assert told == [
        (1, "ebad1", "missing_identity"),
        (2, None, "malformed_json"),
        (4, "ebad2", "invalid_timestamp"),
    ]
    assert {"egood1", "egood2"} <= set(ids(collector))
    kept = {row["record_id"]: row for row in refused(collector)}
    assert kept["ebad1"]["reason_code"] == "missing_identity"
    assert json.loads(kept["ebad1"]["record"])["messageId"] == "ebad1"
    before = len(refused(collector))
    again = collector.post("/v1/batch", {"batch": batch})
    assert (again.json()["accepted"], again.json()["duplicates"]) == (0, 2)
    assert len(refused(collector)) == before, "a client that repeats itself does not repeat the line"


def test_a_request_without_a_good_event_is_a_400(collector: Collecting) -> None:
    for body, code in (
        (b"{nonsense", "invalid_json"),
        (b'{"batch": []}', "empty_batch"),
        (b"\x1f\x8bgz", "invalid_gzip"),
    ):
        answer = collector.post("/v1/batch", body)
        assert (answer.status_code, answer.json()["refused"][0]["code"]) == (400, code)
        assert code in {row["reason_code"] for row in refused(collector)}


def test_limits_of_size(collector: Collecting) -> None:
    small = track("large", properties={"text": "x" * 70_000})
    answer = collector.post("/v1/batch", {"batch": [small, track("beside")]})
    assert answer.json()["refused"][0]["code"] == "event_too_large"
    assert "ebeside" in ids(collector)
    huge = json.dumps(track("huge", properties={"text": "x" * 1_100_000})).encode()
    assert collector.post("/v1/t", huge).status_code == 413
    assert collector.post("/v1/t", gzip.compress(huge)).status_code == 413, "what a body unpacks to counts"
    # Snowplow's trackers send a 413 again for ever.
    assert collector.post("/com.snowplowanalytics.snowplow/tp2", huge).status_code == 422

    def in_parts() -> Any:
        for _ in range(40):
            yield b"x" * 65_536

    assert collector.post("/v1/t", None, data=in_parts()).status_code == 413
    assert "ehuge" not in ids(collector)


def test_a_key_has_its_own_rate(collector: Collecting) -> None:
    with Inbox(collector.inbox_url) as inbox:
        KeyStore(inbox).add("slow", key="wk_slow", events_per_second=5)
    collector.until_known("wk_slow")
    answers = [
        collector.post("/v1/batch", {"batch": [track(f"slow{n}-{m}") for m in range(4)]}, key="wk_slow")
        for n in range(5)
    ]
    codes = [answer.status_code for answer in answers]
    assert codes[:2] == [200, 200]
    assert 429 in codes
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert int(limited.headers["Retry-After"]) >= 1
    assert len(collector.kept("slow")) == 4 * codes.count(200)
    assert collector.post("/v1/t", track("unhindered")).ok


def test_browsers_of_other_origins_may_send(collector: Collecting) -> None:
    origin = {"Origin": "https://www.example.com"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-write-key,content-type"}
    for path in ("/v1/t", "/v1/batch", "/v1/m", "/com.snowplowanalytics.snowplow/tp2", "/api/s/track", "/i"):
        answer = requests.options(collector.url + path, headers={**origin, **asked}, timeout=10)
        assert answer.status_code == 204, path
        assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Access-Control-Allow-Headers"] == "x-write-key,content-type"
    answer = collector.post("/v1/t", track("cors"), headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert collector.post("/v1/t", {}, key="wrong", headers=origin).headers["Access-Control-Allow-Origin"]
    assert collector.post("/v1/m", {"series": []}, key=None).json() == {"success": True}


def test_a_key_may_be_bound_to_web_pages(collector: Collecting) -> None:
    with Inbox(collector.inbox_url) as inbox:
        KeyStore(inbox).add("bound", key="wk_bound", origins=["https://www.example.com"])
    collector.until_known("wk_bound")
    for origin, status in (("https://www.example.com", 200), ("https://evil.example", 403), (None, 200)):
        headers = {"Origin": origin} if origin else {}
        assert collector.post("/v1/t", track(f"{origin}"), key="wk_bound", headers=headers).status_code == status


def test_snowplows_pixel_answers_with_an_image(collector: Collecting) -> None:
    query = "?e=pv&url=https%3A%2F%2Facme.example%2Fpricing&uid=u1&eid=pixel1&aid=wk_web&dtm=1795316855652"
    answer = requests.get(f"{collector.url}/i{query}", timeout=10)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert "pixel1" in ids(collector)
    assert requests.get(f"{collector.url}/i?aid=wk_web", timeout=10).status_code == 400
    assert requests.get(f"{collector.url}/i?e=pv&aid=nobody", timeout=10).status_code == 401


def test_it_says_how_it_stands(collector: Collecting) -> None:
    collector.post("/v1/t", track("counted"))
    assert requests.get(f"{collector.url}/healthz", timeout=10).text == "ok\n"
    ready = requests.get(f"{collector.url}/readyz", timeout=10)
    assert ready.status_code == 200
    assert ready.json()["inbox"] == "ok"
    metrics = requests.get(f"{collector.url}/metrics", timeout=10)
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    values = {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in metrics.text.splitlines() if line[0] != "#"
    }
    counted = values['leadhouse_collect_events_total{outcome="accepted",source="web"}']
    assert counted == len(collector.kept("web"))
    seconds = 'leadhouse_collect_seconds_{}{{endpoint="segment"{}}}'
    assert values[seconds.format("bucket", ',le="+Inf"')] == values[seconds.format("count", "")]


# -- HubSpot -----------------------------------------------------------------------------------------------------------

NOTICES = [
    {"eventId": 1, "subscriptionId": 7, "portalId": 42, "occurredAt": 1_795_316_961_000, "attemptNumber": 0,
     "subscriptionType": "contact.propertyChange", "objectId": 1246965, "propertyName": "lifecyclestage",
     "propertyValue": "lead"},
    {"eventId": 1, "subscriptionId": 7, "portalId": 42, "occurredAt": 1_795_316_961_000, "attemptNumber": 0,
     "subscriptionType": "contact.creation", "objectId": 1246978},
]  # fmt: skip


def call(
    collector: Collecting,
    body: bytes,
    *,
    age: float = 0,
    secret: str = HUBSPOT_SECRET,
    path: str = "/hubspot/webhooks",
    signed_body: bytes | None = None,
) -> requests.Response:
    stamp = str(int((time.time() - age) * 1000))
    signed = signature(secret, "POST", collector.url + path, body if signed_body is None else signed_body, stamp)
    headers = {"X-HubSpot-Signature-v3": signed, "X-HubSpot-Request-Timestamp": stamp}
    return requests.post(collector.url + path, data=body, headers=headers, timeout=10)


def test_hubspots_notices_are_kept_once_however_often_they_come(collector: Collecting) -> None:
    assert call(collector, json.dumps(NOTICES).encode()).status_code == 200
    later = [{**one, "attemptNumber": 3} for one in NOTICES]
    assert call(collector, json.dumps(later).encode(), path="/hubspot/webhooks?portal=a%3Ab").status_code == 200
    kept = collector.kept("hubspot")
    assert [event.event["objectId"] for event in kept] == [1246965, 1246978]
    assert all(event.is_notice for event in kept)


def test_what_hubspot_did_not_sign_is_refused(collector: Collecting) -> None:
    before = len(collector.kept("hubspot"))
    body = json.dumps([{**NOTICES[0], "objectId": 99}]).encode()
    assert call(collector, body, secret="another").status_code == 401
    assert call(collector, body, signed_body=b"[]").status_code == 401
    assert call(collector, body, age=301).status_code == 401
    assert call(collector, body, age=-301).status_code == 401
    assert requests.post(f"{collector.url}/hubspot/webhooks", data=body, timeout=10).status_code == 401
    assert len(collector.kept("hubspot")) == before
    assert call(collector, body, age=290).status_code == 200
    assert len(collector.kept("hubspot")) == before + 1
    assert call(collector, b"{not json").status_code == 400
