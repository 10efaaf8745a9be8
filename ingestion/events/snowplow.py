"""Snowplow's tracker protocol: ``POST .../tp2`` (a JSON envelope) and ``GET /i`` (a query string), all values text.

Field names: https://docs.snowplow.io/docs/events/going-deeper/http-requests/ (``e`` event kind, ``eid`` id, ``dtm``
device time in ms, ``uid`` user, ``duid`` first-party visitor, ``nuid``/``tnuid`` network visitor).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from ingestion.errors import RecordRefused
from ingestion.events.rows import Row, derived_id, encoded, finished, json_text, mapping, text, whole_seconds
from ingestion.values import moment, optional_moment

_STRUCTURED = {"se_ca": "category", "se_ac": "action", "se_la": "label", "se_pr": "property", "se_va": "value"}


def parse_event(fields: object, *, received_at: datetime | None = None) -> Row:
    """One Snowplow event as a row of ``raw_events.events`` (without lineage).

    Page views become ``page``; page pings, structured and self-describing events become ``track`` (``page_ping``;
    category and action; the schema's name). A self-describing ``identify`` or anything with an ``email`` gives the
    e-mail. Contexts are kept in ``properties`` under ``contexts``.

    Raises:
        RecordRefused: ``malformed_json``, ``invalid_self_describing_json``, ``invalid_timestamp``, and those of
            ``rows.finished``.
    """
    if not isinstance(fields, Mapping):
        raise RecordRefused("", "malformed_json", f"an event is a JSON object, not {type(fields).__name__}")
    contexts = _contexts(fields)
    kind, event, properties = _content(fields)
    data = mapping(properties.get("data")) if properties.get("schema") else properties
    kept: dict[str, Any] = {**data, "schema": properties["schema"]} if properties.get("schema") else dict(properties)
    if contexts:
        kept["contexts"] = contexts
    session = next((mapping(one.get("data")) for one in contexts if "client_session" in str(one.get("schema"))), {})
    when = fields.get("ttm") or fields.get("dtm") or fields.get("stm")
    user_id = text(fields.get("uid"))
    row: Row = {
        "message_id": text(fields.get("eid")) or derived_id(encoded(dict(fields), orjson.OPT_SORT_KEYS)),
        "type": kind,
        "event": event,
        "user_id": user_id,
        "anonymous_id": text(fields.get("duid"))
        or text(session.get("userId"))
        or text(fields.get("nuid"))
        or text(fields.get("tnuid")),
        "email": text(data.get("email")) or (user_id if user_id and "@" in user_id else None),
        "event_at": moment(when, "dtm") if when else received_at,
        "received_at": received_at or optional_moment(fields.get("stm")),
        "page_url": text(fields.get("url")),
        "page_title": text(fields.get("page")),
        "referrer": text(fields.get("refr")),
        "dwell_seconds": whole_seconds(data.get("dwell_seconds")),
        "user_agent": text(fields.get("ua")),
        "ip": text(fields.get("ip")),
        "locale": text(fields.get("lang")),
        "tracker": "snowplow",
        "properties": json_text(kept),
        "traits": json_text(data) if kind == "identify" else None,
    }
    return finished(row)


def _content(fields: Mapping[str, Any]) -> tuple[str | None, str | None, Mapping[str, Any]]:
    """The Segment type, the event's name and its properties."""
    code = text(fields.get("e"))
    if code == "pv":
        return "page", None, {}
    if code == "pp":
        return "track", "page_ping", {key: value for key, value in fields.items() if key.startswith("pp_")}
    if code == "se":
        words = {name: fields[key] for key, name in _STRUCTURED.items() if fields.get(key) not in (None, "")}
        return "track", " ".join(str(words[key]) for key in ("category", "action") if key in words) or None, words
    if code == "ue":
        body = mapping(_self_describing(fields, "ue_pr", "ue_px").get("data"))
        parts = str(body.get("schema") or "").removeprefix("iglu:").split("/")
        name = parts[1] if len(parts) > 1 else None
        return ("identify" if name == "identify" else "track"), name, body
    if code in ("tr", "ti"):
        name = "transaction" if code == "tr" else "transaction_item"
        return "track", name, {key: value for key, value in fields.items() if key.startswith(f"{code}_")}
    return code, None, {}


def _contexts(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    data = _self_describing(fields, "co", "cx").get("data")
    return [one for one in data if isinstance(one, Mapping)] if isinstance(data, list) else []


def _self_describing(fields: Mapping[str, Any], plain: str, encoded: str) -> Mapping[str, Any]:
    """A self-describing JSON that comes as text (``plain``) or base64url without padding (``encoded``)."""
    name = plain if fields.get(plain) else encoded
    value = fields.get(name)
    if not value:
        return {}
    try:
        if name == encoded:
            letters = str(value).replace("+", "-").replace("/", "_").rstrip("=")
            value = base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
        return mapping(value if isinstance(value, Mapping) else orjson.loads(value))
    except (ValueError, TypeError) as error:
        raise RecordRefused(
            name, "invalid_self_describing_json", f"is not {'base64url ' if name == encoded else ''}JSON ({error})"
        ) from error
