"""Which installation a command that only looks is about."""

from __future__ import annotations

import os

from leadhouse.settings import Settings, load_settings


def own_or_last_demo() -> Settings:
    """This installation's settings; those of the last demo when nothing of our own is published yet."""
    from leadhouse.dagster_dev import last_demo
    from leadhouse.demo import demo_settings

    settings = load_settings()
    if settings.current_snapshot.exists():
        return settings
    size = last_demo(settings)
    if size is None:
        return settings
    os.environ.update(demo_settings(size, settings))
    return load_settings()
