"""Tokens: client credentials, and assertions signed by a registered certificate (JWT bearer).

A client gets a token for the org's one API user. Tokens expire; the next request with one is answered 401
INVALID_SESSION_ID, and the client asks for another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from sandbox.salesforce.errors import OAuthError

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: What an assertion may be addressed to, besides the org itself.
_LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")


@dataclass(frozen=True)
class Client:
    """The app that clients log in as, and the API's user."""

    client_id: str
    client_secret: str
    username: str

    def __repr__(self) -> str:
        return f"Client({self.client_id!r}, username={self.username!r})"


class Sessions:
    """Tokens given out and the certificates that may sign assertions."""

    def __init__(
        self,
        client: Client,
        org_id: str,
        user_id: str,
        *,
        seconds: float = 7200,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self.org_id = org_id
        self.user_id = user_id
        self.seconds = seconds
        self._clock = clock
        self._ends: dict[str, float] = {}
        self._keys: list[str] = []

    def register(self, pem: bytes) -> None:
        """Accept assertions signed with this certificate's, or public key's, private half.

        Raises:
            ValueError: the text is neither a certificate nor a public key.
        """
        if b"BEGIN CERTIFICATE" in pem:
            key = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = load_pem_public_key(pem)  # type: ignore[assignment]
        self._keys.append(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())

    def valid(self, token: str) -> bool:
        """Whether a token is one of ours and has not expired."""
        return self._ends.get(token, 0.0) > self._clock()

    def revoke(self, token: str | None = None) -> None:
        """End one session, or all."""
        if token is None:
            self._ends.clear()
        else:
            self._ends.pop(token, None)

    def token(self, form: dict[str, str], authorization: str | None, instance_url: str) -> dict[str, Any]:
        """Answer a token request.

        Raises:
            OAuthError: what is wrong, in the vendor's words.
        """
        grant = form.get("grant_type")
        if grant == "client_credentials":
            self._check_client(form, authorization)
        elif grant == JWT_BEARER:
            self._check_assertion(form.get("assertion", ""), instance_url)
        else:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        return self._issue(instance_url)

    def _check_client(self, form: dict[str, str], authorization: str | None) -> None:
        client_id, client_secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization is not None and authorization.lower().startswith("basic "):
            try:
                client_id, _, client_secret = base64.b64decode(authorization[6:]).decode().partition(":")
            except ValueError:
                raise OAuthError("invalid_client", "invalid client credentials") from None
        if client_id != self.client.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(client_secret.encode(), self.client.client_secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")

    def _check_assertion(self, assertion: str, instance_url: str) -> None:
        claims: dict[str, Any] | None = None
        for key in self._keys:
            try:
                claims = jwt.decode(
                    assertion, key, algorithms=["RS256"], audience=[*_LOGIN_HOSTS, instance_url],
                    options={"require": ["iss", "sub", "aud", "exp"]},
                )  # fmt: skip
                break
            except jwt.ExpiredSignatureError:
                raise OAuthError("invalid_grant", "expired authorization code") from None
            except jwt.InvalidAudienceError:
                raise OAuthError("invalid_grant", "audience is invalid") from None
            except jwt.InvalidTokenError:
                continue
        if claims is None:
            raise OAuthError("invalid_grant", "invalid assertion")
        if claims["iss"] != self.client.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if claims["sub"] != self.client.username:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")

    def _issue(self, instance_url: str) -> dict[str, Any]:
        now = self._clock()
        self._ends = {token: end for token, end in self._ends.items() if end > now}
        token = f"{self.org_id[:15]}!{secrets.token_urlsafe(48)}"
        self._ends[token] = now + self.seconds
        issued_at = str(time.time_ns() // 1_000_000)
        identity = f"{instance_url}/id/{self.org_id}/{self.user_id}"
        digest = hmac.new(self.client.client_secret.encode(), (identity + issued_at).encode(), hashlib.sha256).digest()
        return {
            "access_token": token,
            "signature": base64.b64encode(digest).decode(),
            "scope": "api",
            "instance_url": instance_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
            "api_instance_url": instance_url,
        }
