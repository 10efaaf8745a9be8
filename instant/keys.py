"""Write keys: who may send events, under which name, from where, and how much.

Table ``write_keys``, beside the inbox: one key, by name. Only a hash of the key is kept; the key itself is shown once,
when it is made. Keys are long random texts, so a plain hash is enough; keys of a browser's tracker are public anyway:
they name a source and limit it, they prove nothing.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa

from instant.errors import InboxUnavailable, KeyRefused
from instant.inbox import HUBSPOT, Inbox, utc_now

#: Names become part of lineage (``inbox:<name>``) and of metrics.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
#: Seconds until a key that was added or revoked counts in every running collector.
REFRESH_SECONDS = 2.0

_metadata = sa.MetaData()
_table = sa.Table(
    "write_keys", _metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
    #: The key's first letters, to tell keys apart in a list.
    sa.Column("hint", sa.String, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("revoked_at", sa.DateTime),
    #: JSON list of the origins that browsers may send from; null: any.
    sa.Column("origins", sa.Text),
    #: Null: the installation's settings.
    sa.Column("events_per_second", sa.Integer),
    sa.Column("max_body_bytes", sa.Integer),
)  # fmt: skip


@dataclass(frozen=True)
class WriteKey:
    """One write key. ``name`` is the source of its events; limits of None are those of the settings."""

    name: str
    key_hash: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None
    origins: tuple[str, ...] = ()
    events_per_second: int | None = None
    max_body_bytes: int | None = None


class KeyStore:
    """The write keys of an inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        try:
            _metadata.create_all(inbox.engine)
        except sa.exc.SQLAlchemyError as error:
            raise InboxUnavailable(f"{inbox.shown_url} cannot hold write keys: {type(error).__name__}") from error

    def add(
        self,
        name: str,
        *,
        key: str | None = None,
        origins: Sequence[str] = (),
        events_per_second: int | None = None,
        max_body_bytes: int | None = None,
    ) -> str:
        """Makes a key; returns it, for the only time.

        Args:
            name: of the source, such as ``website``.
            key: an existing key to go on with (a tracker that is in use already); made up if None.
            origins: that browsers may send from, such as ``https://www.example.com``; none named: any.
            events_per_second: see the setting ``collect_events_per_second``.
            max_body_bytes: see the setting ``collect_max_body_bytes``.

        Raises:
            KeyRefused: the name is malformed or in use, or the key is another source's.
        """
        if not _NAME.fullmatch(name) or name == HUBSPOT:
            raise KeyRefused(
                f"{name!r} cannot name a source: lower-case letters, digits, - and _, beginning with a letter, at most "
                f"40 of them; {HUBSPOT} is what webhooks are called"
            )
        if key is not None and not key.strip():
            raise KeyRefused("an empty key would let everybody in")
        made = key or "wk_" + secrets.token_urlsafe(24)
        row = {
            "name": name, "key_hash": hashed(made), "hint": made[:6], "created_at": utc_now(), "revoked_at": None,
            "origins": json.dumps(list(origins)) if origins else None, "events_per_second": events_per_second,
            "max_body_bytes": max_body_bytes,
        }  # fmt: skip
        try:
            with self._inbox.engine.begin() as connection:
                earlier = connection.execute(sa.select(_table).where(_table.c.name == name)).mappings().first()
                if earlier is not None and earlier["revoked_at"] is None:
                    raise KeyRefused(f"{name} has a key already; revoke it first (`leadhouse keys revoke {name}`)")
                connection.execute(_table.delete().where(_table.c.name == name))
                connection.execute(_table.insert().values(**row))
        except sa.exc.IntegrityError as error:
            raise KeyRefused("this key is that of another source") from error
        return made

    def revoke(self, name: str) -> None:
        """From the next refresh on the key opens nothing.

        Raises:
            KeyRefused: there is no such key in use.
        """
        with self._inbox.engine.begin() as connection:
            live = (_table.c.name == name) & _table.c.revoked_at.is_(None)
            if not connection.execute(_table.update().where(live).values(revoked_at=utc_now())).rowcount:
                raise KeyRefused(f"{name}: no such key in use; see `leadhouse keys list`")

    def all(self) -> list[WriteKey]:
        """Every key, revoked ones included, by name.

        Raises:
            InboxUnavailable: the database cannot be read.
        """
        try:
            with self._inbox.engine.connect() as connection:
                rows = connection.execute(sa.select(_table).order_by(_table.c.name)).mappings().fetchall()
        except sa.exc.SQLAlchemyError as error:
            raise InboxUnavailable(f"write keys cannot be read: {type(error).__name__}") from error
        return [WriteKey(**{**row, "origins": tuple(json.loads(row["origins"] or "[]"))}) for row in rows]


class KeyRing:
    """The keys in use, in memory, read anew every few seconds."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._keys: tuple[WriteKey, ...] = ()
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    @property
    def keys(self) -> tuple[WriteKey, ...]:
        """The keys in use, as last read."""
        return self._keys

    @property
    def is_stale(self) -> bool:
        """Whether :meth:`refresh` is due."""
        return time.monotonic() - self._read_at > REFRESH_SECONDS

    def refresh(self) -> None:
        """Reads the keys if it is time to.

        Raises:
            InboxUnavailable: the database cannot be read; the keys known before stay.
        """
        with self._lock:
            if self.is_stale:
                self._keys = tuple(key for key in self._store.all() if key.revoked_at is None)
                self._read_at = time.monotonic()

    def find(self, presented: str) -> WriteKey | None:
        """The key that was presented. Takes as long for a wrong one as for a right one."""
        wanted = hashed(presented)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.key_hash, wanted):
                found = key
        return found


def hashed(key: str) -> str:
    """What is kept of a key."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
