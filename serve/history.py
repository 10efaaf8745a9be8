"""Scores over time, from the daily buckets of ``mart_engagement_days``.

What is told: the score that today's rules give at the start of a past day (UTC), from everything that had happened by
then. Engagement is exact (the buckets are, docs/engagement.md). Who is who, roles and fit are those known now: the
published marts hold no older ones, and ``leadhouse replay`` takes them from there too. The last point is the published
score itself, to the moment. Statements mirror ``int_contact_engagement`` and ``int_account_committee``; tests hold them
against both, and against a replay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb

#: Points of a year, one a week.
WEEKS = 52

_ENGAGEMENT = """
    points as (select unnest($at) as at, unnest($until) as until_on),

    decayed as (
        select
            points.at,
            days.contact_id,
            days.signal_id,
            cast(
                sum(
                    cast(
                        cast(days.bucket_points as double) * coalesce(
                            power(
                                cast(2 as double),
                                - date_diff('second', cast(days.day_on as timestamp), points.at)
                                / cast(86400 as double)
                                / nullif(signals.half_life_days, 0)
                            ),
                            1
                        ) as decimal(18, 9)
                    )
                ) as decimal(18, 6)
            ) as points
        from days
        inner join marts.dim_engagement_signals as signals on days.signal_id = signals.signal_id
        inner join points on days.counts_from_on <= points.until_on
        group by points.at, days.contact_id, days.signal_id
    ),

    engagement as (
        select
            decayed.at,
            decayed.contact_id,
            sum(
                cast(
                    case
                        when signals.cap >= 0 and decayed.points > signals.cap then signals.cap
                        when signals.cap < 0 and decayed.points < signals.cap then signals.cap
                        else decayed.points
                    end as decimal(18, 6)
                )
            ) as points
        from decayed
        inner join marts.dim_engagement_signals as signals on decayed.signal_id = signals.signal_id
        group by decayed.at, decayed.contact_id
    )
"""

_CONTACT = f"""
with
    -- Rows lie sorted by account: naming it too saves reading all others.
    days as (select * from marts.mart_engagement_days where contact_id = $id and {{of_account}}),

    {_ENGAGEMENT}

select points.at, coalesce(engagement.points, 0) as points
from points
left join engagement on points.at = engagement.at
order by points.at
"""

_ACCOUNT = f"""
with
    days as (select * from marts.mart_engagement_days where account_id = $id),

    settings as (select max(value) as line from marts.dim_scoring_settings where setting = 'engaged_min_score'),

    {_ENGAGEMENT},

    people as (
        select
            points.at,
            coalesce(roles.buying_role, 'unknown') as buying_role,
            coalesce(engagement.points, 0) as points
        from points
        cross join (select contact_id, buying_role from marts.dim_contacts where account_id = $id) as contacts
        left join marts.dim_committee_roles as roles on contacts.buying_role = roles.buying_role
        left join engagement on contacts.contact_id = engagement.contact_id and points.at = engagement.at
    ),

    by_role as (
        select
            people.at,
            people.buying_role,
            count(*) filter (where people.points >= settings.line) as engaged,
            sum(greatest(people.points, 0)) as activity
        from people
        cross join settings
        group by people.at, people.buying_role
    )

select
    points.at,
    coalesce(
        sum(
            cast(least(by_role.engaged, roles.need_count) * roles.coverage_points as decimal(18, 6))
            + least(cast(by_role.activity * roles.weight / 100 as decimal(18, 6)), roles.depth_cap)
        ),
        0
    ) as points
from points
left join by_role on points.at = by_role.at
left join marts.dim_committee_roles as roles on by_role.buying_role = roles.buying_role
group by points.at
order by points.at
"""


@dataclass(frozen=True)
class ScorePoint:
    """The score at one moment (UTC): at the start of a day, or at the moment of the snapshot."""

    at: datetime
    fit: Decimal
    engagement: Decimal

    @property
    def score(self) -> Decimal:
        """Fit and engagement together."""
        return self.fit + self.engagement


def contact_history(
    connection: duckdb.DuckDBPyConnection,
    contact_id: str,
    account_id: str | None,
    fit: Decimal,
    as_of_at: datetime,
    *,
    weeks: int = WEEKS,
) -> list[ScorePoint]:
    """A contact's score at the start of every seventh day and at ``as_of_at``, oldest first.

    Args:
        connection: to a published snapshot.
        contact_id: whose.
        account_id: the contact's account, by which the rows are sorted; None = none.
        fit: the contact's fit as known now.
        as_of_at: moment of the snapshot.
        weeks: how far back.
    """
    query = _CONTACT.format(of_account="account_id is null" if account_id is None else "account_id = $account")
    values = {"id": contact_id} | ({} if account_id is None else {"account": account_id})
    return _read(connection, query, values, fit, moments(as_of_at, weeks), as_of_at)


def account_history(
    connection: duckdb.DuckDBPyConnection, account_id: str, fit: Decimal, as_of_at: datetime, *, weeks: int = WEEKS
) -> list[ScorePoint]:
    """An account's score likewise, of the people and roles that it has now."""
    return _read(connection, _ACCOUNT, {"id": account_id}, fit, moments(as_of_at, weeks), as_of_at)


def moments(as_of_at: datetime, weeks: int) -> list[datetime]:
    """Starts of days a week apart up to the day of ``as_of_at``, then that moment; oldest first."""
    today = datetime.combine(as_of_at.date(), time())
    starts = [today - timedelta(weeks=back) for back in range(weeks, -1, -1)]
    return starts if starts[-1] == as_of_at else [*starts, as_of_at]


def _read(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    values: dict[str, Any],
    fit: Decimal,
    at: Sequence[datetime],
    as_of_at: datetime,
) -> list[ScorePoint]:
    # What happened on the last day up to the moment counts at the moment.
    until: list[date] = [moment.date() + timedelta(days=int(moment == as_of_at)) for moment in at]
    rows = connection.execute(query, values | {"at": list(at), "until": until}).fetchall()
    return [ScorePoint(moment, fit, Decimal(points)) for moment, points in rows]
