"""The served pages on the demo's published snapshot: every account and many people, in both languages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import cycle

import httpx
from e2e_installation import Demo

from serve.app import create_app
from serve.gate import Door
from serve.history import account_history, contact_history
from serve.sessions import Token
from serve.snapshot import Snapshots

TOKEN = "a-token-for-the-demo"
SUM = {"en": "equals the score", "pt": "igual à pontuação"}


def test_every_account_and_many_people_are_shown(demo: Demo) -> None:
    accounts = demo.rows("select account_id from marts.fct_account_scores order by account_id")
    people = demo.rows(
        "select contact_id from marts.dim_contacts "
        "order by is_opted_out desc, account_id is null desc, contact_id limit 60"
    )
    languages = cycle(SUM)
    records = [
        (f"/{language}/{folder}/{identifier}", SUM[language])
        for folder, rows in (("accounts", accounts), ("people", people))
        for (identifier,), language in zip(rows, languages, strict=False)
    ]
    lists = [("/en/accounts", "Accounts"), ("/pt/people", "Pessoas"), ("/en/search?q=silva", "silva")]
    asyncio.run(ask(demo, [*records, *lists]))


async def ask(demo: Demo, pages: Sequence[tuple[str, str]]) -> None:
    """Asks for pages, each of which has to hold a text."""
    snapshots = Snapshots(demo.installation.published)
    transport = httpx.ASGITransport(create_app(snapshots, Door(Token(TOKEN))))
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=bearer) as client:
        for path, text in pages:
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert text in answer.text, path
    snapshots.close()


def test_what_is_drawn_ends_at_the_published_scores(demo: Demo) -> None:
    snapshots = Snapshots(demo.installation.published)
    with snapshots.reading() as reading:
        now = reading.stamp.as_of_at
        for row in reading.rows("select contact_id, account_id, fit_score, score from marts.fct_contact_scores"):
            points = contact_history(
                reading.cursor, row["contact_id"], row["account_id"], row["fit_score"], now, weeks=1
            )
            assert points[-1].score == row["score"], row["contact_id"]
        for row in reading.rows("select account_id, fit_score, score from marts.fct_account_scores"):
            points = account_history(reading.cursor, row["account_id"], row["fit_score"], now, weeks=1)
            assert points[-1].score == row["score"], row["account_id"]
    snapshots.close()
