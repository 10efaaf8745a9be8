"""The sources an installation may have, and how each is loaded: the same for Dagster and for ``leadhouse ingest``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from ingestion.erased import turning_away
from ingestion.results import LoadResult, Progress
from leadhouse.settings import HUBSPOT_GROUPS, Settings
from privacy import NO_TOMBSTONES, Tombstones, find_key


@dataclass(frozen=True)
class Source:
    """One source. ``setting`` names what switches it on, ``groups`` the parts that can be loaded on their own.

    ``chosen`` says which of them this installation wants; none named: all.
    """

    name: str
    setting: str
    is_configured: Callable[[Settings], bool]
    load: Callable[[Settings, Progress, str | None], list[LoadResult]]
    groups: tuple[str, ...] = ()
    chosen: Callable[[Settings], Collection[str]] = lambda _: ()


def _load_hubspot(settings: Settings, progress: Progress, group: str | None) -> list[LoadResult]:
    from ingestion.hubspot import load_hubspot

    base_url, token = settings.hubspot_access()
    return load_hubspot(
        settings.warehouse,
        base_url,
        token,
        pipelines_dir=settings.pipelines_dir,
        burst_limit=settings.burst_limit,
        burst_seconds=settings.burst_seconds,
        requests_in_flight=settings.requests_in_flight,
        state_dir=settings.crm_state_dir,
        progress=progress,
        groups=[group] if group else settings.hubspot_groups or None,
    )


def _load_salesforce(settings: Settings, progress: Progress, group: str | None) -> list[LoadResult]:
    from ingestion.salesforce import load_salesforce

    return load_salesforce(
        settings.warehouse,
        settings.salesforce_access(),
        pipelines_dir=settings.pipelines_dir,
        reserve=settings.salesforce_reserve,
        progress=progress,
        groups=None if group is None else [group],
    )


def _load_events(settings: Settings, progress: Progress, group: str | None) -> list[LoadResult]:
    from ingestion.events import load_events

    assert settings.events_dir is not None, "loaded only when configured"
    return load_events(settings.warehouse, settings.events_dir, pipelines_dir=settings.pipelines_dir, progress=progress)


def _load_inbox(settings: Settings, progress: Progress, group: str | None) -> list[LoadResult]:
    from ingestion.inbox import load_inbox

    return load_inbox(
        settings.warehouse, settings.inbox_store_url, pipelines_dir=settings.pipelines_dir, progress=progress
    )


def _load_ads(settings: Settings, progress: Progress, group: str | None) -> list[LoadResult]:
    from ingestion.ads import load_ads

    assert settings.ads_dir is not None, "loaded only when configured"
    return load_ads(
        settings.warehouse,
        settings.ads_dir,
        pipelines_dir=settings.pipelines_dir,
        rules=settings.seeds_dir,
        progress=progress,
    )


def _load_enrichment(settings: Settings, progress: Progress, group: str | None) -> list[LoadResult]:
    from ingestion.enrichment import load_enrichment

    assert settings.enrichment_dir is not None, "loaded only when configured"
    return load_enrichment(
        settings.warehouse, settings.enrichment_dir, pipelines_dir=settings.pipelines_dir, progress=progress
    )


def _load_files(settings: Settings, progress: Progress, group: str | None) -> list[LoadResult]:
    from ingestion.files import load_mapping

    results: list[LoadResult] = []
    for mapping in settings.mappings:
        results += load_mapping(settings.warehouse, mapping, pipelines_dir=settings.pipelines_dir, progress=progress)
    return results


def _load_ops(settings: Settings, progress: Progress, group: str | None) -> list[LoadResult]:
    from ingestion.ops import load_ops

    return load_ops(settings.warehouse, settings.ops_store_url, progress=progress)


def tombstones_of(settings: Settings) -> Tombstones:
    """Who was erased, for a load to turn away.

    Raises:
        KeyMissingError: people were erased and the key that recognises them is gone.
    """
    from reverse_etl.store import Store
    from reverse_etl.suppressions import tombstones

    url = make_url(settings.ops_store_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return NO_TOMBSTONES
    key = settings.erasure_key.get_secret_value() if settings.erasure_key else None
    with Store(settings.ops_store_url) as store:
        return tombstones(store, find_key(settings.data_dir, key))


def load_source(source: Source, settings: Settings, progress: Progress, group: str | None = None) -> list[LoadResult]:
    """Loads a source (or one of its groups); nobody who was erased comes back in.

    Raises:
        IngestionError: the load failed; see the source's loader.
        KeyMissingError: see :func:`tombstones_of`.
    """
    with turning_away(tombstones_of(settings)):
        return source.load(settings, progress, group)


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source(
            "hubspot",
            "hubspot_base_url",
            lambda settings: settings.hubspot_base_url is not None,
            _load_hubspot,
            HUBSPOT_GROUPS,
            lambda settings: settings.hubspot_groups,
        ),
        Source(
            "salesforce",
            "salesforce_login_url",
            lambda settings: settings.salesforce_login_url is not None,
            _load_salesforce,
            ("reference", "crm_objects", "history", "activities", "campaigns"),
        ),
        Source("events", "events_dir", lambda settings: settings.events_dir is not None, _load_events),
        Source("inbox", "inbox_url", lambda settings: settings.has_inbox, _load_inbox),
        Source("ads", "ads_dir", lambda settings: settings.ads_dir is not None, _load_ads),
        Source("enrichment", "enrichment_dir", lambda settings: settings.enrichment_dir is not None, _load_enrichment),
        Source("files", "mappings", lambda settings: bool(settings.mappings), _load_files),
        Source("ops", "ops_url", lambda settings: True, _load_ops),
    )
}
