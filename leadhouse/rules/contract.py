"""Who answers a lead, how fast and how often: the marketing-sales contract."""

from __future__ import annotations

from leadhouse.rules.files import Check, Schema

SETTINGS: dict[str, tuple[str, ...]] = {}

SCHEMAS: dict[str, Schema] = {}

CHECKS: tuple[Check, ...] = ()
