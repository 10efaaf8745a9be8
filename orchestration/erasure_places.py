"""Where this installation's settings say that personal data is kept."""

from __future__ import annotations

from leadhouse.settings import Settings
from orchestration.erasure import Places


def places_of(settings: Settings) -> Places:
    """The places an erasure has to go through."""
    return Places(
        data_dir=settings.data_dir,
        warehouse=settings.warehouse,
        published=settings.published,
        replays=settings.replays_dir,
        pipelines=settings.pipelines_dir,
        seeds=settings.seeds_dir,
        ops_url=settings.ops_store_url,
        inbox_url=settings.inbox_store_url if settings.has_inbox else None,
        key=settings.erasure_key.get_secret_value() if settings.erasure_key else None,
    )
