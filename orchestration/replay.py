"""A past day, or changed rules, computed into a DuckDB file of its own; the live warehouse is only read.

dbt builds into ``<data_dir>/replays/work/replay.duckdb`` (target ``replay`` of profiles.yml) with the live warehouse
attached read-only. It builds what depends on the moment (``int_as_of``) or on a seed whose content differs from the one
the live warehouse was built with; every other model is deferred to the live tables. The file then moves to
``<data_dir>/replays/<name>/``. The folder it is built in stays the same, so that dbt need not parse the project anew.

What the live warehouse only knows as of its own moment is taken as it is there: who is who, firmographics and titles,
consent. Everything with a date (touches, activities, deals, stages) is cut at the moment asked for.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from leadhouse.settings import Settings, composed_rules
from orchestration.build_state import refuse_unfinished
from orchestration.dbt_run import refuse_bad_rules, run_dbt
from orchestration.errors import BuildFailed, ReplayRefused
from orchestration.manifest import prepared_manifest, read_manifest, seeds_path
from orchestration.progress import current_progress

#: The catalog name of every replay: its file is always called so, its folder bears the name.
CATALOG = "replay"
FILE_NAME = f"{CATALOG}.duckdb"
PROGRESS_LABEL = "models"
_WORK = "work"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")

#: Not computed anew: what is sent to the CRM, and models that keep a history of their own builds with all that read it.
_NEVER = ("path:models/marts/activation", "path:models/marts/quality", "config.meta.replay:false+")


@dataclass(frozen=True)
class Replay:
    """One finished replay. ``path`` is its DuckDB file, ``seeds_dir`` the rules it was computed under."""

    name: str
    path: Path
    as_of_at: datetime
    seeds_dir: Path
    changed_seeds: tuple[str, ...]
    models: int
    seconds: float


def run_replay(settings: Settings, as_of_at: datetime, name: str, overlays: Sequence[Path]) -> Replay:
    """Computes the marts for a moment under a rule set. No live table is touched.

    Args:
        settings: of this installation; its warehouse must hold a finished build.
        as_of_at: moment (UTC, without a zone); not after that of the live marts.
        name: folder below ``replays_dir``; an earlier replay of the name is replaced.
        overlays: folders of rule files laid over the seeds, the last one wins (``Settings.rule_overlays``).

    Raises:
        ReplayRefused: there is nothing to read, the moment lies after it, or another replay or build runs.
        RulesRefused: the rules do not check.
        BuildFailed: a model failed under these rules.
    """
    if not _NAME.fullmatch(name) or name == _WORK:
        raise ReplayRefused(f"'{name}' cannot name a replay. Use letters, digits, '-', '_', '+' and '.'.")
    started = time.monotonic()
    with _only_one(settings.replays_dir) as work:
        live_at = live_as_of(settings)
        if as_of_at > live_at:
            raise ReplayRefused(
                f"{as_of_at:%Y-%m-%d %H:%M} lies after the live marts ({live_at:%Y-%m-%d %H:%M} UTC): nothing is "
                "known of it. Give an earlier moment, or ingest and build first."
            )
        # One folder for every replay of these data, so that dbt finds the seeds where it parsed them.
        place = hashlib.sha256(str(settings.replays_dir).encode()).hexdigest()[:6]
        seeds_dir = composed_rules(overlays, f"replay-{place}")
        refuse_bad_rules(seeds_dir)
        changed = changed_seeds(settings, seeds_dir)
        built = work / FILE_NAME
        _prepare(built, settings.warehouse, as_of_at)
        models = _build(settings, work, seeds_dir, changed)
        _finish(built, settings.warehouse, name, as_of_at, changed)
        folder = settings.replays_dir / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        built.rename(folder / FILE_NAME)
        shutil.copytree(seeds_dir, folder / "seeds")
    return Replay(
        name=name,
        path=folder / FILE_NAME,
        as_of_at=as_of_at,
        seeds_dir=folder / "seeds",
        changed_seeds=changed,
        models=models,
        seconds=time.monotonic() - started,
    )


@dataclass(frozen=True)
class Summary:
    """A replay beside the live marts. ``counts``: (grade or stage, value, contacts in the replay, contacts live)."""

    contacts: int
    differing: int
    live_as_of_at: datetime
    counts: tuple[tuple[str, str, int, int], ...]


def replay_summary(settings: Settings, replay: Replay) -> Summary:
    """Counts grades and stages of a replay and of the live marts, and the contacts that differ between them."""
    live = settings.warehouse.stem
    with duckdb.connect(":memory:") as connection:
        for path, name in ((settings.warehouse, live), (replay.path, CATALOG)):
            connection.execute(f'attach {_text(path)} as "{name}" (read_only)')
        union = " union all ".join(
            f"select '{what}' as what, coalesce({column}, '(none)') as value, {side} as is_live, contact_id "
            f'from "{catalog}".marts.{mart}'
            for what, column, mart in (
                ("grade", "grade", "fct_contact_scores"),
                ("stage", "stage", "dim_contact_stages"),
            )
            for side, catalog in (("false", CATALOG), ("true", live))
        )
        connection.execute(f"create temp table cells as {union}")
        counts = connection.execute(
            "select what, value, count(*) filter (where not is_live), count(*) filter (where is_live) "
            "from cells group by all order by 1, 2"
        ).fetchall()
        row = connection.execute(
            "select count(distinct contact_id), count(distinct contact_id) filter (where differs) from ("
            "  select contact_id, what, count(*) <> 2 or min(value) <> max(value) as differs from cells group by all)"
        ).fetchone()
    contacts, differing = row or (0, 0)
    return Summary(contacts, differing, live_as_of(settings), tuple(counts))


def live_as_of(settings: Settings) -> datetime:
    """The moment (UTC, without a zone) of the live marts.

    Raises:
        ReplayRefused: there is no warehouse, it is in use, or no build of it is finished.
    """
    try:
        refuse_unfinished(settings.data_dir)
    except BuildFailed:
        raise ReplayRefused(
            "The last build did not end green, so there is nothing to compare with. Run `leadhouse build` first."
        ) from None
    with reading(settings.warehouse) as connection:
        try:
            row = connection.execute("select max(as_of_at) from marts.fct_contact_scores").fetchone()
        except duckdb.CatalogException:
            row = None
    if row is None or row[0] is None:
        raise ReplayRefused(f"{settings.warehouse} holds no scores yet. Run `leadhouse build` first.")
    moment: datetime = row[0]
    return moment


def changed_seeds(settings: Settings, seeds_dir: Path) -> tuple[str, ...]:
    """Names of the seeds whose content differs from what the live warehouse was built with, sorted.

    The tables are asked, not the files: a seed edited since the last build differs too.
    """
    known = {
        node["name"]: node["schema"]
        for node in read_manifest()["nodes"].values()
        if node["resource_type"] == "seed" and node["config"]["enabled"]
    }
    with reading(settings.warehouse) as connection:
        return tuple(
            name
            for name, schema in sorted(known.items())
            if not _holds(connection, f'"{schema}"."{name}"', seeds_dir / f"{name}.csv")
        )


@contextmanager
def reading(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The live warehouse, read-only.

    Raises:
        ReplayRefused: there is none, or a build holds it.
    """
    if not warehouse.is_file():
        raise ReplayRefused(f"There is no warehouse at {warehouse}. Run `leadhouse ingest` and `leadhouse build`.")
    try:
        connection = duckdb.connect(str(warehouse), read_only=True)
    except duckdb.IOException as error:
        raise ReplayRefused(
            f"{warehouse} cannot be opened now. Wait for the build that is running. ({error})"
        ) from None
    with connection:
        yield connection


