"""A small snapshot and a folder for pages, for tests of the page builder."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "snapshot.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.published_build as select 'b1' as build_id, "
            "timestamp '2026-11-01 06:00:00' as as_of_at, 'abcdef0123456789' as ruleset_version"
        )
        connection.execute(
            "create table marts.numbers as select 12345.678::decimal(18, 3) as spend, '<b>' as name, null as gap, "
            "'EUR' as currency, timestamp '2026-11-01 06:00:00' as seen_at"
        )
        connection.execute(
            "create table marts.credits as select * from (values "
            "('first', date '2026-09-01', 'email', 2.5::decimal(18, 6), 100.10::decimal(18, 2)), "
            "('first', date '2026-10-01', 'email', 1.0, 50.00), "
            "('first', date '2026-10-01', 'direct', 0.5, 900.00), "
            "('last', date '2026-10-01', 'direct', 4.0, 1050.10)"
            ") as t(model, month_on, channel, conversions, revenue)"
        )
        connection.execute(
            "create table marts.spending as select date '2026-10-01' as month_on, 'email' as channel, "
            "30.00::decimal(18, 2) as spend"
        )
    return path


@pytest.fixture
def write_page(tmp_path: Path) -> Callable[..., Path]:
    """Writes one page and returns its folder, which holds no other."""

    def write(body: str, front: str = "order: 1\ntitle: {en: Spend, pt: Gasto}", name: str = "page.md") -> Path:
        folder = tmp_path / f"pages{len([*tmp_path.glob('pages*')])}"
        folder.mkdir()
        (folder / name).write_text(f"---\n{front}\n---\n\n{body}", encoding="utf-8")
        return folder

    return write
