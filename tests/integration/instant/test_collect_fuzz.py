"""Whatever bytes come, the collector answers without an error of its own, and keeps what it says it kept."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from collector_process import Collecting, add_keys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instant.routes import HUBSPOT_PATH, POSTHOG_PATHS, SEGMENT_NAMES, SNOWPLOW_GET, SNOWPLOW_POST

PATHS = [
    *(f"/v1/{name}" for name in SEGMENT_NAMES),
    SNOWPLOW_POST,
    *POSTHOG_PATHS,
    "/api/s/track",
    "/v1/m",
    HUBSPOT_PATH,
]
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30),
    st.sampled_from(["2026-11-01T08:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "NaN", "1e400",
                     "\x00", "\ud800", "http://[", "iglu:", "a@b", "", "track", "page", "9" * 25, "=&=?e="]),
)  # fmt: skip
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
#: Fields that the conversions look at, each with anything in it.
_fields = st.sampled_from(
    ["type", "event", "userId", "anonymousId", "messageId", "timestamp", "originalTimestamp", "sentAt", "receivedAt",
     "context", "properties", "traits", "previousId", "groupId", "channel", "e", "eid", "dtm", "ttm", "stm", "uid",
     "duid", "ue_px", "ue_pr", "co", "cx", "url", "se_ca", "distinct_id", "uuid", "$set", "name", "batch", "data",
     "schema", "writeKey", "aid", "api_key"]
)  # fmt: skip
_messages = st.dictionaries(_fields, _values, max_size=10)
_envelopes = st.one_of(
    _messages,
    st.lists(_messages, max_size=4),
    st.fixed_dictionaries({"batch": st.lists(_messages | _values, max_size=4)}, optional={"sentAt": _values}),
    st.fixed_dictionaries(
        {"schema": st.just("iglu:com.snowplowanalytics.snowplow/x"), "data": _values | st.lists(_messages)}
    ),
)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def nested(depth: int, inner: str = "1") -> str:
    return '{"a":' * depth + inner + "}" * depth


_bodies = st.one_of(
    st.binary(max_size=200),
    _envelopes.map(as_json),
    _envelopes.map(lambda value: gzip.compress(as_json(value))),
    _envelopes.map(lambda value: gzip.compress(as_json(value))[:-5]),
    _envelopes.map(lambda value: as_json(value).decode().encode("utf-16")),
    _envelopes.map(lambda value: b"data=" + as_json(value)),
    st.integers(1, 3_000).map(lambda depth: f'{{"type":"page","userId":"u","properties":{nested(depth)}}}'.encode()),
    st.integers(1, 3_000).map(lambda depth: ("[" * depth + "]" * depth).encode()),
)


@pytest.fixture(scope="module")
def session(collector: Collecting) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.auth = ("wk_fuzz", "")
        add_keys(collector.inbox_url, fuzz="wk_fuzz")
        collector.until_known("wk_fuzz")
        yield made


quiet = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@quiet
@given(path=st.sampled_from(PATHS), body=_bodies, kind=st.sampled_from(["text/plain", "application/json", "\u00e9"]))
def test_no_bytes_are_an_error_of_ours(
    collector: Collecting, session: requests.Session, path: str, body: bytes, kind: str
) -> None:
    headers = {"Content-Type": kind.encode("latin-1")}
    answer = session.post(collector.url + path, data=body, headers=headers, timeout=30)
    assert answer.status_code in (200, 400, 401, 413, 422), (answer.status_code, answer.text)


@settings(parent=quiet, max_examples=80)
@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=80))
def test_no_address_is_an_error_of_ours(collector: Collecting, session: requests.Session, query: str) -> None:
    answer = session.get(f"{collector.url}{SNOWPLOW_GET}?e=pv&{query}", timeout=30)
    assert answer.status_code in (200, 400, 401), (answer.status_code, answer.text)


@settings(parent=quiet, max_examples=40)
@given(messages=st.lists(_messages, min_size=1, max_size=6))
def test_every_event_is_kept_told_or_there_before(
    collector: Collecting, session: requests.Session, messages: list[dict[str, Any]]
) -> None:
    body = json.dumps({"batch": messages}).encode()
    before = len(collector.kept("fuzz"))
    answer = session.post(f"{collector.url}/v1/batch", data=body, timeout=30)
    if answer.status_code == 401 or (answer.status_code == 400 and "index" not in answer.json()["refused"][0]):
        return  # a body that is no JSON for us (a lone surrogate) is refused as a whole
    told = answer.json()
    accepted = told.get("accepted", len(messages))
    assert accepted + told.get("duplicates", 0) + len(told.get("refused", [])) == len(messages)
    assert len(collector.kept("fuzz")) == before + accepted
    for event in collector.kept("fuzz")[before:]:
        assert event.row()["message_id"] == event.message_id
