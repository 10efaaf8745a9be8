"""The sample world's Parquet files, brought into a portal's database: the first day in bulk, the second as changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.common.world_files import DAY_MS, World, batches, schema
from sandbox.server.catalog import (
    ASSOCIATIONS_BY_KEY,
    INVERSE_ASSOCIATION,
    OBJECT_TYPES,
    ObjectType,
    find_object_type,
)
from sandbox.server.clock import iso
from sandbox.server.definitions import Definitions
from sandbox.server.errors import SandboxError
from sandbox.server.records import WriteSource, unique_key, unique_keys
from sandbox.server.storage import build_indexes, drop_indexes, get_meta, set_meta, transaction

if TYPE_CHECKING:
    from sandbox.server.portal import Portal

_RECORD_COLUMNS = ("id", "created_at", "updated_at", "archived", "archived_at")
#: Who changes records between the two days, as their history shows it.
_SALES_TEAM = WriteSource("CRM_UI")


# The first day ----------------------------------------------------------------------------------------------------


def load_world(db: sqlite3.Connection, world: World) -> None:
    """Fill an empty database from the world; a database that already holds this world is left as it is.

    Raises:
        SandboxError: the database holds something else, or a file is missing a column, has a bad value, or repeats
            an id; the message names the file.
    """
    loaded = get_meta(db, "world")
    if loaded == world.fingerprint:
        return
    if loaded is not None or any(
        db.execute(f"SELECT 1 FROM {object_type.table} LIMIT 1").fetchone() for object_type in OBJECT_TYPES
    ):
        why = "its loading was cut short" if loaded == "loading" else f"it does not hold the world in {world.root}"
        raise SandboxError(f"The sandbox's database cannot be used: {why}. Start with --reset, or with another --db")
    set_meta(db, "world", "loading")
    # No journal while loading: a run that is cut short is recognised by the mark above and built again.
    db.execute("PRAGMA journal_mode = OFF")
    folder = world.root / "hubspot"
    definitions = Definitions(db, world.created_ms)
    db.execute("BEGIN")
    drop_indexes(db)
    for object_type in OBJECT_TYPES:
        _load_objects(db, definitions, object_type, folder / f"{object_type.name}.parquet", world.created_ms)
    for name, loader in _LOADERS.items():
        path = folder / f"{name}.parquet"
        try:
            loader(db, path)
        except sqlite3.IntegrityError as error:
            raise SandboxError(f"{path}: {error}; ids must be unique and required columns filled") from error
    try:
        build_indexes(db)
    except sqlite3.IntegrityError as error:
        raise SandboxError(f"{folder}: an id appears twice in form_submissions or email_events ({error})") from error
    set_meta(db, "world", world.fingerprint)
    db.execute("COMMIT")


def _load_objects(
    db: sqlite3.Connection, definitions: Definitions, object_type: ObjectType, path: Path, created_ms: int
) -> None:
    if not path.exists():
        return
    for name in _property_columns(path):
        if name not in object_type.system:
            definitions.ensure_text(object_type, name, created_ms)
    for batch in _object_batches(path, object_type):
        try:
            db.executemany(
                f"INSERT INTO {object_type.table} VALUES (?, ?, ?, ?, ?)",
                [(*row[:4], orjson.dumps(row[4]).decode()) for row in batch],
            )
        except sqlite3.IntegrityError as error:
            raise SandboxError(f"{path}: an id appears twice ({error})") from error
        _keep_keys(db, definitions, object_type, batch)


def _keep_keys(
    db: sqlite3.Connection, definitions: Definitions, object_type: ObjectType, batch: Iterable[_ObjectRow]
) -> None:
    """Unique values of live records and the ids that were merged into them."""
    uniques = []
    merged = []
    for record_id, _, _, archived, properties in batch:
        if archived is None:
            uniques += [
                (object_type.code, name, key, record_id)
                for name, key in unique_keys(definitions, object_type, properties)
            ]
        merged += [(object_type.code, int(old), record_id) for old in _merged_ids(properties)]
    db.executemany("INSERT OR IGNORE INTO unique_values VALUES (?, ?, ?, ?)", uniques)
    db.executemany("INSERT OR REPLACE INTO merged_records VALUES (?, ?, ?)", merged)


def _merged_ids(properties: dict[str, str]) -> list[str]:
    return [old for old in properties.get("hs_merged_object_ids", "").split(";") if old.isdigit()]


# Reading Parquet --------------------------------------------------------------------------------------------------

_ObjectRow = tuple[int, int, int, int | None, dict[str, str]]


def _object_batches(path: Path, object_type: ObjectType) -> Iterator[list[_ObjectRow]]:
    """Records of an object file: id, created, updated, archived at (or None), stored properties."""
    names = _property_columns(path)
    stored = [name for name in names if name not in object_type.system]
    for columns in batches(path, [*_RECORD_COLUMNS, *stored]):
        ids, created, updated, archived, archived_at = columns[:5]
        rows = []
        for i, values in enumerate(zip(*columns[5:], strict=True)):
            properties = {name: value for name, value in zip(stored, values, strict=True) if value is not None}
            gone = (archived_at[i] or updated[i]) if archived[i] else None
            rows.append((_whole(path, ids[i]), created[i], updated[i], gone, properties))
        yield rows


def _property_columns(path: Path) -> list[str]:
    return [name for name in schema(path).names if name not in _RECORD_COLUMNS]


def _whole(path: Path, text: Any) -> int:
    try:
        return int(text)
    except (TypeError, ValueError):
        raise SandboxError(f"{path}: {text!r} is not a record id (a whole number)") from None


def _code(path: Path, name: str) -> int:
    found = find_object_type(name)
    if found is None:
        raise SandboxError(f"{path}: {name!r} is not an object type the sandbox knows")
    return found.code


def _insert(columns: Sequence[str], statement: str) -> Callable[[sqlite3.Connection, Path], int]:
    """A loader that writes the named columns as they are."""

    def load(db: sqlite3.Connection, path: Path) -> int:
        count = 0
        for values in batches(path, columns):
            count += db.executemany(statement, zip(*values, strict=True)).rowcount
        return count

    return load


def _load_associations(db: sqlite3.Connection, path: Path) -> int:
    count = 0
    names = ["from_object", "from_id", "to_object", "to_id", "type_id", "category", "label"]
    codes: dict[str, int] = {}
    for values in batches(path, names):
        rows = []
        for source, from_id, target, to_id, type_id, category, label in zip(*values, strict=True):
            a = codes.get(source) or codes.setdefault(source, _code(path, source))
            b = codes.get(target) or codes.setdefault(target, _code(path, target))
            start, end = _whole(path, from_id), _whole(path, to_id)
            known = ASSOCIATIONS_BY_KEY.get((a, b, type_id))
            rows.append((a, start, b, end, type_id, category, label or (known.label if known else None)))
            back = INVERSE_ASSOCIATION.get((a, b, type_id))
            if back is not None:
                rows.append((b, end, a, start, back, category, ASSOCIATIONS_BY_KEY[(b, a, back)].label))
        count += db.executemany("INSERT OR IGNORE INTO associations VALUES (?, ?, ?, ?, ?, ?, ?)", rows).rowcount
    return count


def _load_history(db: sqlite3.Connection, path: Path) -> int:
    count = 0
    names = [
        "object_type", "object_id", "property", "value", "changed_at", "source_type", "source_id", "updated_by_user_id",
    ]  # fmt: skip
    codes: dict[str, int] = {}
    for values in batches(path, names):
        rows = []
        for kind, object_id, name, value, at, source_type, source_id, user in zip(*values, strict=True):
            code = codes.get(kind) or codes.setdefault(kind, _code(path, kind))
            user_id = int(user) if user is not None and str(user).isdigit() else None
            after = orjson.dumps({name: value}).decode()
            rows.append((code, _whole(path, object_id), at, source_type or "CRM_UI", source_id, user_id, after))
        count += db.executemany(
            "INSERT INTO change_log (object, record_id, at, source_type, source_id, user_id, after) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        ).rowcount
    return count


def _load_forms(db: sqlite3.Connection, path: Path) -> int:
    count = 0
    for values in batches(path, ["id", "name", "form_type", "field_names", "archived", "created_at", "updated_at"]):
        rows = [
            (
                id_,
                name,
                form_type or "hubspot",
                orjson.dumps(_names(fields)).decode(),
                int(bool(archived)),
                made,
                changed,
            )
            for id_, name, form_type, fields, archived, made, changed in zip(*values, strict=True)
        ]
        count += db.executemany("INSERT OR REPLACE INTO forms VALUES (?, ?, ?, ?, ?, ?, ?)", rows).rowcount
    return count


def _names(fields: Any) -> list[str]:
    """Field names from a list, a JSON list, or text separated by ``;`` or ``,``."""
    if fields is None:
        return []
    if isinstance(fields, list):
        return [str(name) for name in fields]
    if fields.startswith("["):
        return [str(name) for name in orjson.loads(fields)]
    return [name.strip() for name in fields.replace(";", ",").split(",") if name.strip()]


_LOADERS: dict[str, Callable[[sqlite3.Connection, Path], int]] = {
    "associations": _load_associations,
    "property_history": _load_history,
    "forms": _load_forms,
    "owners": _insert(
        ["id", "email", "first_name", "last_name", "user_id", "archived", "created_at", "updated_at"],
        "INSERT OR REPLACE INTO owners VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    "deal_stages": _insert(
        [
            "pipeline_id", "pipeline_label", "stage_id", "stage_label", "display_order", "probability", "is_closed",
            "archived",
        ],
        "INSERT OR REPLACE INTO pipeline_stages VALUES (3, ?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    "form_submissions": _insert(
        ["submission_id", "form_id", "submitted_at", "email", "page_url", "answers"],
        "INSERT OR IGNORE INTO form_submissions VALUES (?, ?, ?, ?, ?, ?)",
    ),
    "email_campaigns": _insert(
        ["id", "app_id", "name", "subject", "type"], "INSERT OR REPLACE INTO email_campaigns VALUES (?, ?, ?, ?, ?)"
    ),
    "email_events": _insert(
        ["id", "type", "created_at", "recipient", "campaign_id", "url", "is_machine", "portal_subscription_status"],
        "INSERT OR IGNORE INTO email_events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    ),
}  # fmt: skip


# The second day ---------------------------------------------------------------------------------------------------


def apply_day2(portal: Portal) -> dict[str, Any]:
    """Bring in what the world's second day holds and move the portal's clock to its end.

    Of a record that changed, only the properties that differ from the first day are written: what the API wrote since
    stays. Nothing is dated before the portal's present. Returns ``{"applied", "as_of", "rows"}``; a second call
    changes nothing.

    Raises:
        SandboxError: the world has no second day, or a file of it cannot be used.
    """
    world = portal.world
    if world is None:
        raise SandboxError("A portal without a world has no second day")
    folder = world.root / "day2" / "hubspot"
    end = world.as_of_ms + DAY_MS
    if get_meta(portal.db, "day2_at") is not None:
        return {"applied": False, "as_of": iso(end), "rows": {}}
    if not folder.is_dir():
        raise SandboxError(f"{folder}: does not exist; make the world again, it comes with a second day")
    rows: dict[str, int] = {}
    with transaction(portal.db):
        logged = _logged_properties(folder / "property_history.parquet")
        for object_type in OBJECT_TYPES:
            path = folder / f"{object_type.name}.parquet"
            if path.exists():
                rows[object_type.name] = _apply_objects(portal, object_type, path, logged)
        for name, loader in _LOADERS.items():
            rows[name] = loader(portal.db, folder / f"{name}.parquet")
        set_meta(portal.db, "day2_at", str(end))
    portal.records.forget_stages()
    portal.clock.move_to(end)
    return {"applied": True, "as_of": iso(end), "rows": {name: count for name, count in rows.items() if count}}


def _logged_properties(path: Path) -> set[tuple[int, int, str]]:
    """(object, record id, property) whose history the second day's own file tells."""
    return {
        (_code(path, kind), _whole(path, object_id), name)
        for values in batches(path, ["object_type", "object_id", "property"])
        for kind, object_id, name in zip(*values, strict=True)
    }


