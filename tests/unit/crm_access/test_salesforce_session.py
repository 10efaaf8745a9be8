from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from crm_access import CrmAccess
from crm_access.salesforce import (
    ApiUsage,
    CredentialsRefused,
    LoginUnavailable,
    SalesforceSession,
    api_usage,
    audience,
    session_for,
)

Answer = tuple[int, dict[str, Any]]


class LoginHost:
    """A token endpoint over HTTP; ``answer`` decides what it says."""

    def __init__(self) -> None:
        self.grants: list[dict[str, str]] = []
        self.answer: Callable[[int, dict[str, str]], Answer] = self.gives_token
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                grant = {name: values[0] for name, values in form.items()} | {"path": self.path}
                host.grants.append(grant)
                status, body = host.answer(len(host.grants), grant)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def gives_token(self, number: int, _: dict[str, str]) -> Answer:
        return 200, {"access_token": f"00D!{number}", "instance_url": "http://127.0.0.1:9/", "token_type": "Bearer"}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def login() -> Iterator[LoginHost]:
    host = LoginHost()
    yield host
    host.close()


@pytest.fixture(scope="session")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def pem(private_key: rsa.RSAPrivateKey) -> str:
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def session(url: str, **credentials: str) -> SalesforceSession:
    return SalesforceSession(
        CrmAccess("salesforce", url, credentials or {"client_id": "3MVG9", "client_secret": "s3cret"}),
        sleep=lambda _: None,
    )


def test_client_credentials(login: LoginHost) -> None:
    found = session(login.url)
    assert found.instance_url == "http://127.0.0.1:9"
    assert found.headers() == {"Authorization": "Bearer 00D!1"}
    assert login.grants == [
        {"grant_type": "client_credentials", "client_id": "3MVG9", "client_secret": "s3cret",
         "path": "/services/oauth2/token"}
    ]  # fmt: skip


def test_jwt_bearer_is_signed_by_the_key(login: LoginHost, private_key: rsa.RSAPrivateKey, pem: str) -> None:
    found = session(login.url, client_id="3MVG9", username="me@example.com", private_key=pem)
    assert found.token().value == "00D!1"
    [grant] = login.grants
    assert grant["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(grant["assertion"], private_key.public_key(), algorithms=["RS256"], audience=login.url)
    assert (claims["iss"], claims["sub"]) == ("3MVG9", "me@example.com")
    assert "client_secret" not in grant


def test_threads_share_one_token_and_one_refresh(login: LoginHost) -> None:
    found = session(login.url)
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: found.token(), range(16)))
        assert {token.value for token in tokens} == {"00D!1"}
        renewed = list(pool.map(found.renew, tokens))
    assert {token.value for token in renewed} == {"00D!2"}
    assert len(login.grants) == 2
    assert found.headers() == {"Authorization": "Bearer 00D!2"}


def test_refresh_of_an_older_token_gives_the_newer_one(login: LoginHost) -> None:
    found = session(login.url)
    first = found.token()
    second = found.renew(first)
    assert found.renew(first) == second
    assert len(login.grants) == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "invalid_client", "error_description": "invalid client credentials"}, "CLIENT_SECRET"),
        ({"error": "invalid_client_id", "error_description": "client identifier invalid"}, "consumer key"),
        ({"error": "invalid_grant", "error_description": "no client credentials user enabled"}, "Run As user"),
        ({"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}, "Permit"),
        ({"error": "invalid_grant", "error_description": "audience is invalid"}, "another kind of org"),
        ({}, "status 400"),
    ],
)
def test_refusal_says_what_to_do_and_no_secret(login: LoginHost, body: dict[str, str], said: str) -> None:
    body = {name: f"{text} s3cret" if name == "error_description" else text for name, text in body.items()}
    login.answer = lambda _number, _grant: (400, body)
    with pytest.raises(CredentialsRefused, match=said) as caught:
        session(login.url).token()
    assert login.url in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert len(login.grants) == 1


def test_unwell_login_host_is_asked_again(login: LoginHost) -> None:
    login.answer = lambda number, grant: (503, {}) if number < 3 else login.gives_token(number, grant)
    assert session(login.url).token().value == "00D!3"


def test_login_host_that_stays_unwell_is_told() -> None:
    with pytest.raises(LoginUnavailable, match="no token after 4 attempts"):
        session("http://127.0.0.1:9").token()


def test_token_is_not_sent_where_it_could_be_read(login: LoginHost) -> None:
    login.answer = lambda _number, _grant: (200, {"access_token": "00D!1", "instance_url": 7})
    with pytest.raises(LoginUnavailable, match="is this Salesforce's address"):
        session(login.url).token()


def test_secrets_are_in_no_repr(login: LoginHost, pem: str) -> None:
    found = session(login.url, client_id="3MVG9", username="me@example.com", private_key=pem)
    shown = repr(found) + repr(found.token()) + repr(CrmAccess("salesforce", login.url, {"client_secret": "s3cret"}))
    assert "00D!" not in shown
    assert "PRIVATE KEY" not in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        ({"client_secret": "s3cret"}, "CLIENT_ID"),
        ({"client_id": "3MVG9"}, "no credentials"),
        ({"client_id": "3MVG9", "username": "me@example.com"}, "no credentials"),
    ],
)
def test_incomplete_credentials(credentials: dict[str, str], said: str) -> None:
    with pytest.raises(CredentialsRefused, match=said):
        session("https://login.salesforce.com", **credentials)


def test_key_that_is_none_is_not_quoted(login: LoginHost) -> None:
    with pytest.raises(CredentialsRefused, match="not an RSA private key") as caught:
        session(login.url, client_id="3MVG9", username="me@example.com", private_key="s3cret-key").token()
    assert "s3cret-key" not in str(caught.value)
    assert login.grants == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_audience(url: str, expected: str) -> None:
    assert audience(url) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("api-usage=18/5000", ApiUsage(18, 5000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)", ApiUsage(25, 5000)),
        ("per-app-api-usage=17/250(appName=sample)", None),
        ("nonsense", None),
    ],
)
def test_usage_header(header: str, expected: ApiUsage | None) -> None:
    assert api_usage({"Sforce-Limit-Info": header}) == expected


def test_usage_is_kept(login: LoginHost) -> None:
    found = session(login.url)
    assert found.usage is None
    found.observe({"Sforce-Limit-Info": "api-usage=900/1000"})
    found.observe({})
    assert found.usage == ApiUsage(900, 1000)
    assert found.usage.remaining_share == pytest.approx(0.1)


def test_one_session_for_a_process(login: LoginHost) -> None:
    access = CrmAccess("salesforce", login.url, {"client_id": "3MVG9", "client_secret": "s3cret"})
    assert session_for(access) is session_for(CrmAccess("salesforce", login.url + "/", dict(access.credentials)))
    assert session_for(access) is not session_for(
        CrmAccess("salesforce", login.url, {"client_id": "3MVG9", "client_secret": "other"})
    )
