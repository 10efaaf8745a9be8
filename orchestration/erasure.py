"""Erasing a person: what leaves, in which order, and the proof that it left.

Every step may be repeated, so a killed erasure is finished by running it again; what it has to remove is kept in a
dossier (``<data_dir>/erasures``, readable for its owner only) until the last step. The order:

1. the tombstones and the deletions in the CRMs are recorded in the operational store: from here on nothing of the
   person is loaded or sent;
2. the warehouse, in one transaction, then written anew so that the bytes are gone;
3. every published snapshot, under a new name (readers may hold the old file open), and the link;
4. replays;
5. the operational store's plans, writes and dead letters;
6. the collector's inbox;
7. the loaders' working files;
8. the proof is closed and the dossier deleted.
"""

from __future__ import annotations

import csv
import getpass
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.erasure_person import Dossier, ErasureRefused, find_person
from orchestration.erasure_purge import opened_for_good, preview, purge, remaining, write_anew
from orchestration.publish import LINK_NAME, swap_link
from privacy import ErasureKey, make_key
from reverse_etl.forget import forget
from reverse_etl.store import Store
from reverse_etl.suppressions import erasure_rows, record_tombstones, start_erasure, update_erasure

#: Folder of the dossiers, below the data folder.
FOLDER = "erasures"
#: Seconds to wait for a program that reads the warehouse or loads into it.
_PATIENCE = 20.0
#: The largest file that is searched for addresses after an erasure, in one piece.
_BLOCK = 16 * 1024 * 1024

STEPS = ("tombstones", "warehouse", "published", "replays", "store", "inbox", "pipelines", "proof")


@dataclass(frozen=True)
class Places:
    """Where an installation keeps what it knows."""

    data_dir: Path
    warehouse: Path
    published: Path
    replays: Path
    pipelines: Path
    seeds: Path
    ops_url: str
    #: The erasure key from the environment; None: the file in the data folder.
    key: str | None = field(default=None, repr=False)
    #: The collector's inbox; None: there is none.
    inbox_url: str | None = None

    def erasure_key(self) -> ErasureKey:
        """The key, made when there is none yet."""
        return make_key(self.data_dir, self.key)

    def dossier(self, erasure_id: str) -> Path:
        """The file of an erasure that is under way."""
        return self.data_dir / FOLDER / f"{erasure_id}.json"


@dataclass(frozen=True)
class Named:
    """A line of a rule file that names the person: only its owner may change it."""

    file: str
    row: int
    column: str


@dataclass
class ErasureReport:
    """What an erasure did. ``counts`` are rows by place; ``left`` files that still hold an address of the person."""

    erasure_id: str
    counts: dict[str, int] = field(default_factory=dict)
    crm_deletions: int = 0
    named_in_rules: list[Named] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0


def look(places: Places, email: str, *, everyone: bool = False) -> tuple[Dossier, dict[str, int], list[Named]]:
    """What an erasure would remove: the dossier, rows by table of the warehouse, lines of rule files that name the
    person. Nothing is changed.

    Raises:
        ErasureRefused: see :func:`find_person`.
    """
    dossier = _known(places, email, find_person(places.warehouse, email, everyone=everyone))
    if dossier.owners:
        raise ErasureRefused(
            f"{email} is a user of the CRM (an owner of records), not a lead: remove the user there; what they did "
            "there stays"
        )
    counts: dict[str, int] = {}
    if places.warehouse.exists():
        with duckdb.connect(str(places.warehouse), read_only=True) as connection:
            counts = preview(connection, dossier)
    return dossier, counts, named_in_rules(places.seeds, dossier)


def begin(places: Places, dossier: Dossier, *, reason: str | None = None, requested_by: str | None = None) -> str:
    """Record that the person is to be erased; returns the erasure's id. From here on nothing of them is loaded or sent.

    Raises:
        StoreError: the operational store cannot be written.
    """
    key = places.erasure_key()
    with Store(places.ops_url) as store:
        erasure_id = start_erasure(store, key, dossier.email, reason, requested_by or getpass.getuser())
        dossier.erasure_id = erasure_id
        dossier.save(places.dossier(erasure_id))
        _record(store, key, dossier)
    return erasure_id


