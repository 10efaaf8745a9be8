"""HubSpot's webhooks: is it HubSpot that calls, and which notices does the call hold?

Signature, version 3 (https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/
request-validation): HMAC-SHA256 with the app's client secret over method, URI, body and timestamp, in base64.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ingestion.errors import RecordRefused
from ingestion.events.rows import derived_id, encoded

#: A call older (or further ahead) than this is refused, whoever signed it.
REPLAY_SECONDS = 300
SIGNATURE_HEADER = "x-hubspot-signature-v3"
TIMESTAMP_HEADER = "x-hubspot-request-timestamp"
#: What HubSpot decodes of the URI before it signs.
_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
#: What tells a second delivery of a notice from another notice: all but the number of the attempt.
_DELIVERY = ("attemptNumber",)


def signature(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """The signature that HubSpot sends for a call."""
    for code, letter in _DECODED.items():
        uri = uri.replace(code, letter).replace(code.lower(), letter)
    message = f"{method}{uri}".encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), message, sha256).digest()).decode()


def verify(secret: str, method: str, uri: str, body: bytes, headers: Mapping[str, str], now: datetime) -> str | None:
    """Why a call is not to be believed; None if it is.

    Args:
        secret: the app's client secret.
        method: of the call.
        uri: the whole address that was called, as HubSpot knows it.
        body: as it came.
        headers: of the call, names in lower case.
        now: UTC, without a zone.
    """
    stamp, given = headers.get(TIMESTAMP_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    if not given or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        return "the signature (version 3) or its timestamp is missing"
    if not hmac.compare_digest(signature(secret, method, uri, body, stamp).encode(), given.encode()):
        return "the signature is not that of this app, address and body"
    if abs(now.replace(tzinfo=UTC).timestamp() - int(stamp) / 1000) > REPLAY_SECONDS:
        return f"the call is more than {REPLAY_SECONDS} seconds old"
    return None


def notice_of(one: object) -> dict[str, Any]:
    """A notice with an id of its own (``noticeId``): HubSpot's ``eventId`` is not promised to be unique.

    Raises:
        RecordRefused: ``malformed_json``, ``missing_object``, ``too_deep``.
    """
    if not isinstance(one, Mapping):
        raise RecordRefused("", "malformed_json", f"a notice is a JSON object, not {type(one).__name__}")
    if not one.get("subscriptionType") or (one.get("objectId") in (None, "") and "fromObjectId" not in one):
        raise RecordRefused("objectId", "missing_object", "the notice does not say what happened to which record")
    told = {name: value for name, value in sorted(one.items()) if name not in _DELIVERY}
    return {**one, "noticeId": derived_id(encoded(told))}
