"""Whether the instant path agrees with the marts beside it: scores without new events are those that were published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from instant.leaves import SCHEMA
from instant.scoring import InstantScorer, OverBudget

_KEYS = {"fct_contact_scores": "contact_id", "fct_account_scores": "account_id", "fct_score_ledger": "ledger_id"}


@dataclass(frozen=True)
class Difference:
    """A row that the instant path computes otherwise than the build did. ``columns`` are those that differ; all of the
    mart's when only one side has the row."""

    mart: str
    key: str
    account_id: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Agreement:
    """``accounts`` were compared, ``skipped`` had too many events to be scored at once."""

    accounts: int
    skipped: int
    differences: tuple[Difference, ...]


def agreement(snapshot: Path, accounts: int = 20, manifest_path: Path | None = None) -> Agreement:
    """Scores so many accounts of a snapshot at its own moment and compares every row and column with its marts.

    Args:
        snapshot: a published snapshot.
        accounts: how many, taken by a hash of their ids.
        manifest_path: as for ``InstantScorer``.

    Raises:
        NotScorable: the snapshot was published without what the instant path reads.
    """
    scorer = InstantScorer(manifest_path, snapshot)
    differences: list[Difference] = []
    skipped = 0
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        row = connection.execute(f"select as_of_at from {SCHEMA}.built_from").fetchone()
        assert row is not None
        chosen = connection.execute(
            "select account_id from marts.dim_accounts order by hash(account_id) limit ?", [accounts]
        ).fetchall()
        for (account_id,) in chosen:
            try:
                found = scorer.score(account_id, [], [], row[0])
            except OverBudget:
                skipped += 1
                continue
            computed = {
                "fct_contact_scores": found.contacts,
                "fct_account_scores": [found.account] if found.account is not None else [],
                "fct_score_ledger": found.ledger,
            }
            for mart, rows in computed.items():
                differences += _compared(connection, mart, account_id, rows)
    return Agreement(len(chosen) - skipped, skipped, tuple(differences))


def _compared(
    connection: duckdb.DuckDBPyConnection, mart: str, account_id: str, rows: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    key = _KEYS[mart]
    published = connection.execute(f"select * from marts.{mart} where account_id = ?", [account_id])
    columns = [str(column[0]) for column in published.description or ()]
    wanted = {row[columns.index(key)]: dict(zip(columns, row, strict=True)) for row in published.fetchall()}
    found = {row[key]: row for row in rows}
    return [
        Difference(
            mart,
            name,
            account_id,
            tuple(
                column
                for column in columns
                if name not in found or name not in wanted or found[name][column] != wanted[name][column]
            ),
        )
        for name in sorted({*wanted, *found})
        if found.get(name) != wanted.get(name)
    ]