def _holds(connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> bool:
    """Whether a seed's table holds exactly the rows of a CSV file, read as the types of the table."""
    try:
        columns = connection.execute(f"describe {table}").fetchall()
        reader = f"read_csv({_text(file)}, header = true, all_varchar = true, quote = '\"', nullstr = '')"
        found = connection.execute(f"describe select * from {reader}").fetchall()
        if [column[0] for column in columns] != [column[0] for column in found]:
            return False
        typed = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind, *_ in columns)
        rows = f"(select {typed} from {reader})"
        # Null and empty text are one in a seed.
        (differ,) = connection.execute(
            f"select (select count(*) from (select * from {rows} except all select * from {table})) "
            f"+ (select count(*) from (select * from {table} except all select * from {rows}))"
        ).fetchone() or (1,)
    except duckdb.Error:
        # No such table, a cell that its type does not hold, a file that is no CSV: it differs, and dbt says how.
        return False
    return bool(differ == 0)


def _prepare(built: Path, warehouse: Path, as_of_at: datetime) -> None:
    """A new file with the clock pinned, and the raw tables of the live warehouse as views."""
    for leftover in (built, built.with_name(built.name + ".wal")):
        leftover.unlink(missing_ok=True)
    with _with_live(built, warehouse) as (connection, live):
        connection.execute("create schema raw_ops")
        connection.execute(
            "create table raw_ops.run_clock as select cast(? as timestamp) as as_of_at, true as pinned", [as_of_at]
        )
        for schema, name in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = ? "
            "and starts_with(schema_name, 'raw_') and (schema_name, table_name) <> ('raw_ops', 'run_clock')",
            [live],
        ).fetchall():
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(f'create view "{schema}"."{name}" as select * from "{live}"."{schema}"."{name}"')


