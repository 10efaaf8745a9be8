"""The site as an asset: built from the snapshot that the link names, into the folder of the settings."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.assets import REPORT_SITE
from orchestration.components.report_site import ReportSiteComponent
from orchestration.publish import LINK_NAME
from reports import build


def test_it_builds_the_pages_of_the_current_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = tmp_path / "published"
    published.mkdir()
    with duckdb.connect(str(published / "b1.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.published_build as select 'b1' as build_id, timestamp '2026-11-01' as as_of_at, "
            "timestamp '2026-11-01' as published_at, 'r1' as ruleset_version"
        )
    (published / LINK_NAME).symlink_to("b1.duckdb")
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.md").write_text("---\norder: 1\ntitle: {en: Overview, pt: Visão geral}\n---\n", encoding="utf-8")
    monkeypatch.setenv("LEADHOUSE_PUBLISHED_DIR", str(published))
    monkeypatch.setenv("LEADHOUSE_SITE_DIR", str(tmp_path / "site"))
    monkeypatch.setattr(build.build_site, "__defaults__", (pages, build.MODELS))
    component = ReportSiteComponent(description="pages")
    definitions = component.build_defs(dg.ComponentTree.for_test().load_context)
    result = dg.materialize(list(definitions.assets or []))
    assert result.success
    metadata = result.asset_materializations_for_node("published__site")[0].metadata
    assert metadata["pages"].value == 1
    assert metadata["snapshot"].value == str(published / "b1.duckdb")
    assert "Visão geral" in (tmp_path / "site" / "pt" / "index.html").read_text(encoding="utf-8")
    assert result.asset_materializations_for_node("published__site")[0].asset_key == REPORT_SITE