def carry_out(places: Places, erasure_id: str, on_step: Callable[[str], None] = lambda _step: None) -> ErasureReport:
    """Remove the person everywhere. May be stopped or killed at any moment and run again.

    ``on_step`` is told each step (``STEPS``) before it begins.

    Raises:
        ErasureRefused: there is no such erasure under way, or a file is in use by another program.
    """
    started = time.monotonic()
    path = places.dossier(erasure_id)
    if not path.exists():
        raise ErasureRefused(f"{erasure_id}: no such erasure is under way; start one with `leadhouse erase EMAIL`")
    key = places.erasure_key()
    report = ErasureReport(erasure_id)
    with Store(places.ops_url) as store:
        earlier = next((row for row in erasure_rows(store) if row["erasure_id"] == erasure_id), None)
        report.counts = json.loads(earlier["counts"]) if earlier else {}
        on_step("tombstones")
        # Looked for once more: something may have been loaded since the person was found.
        dossier = Dossier.load(path)
        found = find_person(places.warehouse, dossier.email, everyone=True)
        dossier = dossier.merged(found)
        dossier.save(path)
        _record(store, key, dossier)
        report.crm_deletions = len(dossier.crm_records)
        steps: dict[str, Callable[[], dict[str, int]]] = {
            "warehouse": lambda: _rewrite_in_place(places.warehouse, dossier),
            "published": lambda: _rewrite_published(places.published, dossier),
            "replays": lambda: _rewrite_replays(places.replays, dossier),
            "store": lambda: forget(
                store,
                records=dossier.crm_records,
                contact_ids=[*dossier.contact_ids, *dossier.record_keys],
                addresses=dossier.addresses,
                names=() if dossier.has_namesake else dossier.names,
            ),
            "inbox": lambda: _rewrite_inbox(places.inbox_url, dossier),
            "pipelines": lambda: _drop_working_files(places.pipelines),
        }
        for step, run in steps.items():
            on_step(step)
            for place, rows in run().items():
                # A step that is repeated finds less: what it removed the first time counts.
                report.counts[place] = max(rows, report.counts.get(place, 0))
            update_erasure(store, erasure_id, json.dumps(report.counts, sort_keys=True))
        on_step("proof")
        report.named_in_rules = named_in_rules(places.seeds, dossier)
        report.left = files_with(places, dossier)
        report.counts["crm.records_to_delete"] = report.crm_deletions
        update_erasure(store, erasure_id, json.dumps(report.counts, sort_keys=True), finished=True)
    path.unlink()
    report.seconds = time.monotonic() - started
    return report


def under_way(places: Places) -> list[str]:
    """Ids of erasures that were begun and not finished."""
    return sorted(path.stem for path in (places.data_dir / FOLDER).glob("*.json"))


def _known(places: Places, email: str, found: Dossier) -> Dossier:
    """With what an interrupted erasure of the same mailbox knew."""
    for erasure_id in under_way(places):
        earlier = Dossier.load(places.dossier(erasure_id))
        if set(earlier.addresses) & {*found.addresses, email.strip().lower()}:
            return found.merged(earlier)
    return found


def _record(store: Store, key: ErasureKey, dossier: Dossier) -> None:
    record_tombstones(
        store,
        key,
        dossier.erasure_id,
        emails=dossier.addresses,
        phones=[one for one in dossier.phones if one.startswith("+") and one[1:].isdigit()],
        identifiers=[
            *(("events.anonymous_id", one) for one in dossier.devices),
            *(("events.user_id", one) for one in dossier.ids_of("events", "hubspot")),
            *(
                (f"files.{source}", one)
                for source, _, one in dossier.records
                if source not in ("hubspot", "salesforce", "events", "hubspot_forms")
            ),
            *((table, one) for table, one in dossier.activities),
        ],
        records=dossier.crm_records,
    )


# -- files -------------------------------------------------------------------------------------------------------------


