"""The two path families, brought to one.

The vendor serves the same resources under dated paths (``/crm/objects/2026-09/contacts``) and under versioned ones
(``/crm/v3/objects/contacts``). Routes are written once, for the canonical path without any version
(``/crm/objects/contacts``); answers keep the path the client used.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_DATE = r"(?P<version>\d{4}-\d{2})"


class Canonical(NamedTuple):
    """A path without its version, and that version (``v3``, ``v4``, ``2026-09``, ...)."""

    path: str
    version: str


def _rule(pattern: str, base: str) -> tuple[re.Pattern[str], str]:
    return re.compile(pattern.replace("{date}", _DATE) + r"(?P<rest>/.*)?"), base


_RULES = [
    _rule(r"/crm/objects/{date}", "/crm/objects"),
    _rule(r"/crm/(?P<version>v[34])/objects", "/crm/objects"),
    _rule(r"/crm/properties/{date}", "/crm/properties"),
    _rule(r"/crm/(?P<version>v3)/properties", "/crm/properties"),
    _rule(r"/crm/associations/{date}", "/crm/associations"),
    _rule(r"/crm/(?P<version>v[34])/associations", "/crm/associations"),
    _rule(r"/crm/lists/{date}", "/crm/lists"),
    _rule(r"/crm/(?P<version>v3)/lists", "/crm/lists"),
    _rule(r"/crm/owners/{date}", "/crm/owners"),
    _rule(r"/crm/(?P<version>v3)/owners", "/crm/owners"),
    _rule(r"/crm/pipelines/{date}", "/crm/pipelines"),
    _rule(r"/crm/(?P<version>v3)/pipelines", "/crm/pipelines"),
    _rule(r"/crm-object-schemas/{date}/schemas", "/crm/schemas"),
    _rule(r"/crm-object-schemas/(?P<version>v3)/schemas", "/crm/schemas"),
    _rule(r"/crm/(?P<version>v3)/schemas", "/crm/schemas"),
    _rule(r"/marketing/forms/{date}", "/marketing/forms"),
    _rule(r"/marketing/(?P<version>v3)/forms", "/marketing/forms"),
    _rule(r"/form-integrations/(?P<version>v1)/submissions/forms", "/form-submissions"),
    _rule(r"/email/public/(?P<version>v1)/events", "/email/events"),
    _rule(r"/email/public/(?P<version>v1)/campaigns", "/email/campaigns"),
    _rule(r"/properties/(?P<version>v[12])", "/legacy/properties"),
]


def canonical(path: str) -> Canonical | None:
    """The canonical form of a request's path; None when it belongs to no family served here."""
    for pattern, base in _RULES:
        match = pattern.fullmatch(path)
        if match:
            rest = (match["rest"] or "").rstrip("/")
            return Canonical(base + rest, match["version"])
    return None
