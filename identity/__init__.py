"""The matcher: which two records are one person, how sure that is, and why.

Rules (what is compared) are a YAML file, weights are learned and committed beside it, scoring is Splink 5 on the
warehouse's own DuckDB connection. :mod:`identity.resolve` turns links and scored pairs into clusters.
``docs/matching.md`` is the handbook.
"""

from identity.blocking import block_keys_sql
from identity.errors import IdentityError, SpecError, TrainingError
from identity.scoring import score
from identity.spec import Spec, load_spec
from identity.trained import Trained, load_trained, save_trained, spec_version
from identity.training import train

__all__ = [
    "IdentityError",
    "Spec",
    "SpecError",
    "Trained",
    "TrainingError",
    "block_keys_sql",
    "load_spec",
    "load_trained",
    "save_trained",
    "score",
    "spec_version",
    "train",
]
