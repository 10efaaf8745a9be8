"""Content, costs, targets and the health of scores: numbers that outcomes are read by."""

from __future__ import annotations

from leadhouse.rules.files import Check, Schema

SETTINGS: dict[str, tuple[str, ...]] = {}

SCHEMAS: dict[str, Schema] = {}

CHECKS: tuple[Check, ...] = ()