def _apply_objects(portal: Portal, object_type: ObjectType, path: Path, logged: set[tuple[int, int, str]]) -> int:
    db, records = portal.db, portal.records
    present = portal.clock.now_ms()
    for name in _property_columns(path):
        if name not in object_type.system:
            portal.definitions.ensure_text(object_type, name, present)
    count = 0
    for batch in _object_batches(path, object_type):
        count += len(batch)
        ids = [row[0] for row in batch]
        known = records.fetch(object_type, ids)
        first_day = _first_day(portal, object_type, set(known))
        for row in batch:
            for old in _merged_ids(row[4]):
                if int(old) in records.live(object_type, [int(old)]) and not records.survivors(object_type, [int(old)]):
                    records.absorb(object_type, row[0], int(old))
            if row[0] not in known:
                record_id, created, updated, archived, properties = row
                db.execute(
                    f"INSERT INTO {object_type.table} VALUES (?, ?, ?, ?, ?)",
                    (record_id, created, max(updated, present), archived, orjson.dumps(properties).decode()),
                )
            else:
                _apply_change(portal, object_type, row, first_day.get(row[0], {}), logged)
        _keep_keys(db, portal.definitions, object_type, batch)
        records.archive(object_type, [row[0] for row in batch if row[3] is not None])
        records.wrote(object_type)
    return count


