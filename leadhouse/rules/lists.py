"""Who may be handed over, where leads go, which lists they are on, how often they may be written to."""

from __future__ import annotations

from leadhouse.rules.files import Check, Schema

SETTINGS: dict[str, tuple[str, ...]] = {}

SCHEMAS: dict[str, Schema] = {}

CHECKS: tuple[Check, ...] = ()
