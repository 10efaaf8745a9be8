"""Who may ask and how often: tokens, rate limits, faults on demand, counting."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from sandbox_harness import Sandbox, running

CONTACTS = "/crm/objects/2026-09/contacts"


@pytest.fixture(scope="module")
def limited() -> Iterator[Sandbox]:
    """An empty portal with small limits."""
    with running("--burst", "6", "--daily", "1000", "--token", "secret", "--latency-ms", "20") as sandbox:
        yield sandbox


def test_no_token_or_a_wrong_one(limited: Sandbox) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret"}):
        answer = httpx.get(limited.url + CONTACTS, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["category"] == "INVALID_AUTHENTICATION"
        assert answer.json()["status"] == "error"
        assert answer.headers["X-HubSpot-Correlation-Id"] == answer.json()["correlationId"]


def test_burst(limited: Sandbox) -> None:
    with limited.client() as api:
        answers = [api.get(CONTACTS) for _ in range(8)]
        refused = answers[-1]
        assert [answer.status_code for answer in answers[:6]] == [200] * 6
        assert refused.status_code == 429
        assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "6"
        assert answers[0].headers["X-HubSpot-RateLimit-Remaining"] == "5"
        assert answers[0].headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
        assert answers[0].headers["X-HubSpot-RateLimit-Daily"] == "1000"
        assert int(answers[5].headers["X-HubSpot-RateLimit-Daily-Remaining"]) <= 994
        assert refused.json()["policyName"] == "TEN_SECONDLY_ROLLING"
        assert refused.json()["errorType"] == "RATE_LIMIT"
        assert 1 <= int(refused.headers["Retry-After"]) <= 10
        assert answers[0].elapsed.total_seconds() >= 0.02
        stats = httpx.get(f"{limited.url}/sandbox/stats").json()
        assert stats["by_status"]["429"] >= 2


def test_searches_have_a_limit_of_their_own(limited: Sandbox) -> None:
    """Five a second; neither refused by a spent burst nor told by headers."""
    with limited.client() as api:
        answers = [api.post(f"{CONTACTS}/search", json={}) for _ in range(7)]
        assert [answer.status_code for answer in answers[:5]] == [200] * 5
        assert answers[-1].status_code == 429
        assert answers[-1].json()["policyName"] == "SECONDLY"
        assert not [name for name in answers[0].headers if "ratelimit" in name.lower()]


def test_daily_quota() -> None:
    with running("--daily", "2", "--burst", "0") as sandbox, sandbox.client() as api:
        answers = [api.get(CONTACTS) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["policyName"] == "DAILY"
        assert int(answers[2].headers["Retry-After"]) > 0

        # Counting.
        httpx.post(f"{sandbox.url}/sandbox/reset-stats")
        assert httpx.get(f"{sandbox.url}/sandbox/stats").json()["total"] == 0


def test_counts_by_path_and_kind(api: httpx.Client) -> None:
    api.post("/sandbox/reset-stats")
    api.get("/crm/v3/objects/contacts/1001")
    api.get("/crm/objects/2026-09/contacts/1002")
    api.post("/crm/v3/objects/contacts/search", json={})
    api.post("/crm/v3/objects/contacts/batch/read", json={"inputs": [{"id": "1001"}]})
    api.post("/crm/v3/objects/contacts/batch/update", json={"inputs": [{"id": "1001", "properties": {"city": "A"}}]})
    stats = api.get("/sandbox/stats").json()
    assert (stats["total"], stats["writes"]) == (5, 1)
    assert stats["by_path"] == {
        "GET /crm/objects/contacts/{object_id}": 2,
        "POST /crm/objects/contacts/batch/read": 1,
        "POST /crm/objects/contacts/batch/update": 1,
        "POST /crm/objects/contacts/search": 1,
    }
    assert stats["by_version"] == {"2026-09": 1, "v3": 4}


def test_faults_meet_exactly_the_requests_asked_for(api: httpx.Client) -> None:
    rules = [
        {"method": "POST", "path": "batch/update$", "status": 423, "times": 1},
        {"path": "owners", "status": 429, "times": 2, "retry_after": 3},
        {"path": "owners", "status": 503},
        {"path": "owners", "status": 401},
    ]
    api.post("/sandbox/faults", json=rules)
    body = {"inputs": [{"id": "1001", "properties": {"city": "B"}}]}
    updates = [api.post(f"{CONTACTS}/batch/update", json=body).status_code for _ in range(2)]
    assert updates == [423, 200]
    owners = [api.get("/crm/v3/owners") for _ in range(5)]
    assert [answer.status_code for answer in owners] == [429, 429, 503, 401, 200]
    assert owners[0].headers["Retry-After"] == "3"
    assert owners[3].json()["category"] == "EXPIRED_AUTHENTICATION"
    assert all(rule["times"] == 0 for rule in api.get("/sandbox/faults").json())
    assert api.post("/sandbox/faults", json=[{"path": "("}]).status_code == 400
    assert api.post("/sandbox/faults", json=[]).json() == []


def test_faults_that_leave_the_client_in_the_dark(api: httpx.Client) -> None:
    """The connection drops before or after the work is done, the answer ends half-way, says too little, or lies."""

    def create(tag: str, **fault: object) -> httpx.Response | None:
        api.post("/sandbox/faults", json=[{"path": "batch/create$", **fault}])
        inputs = [
            {"properties": {"email": f"{tag}{n}@dark.example"}, "associations": [], "objectWriteTraceId": f"{tag}{n}"}
            for n in range(3)
        ]
        inputs[2]["properties"] = {"email": "no address"}
        try:
            return api.post(f"{CONTACTS}/batch/create", json={"inputs": inputs})
        except httpx.HTTPError:
            return None

    def made(tag: str) -> int:
        body = {"idProperty": "email", "inputs": [{"id": f"{tag}{n}@dark.example"} for n in range(2)]}
        return len(api.post(f"{CONTACTS}/batch/read", json=body).json()["results"])

    assert (create("reset", effect="reset"), made("reset")) == (None, 0)
    assert (create("done", effect="reset", after=True), made("done")) == (None, 2)
    assert (create("half", effect="truncate"), made("half")) == (None, 2)
    failed = create("late", status=502, after=True)
    assert failed is not None
    assert (failed.status_code, made("late")) == (502, 2)
    garbled = create("page", effect="garble")
    assert garbled is not None
    assert (garbled.content[:6], made("page")) == (b"<html>", 2)
    short = create("short", effect="short")
    assert short is not None
    assert ([one["objectWriteTraceId"] for one in short.json()["results"]], made("short")) == (["short1"], 2)
    untraced = create("lost", effect="untraced")
    assert untraced is not None
    assert "objectWriteTraceId" not in untraced.json()["errors"][0]["context"]
    assert untraced.json()["results"][0]["objectWriteTraceId"] == "lost0"
    assert httpx.get(f"{api.base_url}/sandbox/stats").json()["by_status"]["0"] == 2


def test_faults_by_body_and_later(api: httpx.Client) -> None:
    rules = [{"path": "search$", "body": "poison", "status": 409, "times": 9}, {"path": "owners", "status": 429,
             "skip": 2, "policy": "DAILY"}, {"path": "forms", "status": 403}]  # fmt: skip
    api.post("/sandbox/faults", json=rules)
    sent = [api.post(f"{CONTACTS}/search", json={"query": text}).status_code for text in ("a", "poison", "b", "poison")]
    assert sent == [200, 409, 200, 409]
    owners = [api.get("/crm/v3/owners") for _ in range(4)]
    assert [answer.status_code for answer in owners] == [200, 200, 429, 200]
    assert owners[2].json()["policyName"] == "DAILY"
    forms = api.get("/marketing/v3/forms").json()
    assert (forms["category"], list(forms["errors"][0]["context"])) == ("MISSING_SCOPES", ["requiredGranularScopes"])
    assert api.post("/sandbox/faults", json=[{"effect": "flood"}]).status_code == 400
    api.post("/sandbox/faults", json=[])


def test_explicit_nulls() -> None:
    with running("--explicit-nulls", "--burst", "0") as sandbox, sandbox.client() as api:
        made = api.post(CONTACTS, json={"properties": {"email": "n@new.example"}}).json()
        shown = api.get(f"{CONTACTS}/{made['id']}?properties=email,phone,no_such").json()["properties"]
        assert shown["phone"] is None
        assert "no_such" not in shown
