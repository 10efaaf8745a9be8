"""The secret of the tombstones, and the hashes made with it.

A plain hash of an e-mail address is personal data in all but name: whoever has a list of addresses tries them all. So
identifiers of erased people are kept as HMAC-SHA256 under a secret that is not in the store beside them: it comes from
the environment (``LEADHOUSE_ERASURE_KEY``) or from a file in the data folder that only its owner may read. Without the
secret the tombstones say nothing; with it, they answer one question: is this one of them?
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from hygiene.email import clean_email

#: The key's file in the data folder.
KEY_FILE = "erasure.key"
_LEAST_BYTES = 16
_SEPARATOR = "\x1f"


class PrivacyError(Exception):
    """Base of every error this package raises on purpose. The message is meant for the person who runs it."""


class KeyMissingError(PrivacyError):
    """There are tombstones, and the secret that reads them is not there."""


class ErasureKey:
    """The secret and its hashes. Its bytes are in no ``repr``."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < _LEAST_BYTES:
            raise PrivacyError(f"the erasure key is too short: it needs at least {_LEAST_BYTES} bytes")
        self._secret = secret

    def __repr__(self) -> str:
        return f"ErasureKey({self.key_id})"

    @property
    def key_id(self) -> str:
        """Tells keys apart without telling them: tombstones bear the one they were made with."""
        return self._digest("key")[:12]

    def email(self, raw: str | None) -> str | None:
        """The hash of a mailbox: the same for every spelling of it; None where there is nothing."""
        mailbox = canonical_email(raw)
        return None if mailbox is None else self._digest("email", mailbox)

    def phone(self, e164: str | None) -> str | None:
        """The hash of a number in E.164; None where there is none."""
        return self._digest("phone", e164) if e164 else None

    def identifier(self, scope: str, value: str) -> str:
        """The hash of any other identifier; ``scope`` says what it is one of (``events.anonymous_id``)."""
        return self._digest("id", scope, value)

    def _digest(self, *parts: str) -> str:
        return hmac.new(self._secret, _SEPARATOR.join(parts).encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=200_000)
def canonical_email(raw: str | None) -> str | None:
    """One form for every spelling of a mailbox (no ``+tag``, no dots at Gmail); what is no address, in lower case."""
    text = (raw or "").strip()
    if not text:
        return None
    return clean_email(text).canonical or text.lower()


def find_key(data_dir: Path, secret: str | None = None) -> ErasureKey | None:
    """The installation's key: ``secret`` (from the environment) first, else the file in the data folder.

    Raises:
        PrivacyError: the file cannot be read, or the key is too short.
    """
    if secret:
        return ErasureKey(secret.encode())
    path = data_dir / KEY_FILE
    if not path.exists():
        return None
    try:
        return ErasureKey(path.read_bytes().strip())
    except OSError as error:
        raise PrivacyError(f"{path}: the erasure key cannot be read ({error.strerror}); correct its owner") from error


def make_key(data_dir: Path, secret: str | None = None) -> ErasureKey:
    """The installation's key; made (``0600``) when there is none yet. Of two at once, both get the first one's.

    Raises:
        PrivacyError: the key is too short or cannot be read or written.
    """
    found = find_key(data_dir, secret)
    if found is not None:
        return found
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / KEY_FILE
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(unfinished, path)
        except FileExistsError:
            return make_key(data_dir)
        finally:
            unfinished.unlink()
    except OSError as error:
        raise PrivacyError(f"{path}: the erasure key cannot be written ({error.strerror})") from error
    return ErasureKey(path.read_bytes().strip())
