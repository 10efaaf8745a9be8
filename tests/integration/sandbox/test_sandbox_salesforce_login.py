"""Logging in to the Salesforce sandbox, by hand and with the community's client; limits, versions, faults."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from salesforce_harness import BASE, Org, plain_session, running_org
from simple_salesforce import Salesforce, SalesforceLogin
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceRefusedRequest,
)


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leadhouse.test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return _key()


@pytest.fixture(scope="module")
def org(key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    certificate = tmp_path_factory.mktemp("certificate") / "app.crt"
    certificate.write_bytes(_certificate(key))
    with running_org("--certificate", str(certificate), "--daily", "0") as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults(org: Org) -> Iterator[None]:
    yield
    org.sandbox("/faults", [])


def token(org: Org, **form: Any) -> httpx.Response:
    return httpx.post(f"{org.url}/services/oauth2/token", data=form)


def assertion(org: Org, key: rsa.RSAPrivateKey, **claims: Any) -> str:
    body = {"iss": org.client_id, "sub": org.username, "aud": "https://login.salesforce.com", "exp": time.time() + 180}
    return jwt.encode(body | claims, _private_pem(key), algorithm="RS256")


def test_client_credentials_in_the_form_or_in_the_header(org: Org) -> None:
    answer = token(org, grant_type="client_credentials", client_id=org.client_id, client_secret=org.client_secret)
    body = answer.json()
    assert (answer.status_code, body["token_type"], body["instance_url"]) == (200, "Bearer", org.url)
    basic = httpx.post(
        f"{org.url}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(org.client_id, org.client_secret),
    )
    assert basic.status_code == 200
    headers = {"Authorization": f"Bearer {basic.json()['access_token']}"}
    who = httpx.get(body["id"], headers=headers).json()
    assert (who["username"], who["user_id"]) == (org.username, body["id"].rsplit("/", 1)[1])
    assert httpx.get(f"{org.url}/services/oauth2/userinfo", headers=headers).json()["user_id"] == who["user_id"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client_id"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
    ],
)
def test_wrong_credentials(org: Org, change: dict[str, str], error: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    answer = token(org, **(form | change))
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert org.client_secret not in answer.text


def test_a_signed_assertion(org: Org, key: rsa.RSAPrivateKey) -> None:
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    for audience in ("https://login.salesforce.com", "https://test.salesforce.com", org.url):
        answer = token(org, grant_type=grant, assertion=assertion(org, key, aud=audience))
        assert answer.status_code == 200, answer.text
    refused = {
        "expired authorization code": assertion(org, key, exp=time.time() - 60),
        "audience is invalid": assertion(org, key, aud="https://elsewhere.example"),
        "user hasn't approved this consumer": assertion(org, key, sub="nobody@nowhere.example"),
        "client identifier invalid": assertion(org, key, iss="another app"),
        "invalid assertion": assertion(org, _key()),
    }
    for description, text in refused.items():
        answer = token(org, grant_type=grant, assertion=text)
        assert (answer.status_code, answer.json()["error_description"]) == (400, description)
    unsigned = jwt.encode(
        {"iss": org.client_id, "sub": org.username, "aud": org.url, "exp": 9e9}, None, algorithm="none"
    )
    assert token(org, grant_type=grant, assertion=unsigned).json()["error"] == "invalid_grant"


def test_a_certificate_can_be_registered_later(org: Org) -> None:
    later = _key()
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert token(org, grant_type=grant, assertion=assertion(org, later)).status_code == 400
    public = later.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert httpx.post(f"{org.url}/sandbox/certificate", content=public).status_code == 200
    assert token(org, grant_type=grant, assertion=assertion(org, later)).status_code == 200
    assert httpx.post(f"{org.url}/sandbox/certificate", content=b"nonsense").status_code == 400


def test_the_communitys_client_logs_in_by_assertion_and_by_client_credentials(org: Org, key: rsa.RSAPrivateKey) -> None:
    by_key = org.simple(username=org.username, consumer_key=org.client_id, privatekey=_private_pem(key))
    assert by_key.auth_type == "jwt-bearer"
    assert by_key.query("SELECT Id FROM Lead")["done"] is True
    by_secret = org.simple(consumer_key=org.client_id, consumer_secret=org.client_secret, domain="leadhouse.my")
    assert by_secret.auth_type == "client-credentials"
    assert by_secret.limits()["DailyApiRequests"]["Max"] == 100_000
    assert by_secret.api_usage["api-usage"].total == 100_000
    with pytest.raises(SalesforceAuthenticationFailed):
        SalesforceLogin(
            consumer_key=org.client_id, consumer_secret="wrong", domain="leadhouse.my", session=plain_session(org.url)
        )


def test_an_expired_token_is_told_and_the_communitys_client_gets_another(org: Org) -> None:
    client = org.simple(consumer_key=org.client_id, consumer_secret=org.client_secret, domain="leadhouse.my")
    direct = Salesforce(session_id=org.login(), instance_url=org.url, session=plain_session(org.url))
    org.sandbox("/end-sessions")
    answer = org.get("/limits")
    assert (answer.status_code, answer.json()) == (
        401,
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
    )
    with pytest.raises(SalesforceExpiredSession):
        direct.query("SELECT Id FROM Lead")
    assert client.query("SELECT Id FROM Lead")["done"] is True
    org.login()


def test_tokens_last_as_long_as_told() -> None:
    with running_org("--token-seconds", "0.4") as short:
        assert short.get("/limits").status_code == 200
        time.sleep(0.5)
        assert short.get("/limits").status_code == 401
        short.login()
        assert short.get("/limits").status_code == 200


def test_the_day_has_so_many_requests(tmp_path: Path) -> None:
    with running_org("--daily", "3", "--db", str(tmp_path / "org.sqlite")) as small:
        for used in (1, 2, 3):
            answer = small.get("/query", params={"q": "SELECT Id FROM Lead"})
            assert answer.headers["Sforce-Limit-Info"] == f"api-usage={used}/3"
        answer = small.get("/limits")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert answer.headers["Sforce-Limit-Info"] == "api-usage=3/3"
        with pytest.raises(SalesforceRefusedRequest):
            small.simple().query("SELECT Id FROM Lead")


def test_versions_resources_and_paths_that_lead_nowhere(org: Org) -> None:
    versions = httpx.get(f"{org.url}/services/data").json()
    assert {"label", "url", "version"} == set(versions[0])
    assert "62.0" in {one["version"] for one in versions}
    assert org.get("/").json()["sobjects"] == f"{BASE}/sobjects"
    for path in ("/services/data/v99.0/limits", f"{BASE}/nowhere", f"{BASE}/sobjects/Nope/describe"):
        answer = org.http.get(path)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert org.http.put(f"{BASE}/limits").status_code == 405


def test_faults_of_requests(org: Org) -> None:
    org.sandbox("/faults", [{"path": "^/query$", "status": 503, "times": 2, "retry_after": 7}])
    for _ in range(2):
        answer = org.get("/query", params={"q": "SELECT Id FROM Lead"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
        assert answer.json()[0]["errorCode"] == "SERVER_UNAVAILABLE"
    assert org.get("/query", params={"q": "SELECT Id FROM Lead"}).status_code == 200
    org.sandbox("/faults", [{"path": "^/limits", "status": 400, "code": "QUERY_TIMEOUT", "message": "Too long"}])
    assert org.get("/limits").json() == [{"message": "Too long", "errorCode": "QUERY_TIMEOUT"}]


def test_an_answer_lost_on_the_way_back(org: Org) -> None:
    org.sandbox("/faults", [{"method": "POST", "path": "^/sobjects/Lead", "effect": "reset", "after": True}])
    with pytest.raises(httpx.RemoteProtocolError):
        org.post("/sobjects/Lead", {"LastName": "Lost answer", "Company": "Acme"})
    assert len(org.query("SELECT Id FROM Lead WHERE LastName = 'Lost answer'")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"path": "("},
        {"kind": "record", "share": "all"},
        {"kind": "record", "colour": "red"},
        {"kind": "job", "times": "often"},
    ],
)
def test_faults_that_make_no_sense(org: Org, fault: dict[str, Any]) -> None:
    assert org.http.post("/sandbox/faults", json=[fault]).status_code == 400


def test_what_was_asked_is_counted_by_path(org: Org) -> None:
    org.sandbox("/reset-stats")
    lead = org.create("Lead", LastName="Counted", Company="Acme")
    org.patch(f"/sobjects/Lead/{lead}", {"Title": "x"})
    org.get("/query", params={"q": "SELECT Id FROM Lead"})
    stats = org.sandbox("/stats", method="GET")
    assert (stats["total"], stats["writes"]) == (3, 2)
    assert stats["by_path"] == {"GET /query": 1, "PATCH /sobjects/Lead/{id}": 1, "POST /sobjects/Lead": 1}
