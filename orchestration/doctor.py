"""Whether an installation is set up and looked after (R62): a checklist, each line with what to do.

Settings and rule files are looked at first, so that it helps before the first build; then the warehouse, read-only.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb

from leadhouse.settings import Settings, SettingsError
from orchestration.build_state import refuse_unfinished
from orchestration.errors import BuildFailed
from orchestration.loading import SOURCES

Status = Literal["ok", "look", "missing"]


@dataclass(frozen=True)
class Check:
    """One line of the checklist. ``missing`` makes the doctor end with an error, ``look`` does not."""

    name: str
    status: Status
    found: str
    to_do: str = ""


def examine(settings: Settings, *, now: datetime | None = None) -> list[Check]:
    """Every check, in the order in which things are set up.

    Args:
        settings: of this installation.
        now: the present moment (UTC, without a zone); asked of the clock by default.
    """
    moment = now or datetime.now(UTC).replace(tzinfo=None)
    checks = [*_sources(settings), _rules(settings.seeds_dir)]
    if checks[-1].status == "ok":
        checks += _contract(settings.seeds_dir, moment.date())
    checks += _build(settings)
    if not settings.warehouse.is_file():
        return [
            *checks,
            Check("warehouse", "missing", "there is none yet", "Run `leadhouse ingest`, `leadhouse build`"),
        ]
    try:
        connection = duckdb.connect(str(settings.warehouse), read_only=True)
    except duckdb.IOException:
        return [*checks, Check("warehouse", "look", "a build holds it now", "Ask again when the build has ended")]
    with connection:
        limits = {row["setting"]: float(row["value"]) for row in _csv(settings.seeds_dir / "audit_settings.csv")}
        for examined in (_clock, _freshness, _owners, _capacity, _currencies, _quarantine, _channels, _outcomes):
            try:
                checks += examined(connection, _Given(settings.seeds_dir, limits, moment))
            except duckdb.CatalogException:
                name = examined.__name__.removeprefix("_")
                checks.append(Check(name, "look", "the warehouse has no such marts yet", "Run `leadhouse build`"))
    return checks


@dataclass(frozen=True)
class _Given:
    """What the checks of a warehouse are told: the rules, the limits of audit_settings.csv, the present."""

    seeds_dir: Path
    settings: Mapping[str, float]
    now: datetime


def _sources(settings: Settings) -> Iterator[Check]:
    configured = [name for name, source in SOURCES.items() if name != "ops" and source.is_configured(settings)]
    if not configured:
        to_do = "Set LEADHOUSE_HUBSPOT_BASE_URL and a token, or the folders of files (docs/interfaces.md)"
        yield Check("sources", "missing", "none is configured", to_do)
        return
    yield Check("sources", "ok", ", ".join(configured))
    credentials = {"hubspot": settings.hubspot_access, "salesforce": settings.salesforce_access}
    for name in configured:
        if name in credentials:
            try:
                credentials[name]()
            except SettingsError as error:
                yield Check("CRM token", "missing", f"{name}: no credentials that can be used", str(error))


def _rules(seeds_dir: Path) -> Check:
    from leadhouse.rules import check_rules

    problems = check_rules(seeds_dir)
    if not problems:
        return Check("rules", "ok", "every rule file checks")
    return Check("rules", "missing", f"{len(problems)} problems, first: {problems[0]}", "Run `leadhouse check-rules`")


def _contract(seeds_dir: Path, today: date) -> Iterator[Check]:
    valid = [row for row in _csv(seeds_dir / "sla_contracts.csv") if row["valid_from"] <= today.isoformat()]
    if not valid:
        yield Check("contract", "missing", "none is valid today", "Agree on one and write it into sla_contracts.csv")
        return
    yield Check("contract", "ok", ", ".join(f"{row['contract_id']} {row['version']}" for row in valid))
    unsigned = [
        row["label_en"]
        for row in _csv(seeds_dir / "contract_signatures.csv")
        if not row["name"] or not row["signed_on"] or row["signed_on"] > today.isoformat()
    ]
    if unsigned:
        to_do = "Let both sides read the page of the contract, then write name and day into contract_signatures.csv"
        yield Check("signatures", "missing", f"not signed by: {', '.join(unsigned)}", to_do)
    else:
        yield Check("signatures", "ok", "both sides signed")


def _build(settings: Settings) -> Iterator[Check]:
    try:
        refuse_unfinished(settings.data_dir)
    except BuildFailed:
        yield Check("last build", "missing", "it did not end green", "Find the failed model or test, `leadhouse build`")
        return
    if settings.current_snapshot.exists():
        yield Check("last build", "ok", f"green; published as {settings.current_snapshot.resolve().stem}")
    else:
        yield Check("last build", "missing", "nothing is published yet", "Run `leadhouse build`")


def _clock(connection: duckdb.DuckDBPyConnection, _given: _Given) -> Iterator[Check]:
    as_of_at, pinned = _one(connection, "select as_of_at, coalesce(pinned, false) from raw_ops.run_clock")
    if pinned:
        yield Check("clock", "look", f"pinned to {as_of_at:%Y-%m-%d %H:%M} UTC", "`leadhouse clock --live` unpins it")
    else:
        yield Check("clock", "ok", "live")


def _freshness(connection: duckdb.DuckDBPyConnection, given: _Given) -> Iterator[Check]:
    (as_of_at,) = _one(connection, "select max(as_of_at) from marts.fct_contact_scores")
    if as_of_at is None:
        yield Check("scores", "missing", "nobody is scored", "Run `leadhouse ingest` and `leadhouse build`")
        return
    hours = (given.now - as_of_at) / timedelta(hours=1)
    old = hours > given.settings["build_fresh_hours"]
    found = f"as of {as_of_at:%Y-%m-%d %H:%M} UTC, {hours:,.0f} hours ago"
    yield _looked("scores", old, found, "Run `leadhouse refresh`, or see why the schedule did not")


def _owners(connection: duckdb.DuckDBPyConnection, _given: _Given) -> Iterator[Check]:
    unowned, unknown, total = _one(
        connection,
        """
        with owners as (
            select owner_id from intermediate.int_crm_owners where not coalesce(is_archived, false)
            union all
            select record_id from staging.stg_files__owners
        )
        select
            count(*) filter (where owner_id is null),
            count(*) filter (where owner_id is not null and owner_id not in (select owner_id from owners)),
            count(*)
        from marts.fct_routing
        where is_current and route in (select route from config.routes where assigns_owner)
        """,
    )
    wrong = [
        text
        for count, text in ((unowned, f"{unowned} leads have no owner"), (unknown, f"{unknown} have one that is gone"))
        if count
    ]
    to_do = "Give the team of their route owners in sales_teams.csv, or correct the owner in the CRM"
    yield _looked("owners", wrong, ", ".join(wrong) or f"{total:,} routes, each with an active owner", to_do)


def _capacity(connection: duckdb.DuckDBPyConnection, given: _Given) -> Iterator[Check]:
    values = {row["setting"]: float(row["value"]) for row in _csv(given.seeds_dir / "capacity.csv")}
    places = values["callers"] * values["calls_per_caller_and_week"] / values["calls_per_mql"]
    ((busiest,),) = connection.execute(
        "select coalesce(max(handed_over), 0) from (select count(*) as handed_over from marts.fct_handoffs "
        "group by date_trunc('week', mql_at) order by date_trunc('week', mql_at) desc limit 13)"
    ).fetchall()
    found = f"{places:.0f} MQLs a week; the busiest of the last weeks had {busiest}"
    over = busiest > places
    yield _looked("capacity", over, found, "Raise the lines of stage_thresholds.csv, or capacity.csv")


def _currencies(connection: duckdb.DuckDBPyConnection, _given: _Given) -> Iterator[Check]:
    rows = connection.execute(
        """
        with amounts as (
            select currency, cast(created_at as date) as on_day from marts.fct_opportunities where amount is not null
            union all
            select currency, spend_on from staging.stg_ads__spend
        )
        select amounts.currency, count(*)
        from amounts
        where
            amounts.currency is not null
            and not exists (
                select 1 from config.currency_rates as rates
                where rates.currency = amounts.currency and rates.valid_from <= amounts.on_day
            )
        group by all order by 2 desc
        """
    ).fetchall()
    listed = ", ".join(f"{count} in {currency}" for currency, count in rows)
    to_do = "Add the rate, valid from before the first amount, to currency_rates.csv"
    yield _looked("currency rates", rows, f"amounts without a rate: {listed}" if rows else "cover every amount", to_do)


def _quarantine(connection: duckdb.DuckDBPyConnection, given: _Given) -> Iterator[Check]:
    limit = given.settings["quarantine_max_share"]
    rows = connection.execute(
        "select source, entity, quarantined, raw_records from marts.mart_record_conservation "
        "where quarantined > ? * raw_records order by 1.0 * quarantined / raw_records desc",
        [limit],
    ).fetchall()
    listed = ", ".join(f"{source} {entity} {100 * bad / raw:.1f} %" for source, entity, bad, raw in rows)
    to_do = "Read mart_quarantine: each record says what to correct in its source"
    yield _looked("quarantine", rows, listed or f"below {100 * limit:g} % of every source", to_do)


def _channels(connection: duckdb.DuckDBPyConnection, given: _Given) -> Iterator[Check]:
    lost, total = _one(
        connection,
        "select count(*) filter (where coalesce(channel, 'unassigned') = 'unassigned'), count(*) "
        "from marts.fct_touches where is_attributable",
    )
    share = lost / total if total else 0
    over = share > given.settings["unassigned_max_share"]
    to_do = "Add their sources to traffic_sources.csv and channel_rules.csv"
    yield _looked("channels", over, f"{100 * share:.1f} % of touches have no channel", to_do)


def _outcomes(connection: duckdb.DuckDBPyConnection, _given: _Given) -> Iterator[Check]:
    (unknown,) = _one(connection, "select count(*) from marts.mart_quarantine where reason_code = 'unknown_outcome'")
    to_do = "Correct them in the CRM, or add the outcome to activity_outcomes.csv"
    yield _looked(
        "outcomes",
        unknown,
        f"{unknown} activities with an outcome that is not listed" if unknown else "every outcome is listed",
        to_do,
    )


def _looked(name: str, wrong: object, found: str, to_do: str) -> Check:
    return Check(name, "look", found, to_do) if wrong else Check(name, "ok", found)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchall()[0]


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{name: (value or "").strip() for name, value in row.items()} for row in csv.DictReader(file)]
