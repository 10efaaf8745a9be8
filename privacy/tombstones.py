"""What is known of erased people: enough to turn them away, not enough to name them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from privacy.keys import ErasureKey

# Anything in running text that may be an address; what it takes too much of does no harm (its hash is nobody's).
_ADDRESS = re.compile(r"[^\s\"'<>()\[\]{},;:=|\\/]+@[^\s\"'<>()\[\]{},;:=|\\/]+\.[^\s\"'<>()\[\]{},;:=|\\/]+")


@dataclass(frozen=True)
class Tombstones:
    """The tombstones in force, read once and asked often.

    ``records`` are CRM records by (destination, object); ``identifiers`` are hashes of :meth:`ErasureKey.identifier`.
    Empty tombstones need no key.
    """

    key: ErasureKey | None = None
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()
    records: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anybody was erased."""
        return bool(self.emails or self.phones or self.identifiers or self.records)

    def has_email(self, raw: str | None) -> bool:
        """Whether the mailbox, however spelled, is that of somebody erased."""
        return bool(raw) and self.key is not None and bool(self.emails) and self.key.email(raw) in self.emails

    def has_phone(self, e164: str | None) -> bool:
        """Whether the number (E.164) is that of somebody erased."""
        return bool(e164) and self.key is not None and bool(self.phones) and self.key.phone(e164) in self.phones

    def has_identifier(self, scope: str, value: str | None) -> bool:
        """Whether an identifier of that kind is one of somebody erased."""
        if not value or self.key is None or not self.identifiers:
            return False
        return self.key.identifier(scope, value) in self.identifiers

    def records_of(self, destination: str, object_name: str) -> frozenset[str]:
        """Ids of the CRM records of erased people."""
        return self.records.get((destination, object_name), frozenset())

    def addresses_in(self, text: str | None) -> list[str]:
        """The addresses of erased people that stand in a text, as written there."""
        if not text or "@" not in text or not self.emails:
            return []
        found = (match.strip(".") for match in _ADDRESS.findall(text))
        return [address for address in dict.fromkeys(found) if self.has_email(address)]

    def clean_text(self, text: str | None) -> str | None:
        """The text without the addresses of erased people."""
        for address in self.addresses_in(text):
            assert text is not None
            text = text.replace(address, ERASED)
        return text

    def erased_emails(self, addresses: Iterable[str | None]) -> set[str]:
        """Those of the addresses that are of erased people."""
        return {address for address in addresses if address and self.has_email(address)}


#: What stands where a name or an address stood.
ERASED = "[erased]"
#: Nobody was erased.
NO_TOMBSTONES = Tombstones()
