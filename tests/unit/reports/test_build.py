"""The page builder: SQL blocks become tables, a broken query stops the build and names its place."""

from pathlib import Path

import duckdb
import pytest

from reports import PageError, build_site


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
            "create table marts.numbers as select 12345.678::decimal(18, 3) as spend, '<b>' as name, null as gap"
        )
    return path


def write_page(folder: Path, text: str, name: str = "page.md") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_sql_block_becomes_a_table_in_place(tmp_path: Path, snapshot: Path) -> None:
    pages = write_page(
        tmp_path / "pages", "# Spend\n\nbefore\n\n```sql spend\nselect * from marts.numbers\n```\n\nafter\n"
    )
    built = build_site(snapshot, tmp_path / "site", pages)
    html = (tmp_path / "site" / "page.html").read_text(encoding="utf-8")
    assert [(page.title, page.queries) for page in built] == [("Spend", 1)]
    assert html.index("before") < html.index("12,345.68") < html.index("after")
    assert "&lt;b&gt;" in html
    assert "2026-11-01 06:00" in html


def test_a_failing_query_names_file_line_and_query_and_leaves_the_site(tmp_path: Path, snapshot: Path) -> None:
    site = tmp_path / "site"
    build_site(snapshot, site, write_page(tmp_path / "good", "# Good\n"))
    bad = write_page(tmp_path / "bad", "# Bad\n\n```sql broken\nselect nothing_here from marts.numbers\n```\n")
    with pytest.raises(PageError, match=r"page\.md, line 3, query broken: .*nothing_here"):
        build_site(snapshot, site, bad)
    assert "Good" in (site / "page.html").read_text(encoding="utf-8")


def test_a_block_without_a_name_is_refused(tmp_path: Path, snapshot: Path) -> None:
    pages = write_page(tmp_path / "pages", "# P\n\n```sql\nselect 1\n```\n")
    with pytest.raises(PageError, match="needs one name"):
        build_site(snapshot, tmp_path / "site", pages)


def test_no_snapshot_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="run the pipeline first"):
        build_site(tmp_path / "absent.duckdb", tmp_path / "site")


def test_an_empty_crm_has_pages_too(tmp_path: Path, snapshot: Path) -> None:
    with duckdb.connect(str(snapshot)) as connection:
        connection.execute("update marts.published_build set ruleset_version = null")
    build_site(snapshot, tmp_path / "site", write_page(tmp_path / "pages", "# P\n"))
    assert "rules -;" in (tmp_path / "site" / "page.html").read_text(encoding="utf-8")