def _first_day(portal: Portal, object_type: ObjectType, ids: set[int]) -> dict[int, dict[str, str]]:
    """Properties as the world's first day had them, for the records named."""
    assert portal.world is not None
    path = portal.world.root / "hubspot" / f"{object_type.name}.parquet"
    if not ids or not path.exists():
        return {}
    return {row[0]: row[4] for batch in _object_batches(path, object_type) for row in batch if row[0] in ids}


def _apply_change(
    portal: Portal,
    object_type: ObjectType,
    row: _ObjectRow,
    first_day: dict[str, str],
    logged: set[tuple[int, int, str]],
) -> None:
    """Write the properties of one record that the second day changed."""
    record_id, _, updated, _, properties = row
    changed = {
        name: properties.get(name) for name in {*properties, *first_day} if properties.get(name) != first_day.get(name)
    }
    stored = portal.records.fetch(object_type, [record_id])[record_id]
    current: dict[str, str] = orjson.loads(stored.properties)
    before = {name: current.get(name) for name in changed}
    for name, value in changed.items():
        if value is None:
            current.pop(name, None)
        else:
            current[name] = value
    stamp = max(updated, portal.clock.now_ms(), stored.updated)
    portal.db.execute(
        f"UPDATE {object_type.table} SET updated = ?, properties = ? WHERE id = ?",
        (stamp, orjson.dumps(current).decode(), record_id),
    )
    definitions = portal.definitions.of(object_type)
    for name, old in before.items():
        if old is not None and name in definitions and definitions[name].unique:
            portal.db.execute(
                "DELETE FROM unique_values WHERE object = ? AND property = ? AND value = ? AND record_id = ?",
                (object_type.code, name, unique_key(name, old), record_id),
            )
    told = {name: value for name, value in changed.items() if (object_type.code, record_id, name) not in logged}
    if told:
        portal.db.execute(
            "INSERT INTO change_log (object, record_id, at, source_type, source_id, user_id, after, before) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (object_type.code, record_id, stamp, _SALES_TEAM.type, _SALES_TEAM.id, _SALES_TEAM.user_id,
             orjson.dumps(told).decode(), orjson.dumps({name: before[name] for name in told}).decode()),
        )  # fmt: skip
