"""A snapshot whose marts say something else than the instant path is noticed, by mart, row and column."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb
from scored_world import COMPANIES, Built

from instant.agreement import Difference, agreement


def test_a_snapshot_agrees_with_itself(built: Built) -> None:
    found = agreement(built.published, accounts=10)
    assert (found.accounts, found.skipped, found.differences) == (10, 0, ())


def test_what_differs_is_named(built: Built, accounts: Mapping[int, str], tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot.duckdb"
    shutil.copy(built.published.resolve(), snapshot)
    with duckdb.connect(str(snapshot)) as connection:
        connection.execute(
            "update marts.fct_account_scores set score = score + 0.000001 where account_id = ?", [accounts[3]]
        )
    found = agreement(snapshot, accounts=2 * COMPANIES)
    assert found.differences == (Difference("fct_account_scores", accounts[3], accounts[3], ("score",)),)
