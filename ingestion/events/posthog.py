"""PostHog's capture format: ``POST /batch/``, ``/capture/``, ``/e/``, ``/i/v0/e/``.

Fields: https://posthog.com/docs/api/capture (``distinct_id``, ``$``-named properties, ``$set`` person properties).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from ingestion.errors import RecordRefused
from ingestion.events.rows import (
    CLICK_IDS,
    UTM,
    Row,
    derived_id,
    encoded,
    finished,
    json_text,
    mapping,
    text,
    whole_seconds,
)
from ingestion.values import moment, optional_moment

_TYPES = {
    "$pageview": "page", "$screen": "screen", "$identify": "identify", "$set": "identify", "$groupidentify": "group",
    "$create_alias": "alias", "$merge_dangerously": "alias",
}  # fmt: skip


def parse_event(message: object, *, sent_at: object = None, received_at: datetime | None = None) -> Row:
    """One PostHog event as a row of ``raw_events.events`` (without lineage).

    ``distinct_id`` is the person's id once PostHog knows who it is, the device's before that: it is taken as anonymous
    when it equals ``$device_id``, when the event says that it makes no person profile, and in ``$groupidentify``
    (whose libraries make one up).

    Raises:
        RecordRefused: ``malformed_json``, ``invalid_timestamp``, and those of ``rows.finished``.
    """
    if not isinstance(message, Mapping):
        raise RecordRefused("", "malformed_json", f"an event is a JSON object, not {type(message).__name__}")
    properties = mapping(message.get("properties"))
    name = text(message.get("event"))
    kind = _TYPES.get(name or "", "track")
    who = text(message.get("distinct_id")) or text(properties.get("distinct_id"))
    device = text(properties.get("$device_id")) or text(properties.get("$anon_distinct_id"))
    is_anonymous = who == device or properties.get("$process_person_profile") is False or kind == "group"
    user_id = None if is_anonymous else who
    traits = _traits(message, properties, kind)
    when = message.get("timestamp") or properties.get("$sent_at") or sent_at
    url = text(properties.get("$current_url"))
    referrer = text(properties.get("$referrer"))
    row: Row = {
        "message_id": text(message.get("uuid"))
        or text(properties.get("$insert_id"))
        or derived_id(encoded(dict(message), orjson.OPT_SORT_KEYS)),
        "type": kind,
        "event": None if kind in ("page", "screen", "identify", "group", "alias") else name,
        "user_id": user_id,
        "anonymous_id": (who if is_anonymous else None) or device or text(properties.get("alias")),
        "group_id": text(properties.get("$group_key")) or _group(properties),
        "email": text(traits.get("email"))
        or text(properties.get("email"))
        or (user_id if user_id and "@" in user_id else None),
        "event_at": moment(when, "timestamp") if when else received_at,
        "received_at": optional_moment(message.get("now")) or received_at,
        "page_url": url,
        "page_path": text(properties.get("$pathname")),
        "page_title": text(properties.get("title")) or text(properties.get("$title")),
        "referrer": None if referrer == "$direct" else referrer,
        "click_id_kind": next((one for one in CLICK_IDS if text(properties.get(one))), None),
        "dwell_seconds": whole_seconds(properties.get("dwell_seconds")),
        "user_agent": text(properties.get("$raw_user_agent"))
        or text(properties.get("$user_agent"))
        or text(message.get("$user_agent")),
        "ip": text(properties.get("$ip")),
        "locale": text(properties.get("$browser_language")),
        "tracker": "posthog",
        "properties": json_text(properties),
        "traits": json_text(traits),
        **{name: text(properties.get(name)) for name in UTM},
    }
    return finished(row)


def _traits(message: Mapping[str, Any], properties: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    if kind == "group":
        return mapping(properties.get("$group_set"))
    once = mapping(message.get("$set_once")) or mapping(properties.get("$set_once"))
    return {**once, **(mapping(message.get("$set")) or mapping(properties.get("$set")))}


def _group(properties: Mapping[str, Any]) -> str | None:
    groups = mapping(properties.get("$groups"))
    return text(groups.get("company")) or next((text(value) for value in groups.values()), None)