@contextmanager
def _held(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            opened = opened_for_good(path)
            connection = opened.__enter__()
            break
        except duckdb.Error as error:
            if time.monotonic() > deadline:
                raise ErasureRefused(
                    f"{path} is in use by another program ({str(error).splitlines()[0]}). Let it end, then run the "
                    "erasure again: it goes on where it stopped"
                ) from error
            time.sleep(0.3)
    try:
        yield connection
    finally:
        opened.__exit__(None, None, None)


def _rewrite_in_place(path: Path, dossier: Dossier, label: str = "") -> dict[str, int]:
    """Purge a file and put a new one in its place. Whoever waits for the old one finds the new one under its name."""
    fresh = path.with_name(f".{path.name}.erasing")
    for leftover in (fresh, fresh.with_name(fresh.name + ".wal")):
        leftover.unlink(missing_ok=True)
    if not path.exists():
        return {}
    with _held(path) as connection:
        counts = purge(connection, dossier)
        left = remaining(connection, dossier)
        if left:
            raise ErasureRefused(f"{path}: still names the person in {', '.join(sorted(left))}; please report this")
        write_anew(connection, fresh)
        shutil.copymode(path, fresh)
        # While this process still holds the old file: nobody can write to it any more.
        os.replace(fresh, path)  # noqa: PTH105
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    return {f"{label}{table}": rows for table, rows in counts.items()}


def _rewrite_published(folder: Path, dossier: Dossier) -> dict[str, int]:
    """Each snapshot that names the person, under a new name; the link first, then the old file goes."""
    counts: dict[str, int] = {}
    if not folder.is_dir():
        return counts
    for leftover in folder.glob(".*.erasing*"):
        leftover.unlink()
    link = folder / LINK_NAME
    current = link.resolve() if link.is_symlink() else None
    files = sorted(path for path in folder.glob("*.duckdb") if not path.is_symlink())
    for path in files:
        stem, _, _ = path.stem.partition("-erased-")
        final = path.with_name(f"{stem}-erased-{secrets.token_hex(3)}.duckdb")
        work = folder / f".{final.name}.erasing"
        shutil.copyfile(path, work)
        with opened_for_good(work) as connection:
            found = purge(connection, dossier)
            if found:
                # Under the snapshot's own catalog name nothing depends on; views are not published.
                write_anew(connection, folder / f".{final.name}.erasing2")
        work.unlink()
        if not found:
            continue
        fresh = folder / f".{final.name}.erasing2"
        modified = path.stat()
        fresh.rename(final)
        # The age decides which snapshots are kept.
        os.utime(final, ns=(modified.st_atime_ns, modified.st_mtime_ns))
        if current is not None and path.resolve() == current:
            swap_link(link, final)
            current = final.resolve()
        path.unlink()
        counts |= {f"published.{table}": counts.get(f"published.{table}", 0) + rows for table, rows in found.items()}
    return counts


def _rewrite_replays(folder: Path, dossier: Dossier) -> dict[str, int]:
    counts: dict[str, int] = {}
    for path in sorted(folder.rglob("*.duckdb")) if folder.is_dir() else []:
        for table, rows in _rewrite_in_place(path, dossier, "replays.").items():
            counts[table] = counts.get(table, 0) + rows
    return counts


def _rewrite_inbox(inbox_url: str | None, dossier: Dossier) -> dict[str, int]:
    if inbox_url is None:
        return {}
    from instant.forget import forget as forget_events
    from instant.inbox import Inbox

    with Inbox(inbox_url) as inbox:
        return forget_events(
            inbox,
            addresses=dossier.addresses,
            user_ids=dossier.ids_of("events", "hubspot"),
            devices=dossier.devices,
            message_ids=dossier.events,
        )


def _drop_working_files(folder: Path) -> dict[str, int]:
    """The loaders' unfinished packages: what they hold is read again, without the person."""
    dropped = 0
    for kind in ("load", "normalize", "extract"):
        for package in folder.glob(f"*/{kind}"):
            dropped += sum(1 for path in package.rglob("*") if path.is_file())
            shutil.rmtree(package)
    return {"pipelines.files": dropped} if dropped else {}


def named_in_rules(seeds: Path, dossier: Dossier) -> list[Named]:
    """Lines of rule files that name the person by address, record or number."""
    wanted = {one.lower() for one in (*dossier.addresses, *dossier.ids_of(), *dossier.phones)}
    found: list[Named] = []
    for path in sorted(seeds.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                found += [
                    Named(path.name, number, str(column))
                    for column, value in row.items()
                    if isinstance(value, str) and value.strip().lower() in wanted
                ]
    return found


def files_with(places: Places, dossier: Dossier) -> list[str]:
    """Files of the data folder whose bytes hold an address of the person (the dossier itself aside)."""
    needles = [one.encode() for one in dossier.addresses if "@" in one]
    found = []
    skipped = {places.data_dir / FOLDER, places.data_dir / "sandbox", places.data_dir / "world"}
    for path in sorted(places.data_dir.rglob("*")):
        if path.is_symlink() or not path.is_file() or skipped & set(path.parents):
            continue
        if _holds(path, needles):
            found.append(path.relative_to(places.data_dir).as_posix())
    return found


def _holds(path: Path, needles: list[bytes]) -> bool:
    longest = max((len(needle) for needle in needles), default=0)
    before = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            text = (before + block).lower()
            if any(needle in text for needle in needles):
                return True
            before = block[-longest:] if longest else b""
    return False


def proofs(places: Places) -> list[dict[str, object]]:
    """The erasures of this installation, oldest first: id, moments, state, rows by place; no personal data."""
    with Store(places.ops_url) as store:
        rows = erasure_rows(store)
    return [
        {
            "erasure_id": row["erasure_id"],
            "requested_at": _iso(row["requested_at"]),
            "finished_at": _iso(row["finished_at"]),
            "requested_by": row["requested_by"],
            "reason": row["reason"],
            "state": row["state"],
            "counts": json.loads(row["counts"]),
        }
        for row in rows
    ]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds") + "Z"
