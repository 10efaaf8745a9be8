"""Scores can be explained, and the explanation adds up, on a snapshot that was really built."""

from __future__ import annotations

import subprocess
import sys

from e2e_installation import Demo

from leadhouse.explain import explain
from leadhouse.settings import PROJECT_DIR


def test_explanations_add_up(demo: Demo) -> None:
    scores = demo.rows(
        "(select contact_id, score from marts.fct_contact_scores order by exclusion_reason is null, md5(contact_id) "
        "limit 30) union all (select account_id, score from marts.fct_account_scores order by md5(account_id) limit 30)"
    )
    assert len(scores) == 60
    for number, (entity_id, score) in enumerate(scores):
        told = explain(demo.installation.published.resolve(), entity_id, "pt" if number % 2 else "en")
        assert told.sum_of_lines == told.score == score
        assert told.score_lo <= told.score <= told.score_hi


def test_the_command_explains_the_hottest_account(demo: Demo) -> None:
    ((account_id,),) = demo.rows(
        "select account_id from marts.fct_account_scores order by score desc, account_id limit 1"
    )
    done = subprocess.run(
        [sys.executable, "-m", "leadhouse.cli", "explain", account_id, "--language", "pt"],
        cwd=PROJECT_DIR,
        env=demo.installation.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Soma das linhas" in done.stdout
