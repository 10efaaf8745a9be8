"""A new build is picked up, an old one is let go; who was erased is gone with it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from served_world import JOAO, NOBODY, TEXTILE, World, made_world, publish, serving

from serve.errors import NotPublished
from serve.snapshot import Snapshots


def without(world: World, contact_id: str, build_id: str) -> World:
    """The world after a person was erased."""
    return replace(
        world,
        build_id=build_id,
        rows={
            table: [row for row in rows if contact_id not in (row.get("contact_id"), row.get("entity_id"))]
            for table, rows in world.rows.items()
        },
    )


def open_files(folder: Path) -> set[str]:
    """Names of this process's open files in a folder, deleted ones too."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:
            continue
        if target.startswith(str(folder)):
            found.add(Path(target.removesuffix(" (deleted)")).name)
    return found


def test_a_new_build_is_shown_and_who_was_erased_is_gone(tmp_path: Path) -> None:
    world = made_world()
    publish(world, tmp_path)
    with serving(tmp_path) as served:
        assert "build-1" in served.get(f"/en/people/{JOAO}").text
        publish(without(world, JOAO, "build-2"), tmp_path)
        assert served.get(f"/en/people/{JOAO}").status_code == 404
        assert "build-2" in served.get("/en/accounts").text
        for path in (f"/en/accounts/{TEXTILE}", "/en/search?q=joao", "/en/people?q=joao@acaotextil.example"):
            shown = served.get(path).text
            assert "Ávila" not in shown
            assert JOAO not in shown


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see open files")
def test_a_replaced_file_is_closed_though_nobody_asks(tmp_path: Path) -> None:
    publish(made_world(), tmp_path)
    with serving(tmp_path, look_seconds=0.05) as served:
        served.get("/en/accounts")
        assert open_files(tmp_path) == {"build-1.duckdb"}
        publish(replace(made_world(), build_id="build-2"), tmp_path)
        (tmp_path / "build-1.duckdb").unlink()
        until = time.monotonic() + 10
        while open_files(tmp_path) and time.monotonic() < until:
            time.sleep(0.05)
        assert not open_files(tmp_path)


def test_a_request_ends_on_the_snapshot_it_began_with(tmp_path: Path) -> None:
    link = publish(made_world(), tmp_path)
    snapshots = Snapshots(link)
    with snapshots.reading() as reading:
        publish(without(made_world(), NOBODY, "build-2"), tmp_path)
        with snapshots.reading() as newer:
            assert newer.stamp.build_id == "build-2"
            assert newer.one("select 1 as x from marts.dim_contacts where contact_id = $id", id=NOBODY) is None
        assert reading.stamp.build_id == "build-1"
        assert reading.one("select 1 as x from marts.dim_contacts where contact_id = $id", id=NOBODY)
    snapshots.close()


def test_many_at_once_while_builds_change(tmp_path: Path) -> None:
    world = made_world()
    publish(world, tmp_path)
    with serving(tmp_path) as served:
        paths = [f"/en/accounts/{TEXTILE}", "/pt/people?q=member", f"/en/people/{NOBODY}"] * 10
        stopped = threading.Event()

        def keep_publishing() -> None:
            for number in range(2, 5):
                if stopped.wait(0.05):
                    return
                publish(replace(world, build_id=f"build-{number}"), tmp_path)

        publishing = threading.Thread(target=keep_publishing)
        publishing.start()
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda path: served.get(path).status_code, paths))
        stopped.set()
        publishing.join()
    assert statuses == [200] * len(paths)


def test_a_snapshot_can_only_be_read(tmp_path: Path) -> None:
    link = publish(made_world(), tmp_path)
    (tmp_path / "other.csv").write_text("a\n1\n")
    snapshots = Snapshots(link)
    with snapshots.reading() as reading:
        for statement in (
            "delete from marts.dim_contacts",
            "create table marts.x as select 1",
            f"select * from read_csv('{tmp_path / 'other.csv'}')",
            f"attach '{tmp_path / 'new.duckdb'}'",
            "set enable_external_access = true",
        ):
            with pytest.raises(Exception, match=r"(?i)read-only|read only|disabled|locked|lock"):
                reading.rows(statement)
    snapshots.close()


def test_nothing_published_yet_is_told_and_then_shown(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        answer = served.get("/pt/accounts")
        assert answer.status_code == 503
        assert "leadhouse build" in answer.text
        assert "Ainda não há o que mostrar" in answer.text
        assert str(tmp_path) not in answer.text
        publish(made_world(), tmp_path)
        assert served.get("/pt/accounts").status_code == 200


def test_an_older_build_that_lacks_tables_is_told(tmp_path: Path) -> None:
    import duckdb

    link = publish(made_world(), tmp_path)
    with duckdb.connect(str(link.resolve())) as connection:
        connection.execute("drop table marts.mart_engagement_days")
    with (
        pytest.raises(NotPublished, match=r"lacks marts\.mart_engagement_days.*leadhouse build"),
        Snapshots(link).reading(),
    ):
        pass
