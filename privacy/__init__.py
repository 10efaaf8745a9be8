"""Who was erased, told without saying who: keyed hashes of identifiers, and the tombstones made of them.

Used by ``ingestion`` (nobody erased comes back in), ``reverse_etl`` (nobody erased is written) and ``orchestration``
(the erasure itself). Imports nothing of ours but ``hygiene``.
"""

from privacy.keys import ErasureKey, KeyMissingError, PrivacyError, find_key, make_key
from privacy.tombstones import NO_TOMBSTONES, Tombstones

__all__ = [
    "NO_TOMBSTONES",
    "ErasureKey",
    "KeyMissingError",
    "PrivacyError",
    "Tombstones",
    "find_key",
    "make_key",
]
