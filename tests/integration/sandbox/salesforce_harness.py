"""Salesforce sandboxes started as users start them, and the vendor-neutral client that drives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce

ROOT = Path(__file__).parents[3]
VERSION = "62.0"
BASE = f"/services/data/v{VERSION}"


@dataclass
class Org:
    """A running sandbox and a client that is logged in."""

    url: str
    client_id: str
    client_secret: str
    username: str
    pid: int
    process: subprocess.Popen[str] = field(repr=False)
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.url, timeout=60)
        self.login()

    def login(self) -> str:
        """Log in by client credentials; the token."""
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}
        answer = self.http.post("/services/oauth2/token", data=form)
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"
        return token

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.http.get(BASE + path, **kwargs)

    def post(self, path: str, body: Any, **kwargs: Any) -> httpx.Response:
        return self.http.post(BASE + path, json=body, **kwargs)

    def patch(self, path: str, body: Any, **kwargs: Any) -> httpx.Response:
        return self.http.patch(BASE + path, json=body, **kwargs)

    def query(self, soql: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        """Every record of a query, without attributes."""
        answer = self.get("/queryAll" if deleted else "/query", params={"q": soql})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        records = body["records"]
        while not body["done"]:
            body = self.http.get(body["nextRecordsUrl"]).json()
            records += body["records"]
        return [_bare(record) for record in records]

    def refused(self, soql: str) -> dict[str, Any]:
        """The error of a query that cannot be answered."""
        answer = self.get("/query", params={"q": soql})
        assert answer.status_code == 400, answer.text
        (error,) = answer.json()
        assert isinstance(error, dict)
        return error

    def create(self, name: str, **values: Any) -> str:
        answer = self.post(f"/sobjects/{name}", values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def sandbox(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """One of the sandbox's own endpoints."""
        answer = self.http.request(method, f"/sandbox{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def simple(self, **kwargs: Any) -> Salesforce:
        """The community's client, logged in with our token unless told otherwise."""
        login = kwargs or {"session_id": self.login(), "instance_url": self.url}
        return Salesforce(session=plain_session(self.url), version=VERSION, **login)


def _bare(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _bare(value) if isinstance(value, dict) and "attributes" in value else value
        for name, value in record.items()
        if name != "attributes"
    }


class _ToSandbox(HTTPAdapter):
    """Sends https requests, whichever Salesforce host they name, to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        path = str(request.url).split("/", 3)[3]
        request.url = f"{self._url}/{path}"
        return super().send(request, *args, **kwargs)


def plain_session(url: str) -> requests.Session:
    """``simple-salesforce`` knows https only."""
    session = requests.Session()
    session.mount("https://", _ToSandbox(url))
    return session


@contextmanager
def running_org(*arguments: str) -> Iterator[Org]:
    """Start an org on a free port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.salesforce", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError(f"the sandbox did not start: {process.stderr.read()}")
    with process:
        org = None
        try:
            org = Org(**json.loads(line), process=process)
            yield org
        finally:
            if org is not None:
                org.http.close()
            if process.poll() is None:
                process.terminate()