def _build(settings: Settings, work: Path, seeds_dir: Path, changed: Sequence[str]) -> int:
    """Runs dbt in the work folder; returns the number of models built."""
    state = prepared_manifest().parent
    command = [
        *("build", "--target", CATALOG, "--defer", "--favor-state", "--state", str(state)),
        *("--resource-type", "model", "--resource-type", "seed"),
        *("--select", "int_as_of+", *(f"{name}+" for name in changed)),
        *("--exclude", *_NEVER),
    ]
    environment = {"LEADHOUSE_REPLAY_PATH": str(work / FILE_NAME), "LEADHOUSE_SEEDS_DIR": seeds_path(seeds_dir)}
    progress = current_progress()
    progress.start(PROGRESS_LABEL, None)
    models = 0
    for result in run_dbt(command, target_path=settings.replays_dir / _WORK / "target", environment=environment):
        progress.advance(PROGRESS_LABEL, 1)
        models += result.kind == "model"
    progress.finish(PROGRESS_LABEL)
    return models


def _finish(built: Path, warehouse: Path, name: str, as_of_at: datetime, changed: Sequence[str]) -> None:
    """Says in the file itself what it is, and shows the live marts that were not computed anew as views."""
    with _with_live(built, warehouse) as (connection, live):
        connection.execute(
            "create table marts.replay as select ? as replay_name, cast(? as timestamp) as as_of_at, "
            "? as changed_seeds, (select max(ruleset_version) from marts.fct_contact_scores) as ruleset_version, "
            "(select max(code_version) from marts.fct_contact_scores) as code_version",
            [name, as_of_at, ", ".join(changed)],
        )
        for (mart,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts' "
            "except select table_name from information_schema.tables where table_catalog = ? "
            "and table_schema = 'marts' order by 1",
            [live, CATALOG],
        ).fetchall():
            connection.execute(f'create view marts."{mart}" as select * from "{live}".marts."{mart}"')


@contextmanager
def _with_live(built: Path, warehouse: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    live = warehouse.stem
    if live == CATALOG:
        raise ReplayRefused(f"The warehouse cannot be called {warehouse.name}: replays bear that name. Rename it.")
    with duckdb.connect(str(built)) as connection:
        connection.execute(f'attach {_text(warehouse)} as "{live}" (read_only)')
        yield connection, live


@contextmanager
def _only_one(replays_dir: Path) -> Iterator[Path]:
    """The folder replays are built in, for one process at a time."""
    work = replays_dir / _WORK
    work.mkdir(parents=True, exist_ok=True)
    with (replays_dir / "work.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReplayRefused("Another replay is running. Wait for it to end.") from None
        yield work


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
