from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration import publish as publishing
from orchestration.errors import NothingToPublish
from orchestration.publish import current_snapshot, new_build_id, publish


def make_warehouse(path: Path, value: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema if not exists marts; create schema if not exists intermediate")
        connection.execute(
            "create or replace table intermediate.int_as_of as select timestamp '2026-11-01 06:00' as_of_at"
        )
        connection.execute(
            "create or replace table marts.fct_contact_scores as "
            f"select chr(98 - (i % 2)::int) as account_id, i, {value} as value, 'rules-1' as ruleset_version "
            "from range(1000) t (i)"
        )
        connection.execute("create or replace table marts.dim_channels as select 'direct' as channel")
    return path


def value_in(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute("select max(value) from marts.fct_contact_scores").fetchone()
    assert row is not None
    return int(row[0])


def test_everything_of_the_marts_is_there_and_sorted(tmp_path: Path) -> None:
    done = publish(make_warehouse(tmp_path / "wh.duckdb"), tmp_path / "published", build_id="b1")
    assert done.rows == {"dim_channels": 1, "fct_contact_scores": 1000}
    assert (str(done.as_of_at), done.ruleset_version) == ("2026-11-01 06:00:00", "rules-1")
    assert current_snapshot(tmp_path / "published") == done.path.resolve()
    with duckdb.connect(str(done.path), read_only=True) as connection:
        accounts = [row[0] for row in connection.execute("select account_id from marts.fct_contact_scores").fetchall()]
        build = connection.execute("select build_id, as_of_at, ruleset_version from marts.published_build").fetchall()
    assert accounts == sorted(accounts)
    assert [(b, str(a), r) for b, a, r in build] == [("b1", "2026-11-01 06:00:00", "rules-1")]


def test_a_failure_leaves_the_link_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "published"
    first = publish(make_warehouse(tmp_path / "wh.duckdb", 1), folder)
    make_warehouse(tmp_path / "wh.duckdb", 2)
    monkeypatch.setattr(publishing, "_ruleset_version", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        publish(tmp_path / "wh.duckdb", folder)
    assert current_snapshot(folder) == first.path.resolve()
    assert value_in(folder / "current.duckdb") == 1
    assert sorted(path.name for path in folder.iterdir()) == sorted([first.path.name, "current.duckdb"])


def test_an_open_reader_keeps_what_it_opened(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    publish(make_warehouse(tmp_path / "wh.duckdb", 1), folder, keep=1)
    with duckdb.connect(str(current_snapshot(folder)), read_only=True) as reader:
        for value in (2, 3, 4):
            publish(make_warehouse(tmp_path / "wh.duckdb", value), folder, keep=1)
        assert reader.execute("select max(value) from marts.fct_contact_scores").fetchone() == (1,)
    assert value_in(folder / "current.duckdb") == 4


def test_the_last_three_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    warehouse = make_warehouse(tmp_path / "wh.duckdb")
    made = [publish(warehouse, folder, keep=3).path for _ in range(5)]
    assert [path.exists() for path in made] == [False, False, True, True, True]


def test_a_build_id_is_used_once(tmp_path: Path) -> None:
    warehouse = make_warehouse(tmp_path / "wh.duckdb")
    publish(warehouse, tmp_path / "published", build_id="b1")
    with pytest.raises(FileExistsError, match="used once"):
        publish(warehouse, tmp_path / "published", build_id="b1")
    assert new_build_id() != new_build_id()


def test_nothing_to_publish_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(NothingToPublish, match="leadhouse ingest"):
        publish(tmp_path / "missing.duckdb", tmp_path / "published")
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    with pytest.raises(NothingToPublish, match="no marts yet"):
        publish(tmp_path / "empty.duckdb", tmp_path / "published")
    with pytest.raises(NothingToPublish, match="leadhouse build"):
        current_snapshot(tmp_path / "published")
    assert list((tmp_path / "published").iterdir()) == []


def test_a_mart_that_is_a_view_is_copied_too(tmp_path: Path) -> None:
    warehouse = make_warehouse(tmp_path / "odd name.duckdb")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute('create view marts.v as select count(*) as n from "odd name".marts.fct_contact_scores')
    done = publish(warehouse, tmp_path / "published")
    with duckdb.connect(str(done.path), read_only=True) as connection:
        assert connection.execute("select n from marts.v").fetchone() == (1000,)
