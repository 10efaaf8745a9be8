"""Who may look: every way in, every way that is shut, and what leaves the server with each answer."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from served_world import JOAO, TEXTILE, TOKEN, Served, made_world, publish, serving

from serve.gate import SESSION_COOKIE, Door, own_path
from serve.sessions import SESSION_SECONDS, Attempts, Sessions, Token


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


PAGES = (
    "/",
    "/en/accounts",
    "/pt/people",
    "/en/search?q=a",
    f"/en/accounts/{TEXTILE}",
    f"/pt/people/{JOAO}",
    "/en/nothing/here",
)


def form_key(page: httpx.Response) -> str:
    found = re.search(r'name="form_key" value="([^"]+)"', page.text)
    assert found, page.text
    return found.group(1)


@contextmanager
def signed_in(served: Served) -> Iterator[httpx.Client]:
    with served.client(token=None) as client:
        key = form_key(client.get("/login"))
        done = client.post("/login", data={"form_key": key, "next": "/en/people", "token": TOKEN})
        assert (done.status_code, done.headers["location"]) == (303, "/en/people")
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_shown_without_a_token(served: Served, path: str) -> None:
    with served.client(token=None) as client:
        answer = client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=")
    assert not answer.text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("offered", ["wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper()])
def test_a_wrong_bearer_is_refused(served: Served, path: str, offered: str) -> None:
    served.door.attempts = Attempts()
    with served.client(token=None, headers={"Authorization": f"Bearer {offered}"}) as client:
        answer = client.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Têxtil" not in answer.text
    served.door.attempts = Attempts()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_right_bearer_opens(served: Served, scheme: str) -> None:
    with served.client(token=None, headers={"Authorization": f"{scheme} {TOKEN}"}) as client:
        assert client.get("/en/accounts").status_code == 200
        assert SESSION_COOKIE not in client.cookies


def test_other_schemes_are_no_token(served: Served) -> None:
    with served.client(token=None, headers={"Authorization": f"Basic {TOKEN}"}) as client:
        assert client.get("/en/accounts").status_code == 303


def test_the_form_opens_a_session_that_bears_no_token(served: Served) -> None:
    with signed_in(served) as client:
        assert client.get("/en/accounts").status_code == 200
        assert TOKEN not in str(client.cookies.jar)
        assert TOKEN not in client.get("/en/accounts").text


def test_the_session_s_cookie_is_out_of_reach(served: Served) -> None:
    with served.client(token=None) as client:
        key = form_key(client.get("/login"))
        done = client.post("/login", data={"form_key": key, "token": TOKEN})
    told = next(value for value in done.headers.get_list("set-cookie") if value.startswith(SESSION_COOKIE)).lower()
    assert {"httponly", "samesite=strict", "path=/", f"max-age={int(SESSION_SECONDS)}"} <= set(told.split("; "))
    assert TOKEN not in told


def test_a_wrong_token_in_the_form_opens_nothing(served: Served) -> None:
    served.door.attempts = Attempts()
    with served.client(token=None) as client:
        key = form_key(client.get("/login"))
        done = client.post("/login", data={"form_key": key, "token": "no"})
        assert done.status_code == 401
        assert "That is not the token." in done.text
        assert SESSION_COOKIE not in client.cookies
        assert client.get("/en/accounts").status_code == 303


@pytest.mark.parametrize("forged", ["", "0" * 64])
def test_a_form_of_another_site_is_refused(served: Served, forged: str) -> None:
    with served.client(token=None) as client:
        client.get("/login")
        assert client.post("/login", data={"form_key": forged, "token": TOKEN}).status_code == 403
    with served.client(token=None) as client:
        key = form_key(client.get("/login"))
        cross = {"Sec-Fetch-Site": "cross-site"}
        assert client.post("/login", data={"form_key": key, "token": TOKEN}, headers=cross).status_code == 403
        client.cookies.clear()
        # Somebody else's form, without the cookie of this browser.
        assert client.post("/login", data={"form_key": key, "token": TOKEN}).status_code == 403


def test_signing_out_needs_the_session_s_own_button(served: Served) -> None:
    with signed_in(served) as client:
        key = form_key(client.get("/en/accounts"))
        client.post("/logout", data={"form_key": "x" * 32})
        client.post("/logout", data={"form_key": key}, headers={"Sec-Fetch-Site": "cross-site"})
        assert client.get("/en/accounts").status_code == 200
        session = client.cookies[SESSION_COOKIE]
        client.post("/logout", data={"form_key": key})
        client.cookies.set(SESSION_COOKIE, session)
        assert client.get("/en/accounts").status_code == 303


def test_a_link_with_the_token_leads_to_an_address_without_it(served: Served) -> None:
    with served.client(token=None) as client:
        answer = client.get(f"/en/people?q=jo%C3%A3o&token={TOKEN}&page=1")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/en/people?q=jo%C3%A3o&page=1"
        assert client.get("/en/people").status_code == 200
        again = client.get(f"/en/people?token={TOKEN}")
        assert (again.status_code, again.headers["location"]) == (303, "/en/people")


def test_a_link_with_a_wrong_token_opens_nothing(served: Served) -> None:
    served.door.attempts = Attempts()
    with served.client(token=None) as client:
        assert client.get("/en/people?token=guess").status_code == 401
        assert client.get("/en/people").status_code == 303
    served.door.attempts = Attempts()


def test_cookies_of_other_programs_are_no_hindrance(served: Served) -> None:
    ours = f"{SESSION_COOKIE}={served.door.sessions.start()}"
    odd = '{"a": [1, 2]}="x; y"; _xsrf=2|3d; =; b@d=é'
    for header in (f"{odd}; {ours}", f"{ours}; {odd}"):
        with served.client(token=None, headers={"Cookie": header.encode()}) as client:
            assert client.get("/en/accounts").status_code == 200, header


def test_a_made_up_session_is_none(served: Served) -> None:
    with served.client(token=None, cookies={SESSION_COOKIE: "x" * 43}) as client:
        assert client.get("/en/accounts").status_code == 303


def test_who_guesses_has_to_wait_and_is_not_looked_at_meanwhile(tmp_path: Path) -> None:
    publish(made_world(), tmp_path)
    door = Door(Token(TOKEN), hosts=frozenset({"127.0.0.1"}), failure_seconds=0.0)
    with serving(tmp_path, door=door) as served:
        with served.client(token="guess") as client:
            statuses = [client.get("/en/accounts").status_code for _ in range(7)]
        assert statuses[:4] == [401] * 4
        assert statuses[5:] == [429, 429]
        # The right one too, else guessing would go on.
        answer = served.get("/en/accounts")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        # Sessions that are open stay so.
        client = served.client(token=None, cookies={SESSION_COOKIE: door.sessions.start()})
        with client:
            assert client.get("/en/accounts").status_code == 200


def test_waiting_grows_and_ends() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(4):
        attempts.failed("one")
    assert attempts.wait_seconds("one") == 0
    attempts.failed("one")
    assert attempts.wait_seconds("one") == 10
    assert attempts.wait_seconds("other") == 0
    now[0] = 10
    assert attempts.wait_seconds("one") == 0
    attempts.failed("one")
    assert attempts.wait_seconds("one") == 20
    now[0] = 200
    attempts.failed("one")
    assert attempts.wait_seconds("one") == 0


def test_many_addresses_that_guess_wait_together() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for number in range(60):
        attempts.failed(f"address {number}")
    assert attempts.wait_seconds("a new one") == 60
    now[0] = 61
    assert attempts.wait_seconds("a new one") == 0


def test_a_session_ends_by_itself() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0], seconds=100)
    session = sessions.start()
    now[0] = 99
    assert sessions.find(session) is not None
    now[0] = 100
    assert sessions.find(session) is None
    assert sessions.find(None) is None


@pytest.mark.parametrize("path", ["/en/accounts", "/login", "/healthz", "/en/none", "/static/serve.css", "/"])
def test_every_answer_bears_the_headers(served: Served, path: str) -> None:
    headers = served.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    if not path.startswith("/static/"):
        assert headers["cache-control"] == "no-store"


def test_no_page_needs_what_the_policy_forbids(served: Served) -> None:
    for path in (*PAGES, "/login"):
        tags = Tags(served.get(path, follow_redirects=True).text).found
        assert "script" not in dict(tags)
        assert "style" not in dict(tags)
        for tag, attributes in tags:
            for name, value in attributes.items():
                assert name != "style", (path, tag)
                assert not name.startswith("on"), (path, tag)
                assert not re.match(r"(?i)https?:|//|javascript:", value or ""), (path, tag, value)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_pages_are_only_read(served: Served, method: str) -> None:
    with served.client() as client:
        answer = client.request(method, "/en/accounts")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_a_head_is_answered_without_a_body(served: Served) -> None:
    with served.client() as client:
        answer = client.head(f"/en/people/{JOAO}")
        assert (answer.status_code, answer.text) == (200, "")
        assert client.head("/en/people/none").status_code == 404
    with served.client(token=None) as client:
        assert client.head("/en/accounts").status_code == 303
        assert client.head("/healthz").status_code == 200


def test_another_host_name_is_refused(served: Served) -> None:
    with served.client(headers={"Host": "evil.example"}) as client:
        assert client.get("/en/accounts").status_code == 421


def test_health_says_nothing_and_needs_no_token(served: Served) -> None:
    with served.client(token=None) as client:
        assert (client.get("/healthz").status_code, client.get("/healthz").text) == (200, "ok")


def test_a_link_from_another_site_is_led_on(served: Served) -> None:
    with served.client(token=None, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}) as client:
        answer = client.get(f"/en/people/{JOAO}")
    assert answer.status_code == 200
    assert 'http-equiv="refresh"' in answer.text
    assert "Ávila" not in answer.text


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/login", "/a\r\nX: y"],
)
def test_signing_in_leads_nowhere_else(address: str) -> None:
    assert own_path(address) == "/"


def test_addresses_of_ours_stay_as_they_are() -> None:
    assert own_path("/en/people?q=jo%C3%A3o+silva&page=2") == "/en/people?q=jo%C3%A3o+silva&page=2"


def test_the_log_names_nobody(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="leadhouse.serve"):
        served.get(f"/en/people/{JOAO}")
        served.get("/pt/search", params={"q": "João"})
        served.get(f"/en/people?token={TOKEN}")
        served.get("/en/secret-path")
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "GET /{language}/people/{contact_id} 200" in said
    assert "GET /{language}/search 200" in said
    for kept in (JOAO, "João", "Jo%C3%A3o", TOKEN, "secret-path"):
        assert kept not in said


def test_a_bug_is_told_without_values(
    served: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("João d'Ávila")

    monkeypatch.setattr("serve.pages.contact_page", broken)
    with caplog.at_level(logging.INFO, logger="leadhouse.serve"):
        answer = served.get(f"/en/people/{JOAO}")
    assert answer.status_code == 500
    said = "\n".join(record.getMessage() for record in caplog.records)
    reference = re.search(r"under ([0-9a-f]{8})", answer.text)
    assert reference
    assert f"{reference.group(1)}: ValueError" in said
    assert "Ávila" not in said + answer.text
