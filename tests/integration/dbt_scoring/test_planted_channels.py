"""Planted channel effects are recovered in rank from the sample world's visits and meetings.

The world plants by which factor the channel of a person's first visit makes an answered request an opportunity
(truth/effects.json). The journeys are those of everybody whom sales reached, until sales reached them; who then met
sales converted (kind sql). Channels of fewer than 20 first visits are left out.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from leadhouse.sandbox_process import ensure_world

from .conftest import Dbt

CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
MODELS = (
    "dim_channels", "int_conversions", "int_conversion_people", "int_touch_runs", "int_journey_touches",
    "int_channel_transitions", "int_channel_effects", "fct_attribution_credits", "int_conversion_credits",
    "mart_channel_credits",
)  # fmt: skip
TABLES = """
create schema intermediate;
create schema marts;
create table intermediate.int_as_of as select cast($as_of as timestamp) as as_of_at;
create table marts.fct_opportunities (
    opportunity_id varchar, account_id varchar, contact_id varchar, stage_kind varchar, created_at timestamp,
    closed_at timestamp, amount_reporting decimal(18, 2)
);
create table intermediate.int_opportunity_contacts (opportunity_id varchar, contact_id varchar);
create temp table people as
    select distinct record_id, person_id from read_parquet($truth || '/people.parquet') where source = 'hubspot';
create temp table reached as
    select people.person_id, min(cast(calls.hs_timestamp as timestamp)) as reached_at
    from read_parquet($crm || '/calls.parquet') as calls
    inner join read_parquet($crm || '/associations.parquet') as links
        on links.from_object = 'calls' and links.to_object = 'contacts' and links.from_id = calls.id
    inner join people on links.to_id = people.record_id
    where calls.hs_call_disposition = $connected
    group by people.person_id;
create temp table met as
    select people.person_id, min(cast(meetings.hs_createdate as timestamp)) as met_at
    from read_parquet($crm || '/meetings.parquet') as meetings
    inner join read_parquet($crm || '/associations.parquet') as links
        on links.from_object = 'meetings' and links.to_object = 'contacts' and links.from_id = meetings.id
    inner join people on links.to_id = people.record_id
    group by people.person_id;
create table marts.fct_touches as
    select
        md5(visits.anonymous_id || visits.session_started_at) as touch_id, visits.person_id as contact_id,
        cast(null as varchar) as account_id, visits.session_started_at as touch_at, 'web_session' as touch_type,
        visits.channel, cast(null as varchar) as campaign, cast(null as varchar) as content, true as is_attributable
    from read_parquet($truth || '/touch_channels.parquet') as visits
    inner join reached on visits.person_id = reached.person_id
    where visits.session_started_at <= reached.reached_at;
create table marts.fct_stage_transitions as
    select
        contact_id, cast(null as varchar) as account_id, cast(null as varchar) as from_stage, 'inquiry' as to_stage,
        min(touch_at) as transition_at
    from marts.fct_touches
    group by contact_id
    union all
    select met.person_id, null, 'inquiry', 'sql', greatest(met.met_at, reached.reached_at)
    from met
    inner join reached on met.person_id = reached.person_id
    where met.person_id in (select contact_id from marts.fct_touches);
"""


@pytest.fixture(scope="module")
def planted(warehouse: Path, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """The models run on the world's truth; the planted factor of each channel."""
    world, _ = ensure_world("medium", tmp_path_factory.mktemp("world") / "medium")
    dbt("seed", "--select", "channels", "reporting_currency", "attribution_models", "attribution_conversions",
        "attribution_settings")  # fmt: skip
    values = {
        "as_of": world.as_of.replace(tzinfo=None),
        "truth": str(world.folder / "truth"),
        "crm": str(world.folder / "hubspot"),
        "connected": CONNECTED,
    }
    with duckdb.connect(str(warehouse)) as connection:
        for statement in TABLES.split(";\n")[:-1]:
            used = {name: value for name, value in values.items() if f"${name}" in statement}
            connection.execute(statement, used)
        # As long as the world is old, so that every first visit is in its journey.
        connection.execute("update config.attribution_conversions set lookback_days = 730")
    dbt("run", "--select", *MODELS)
    effects: dict[str, float] = json.loads((world.folder / "truth" / "effects.json").read_text())["channel_effect"]
    return effects


def rank_correlation(measured: dict[str, float], planted: dict[str, float]) -> float:
    """Spearman's, over the channels measured."""
    channels = sorted(measured)
    ranks = [
        np.argsort(np.argsort([values[channel] for channel in channels], kind="stable"))
        for values in (measured, planted)
    ]
    return float(np.corrcoef(*ranks)[0, 1])


def rates(warehouse: Path, credited: str, journeys: str) -> dict[str, float]:
    """Conversions (query: channel, conversions) for each journey (query: channel, journeys) by channel."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            f"with credited (channel, conversions) as ({credited}), journeys (channel, n) as ({journeys}) "
            "select channel, conversions / n from credited inner join journeys using (channel) "
            "inner join intermediate.int_channel_transitions as starts on starts.to_state = channel "
            "where starts.conversion_kind = 'sql' and starts.from_state = '(start)' and starts.moves >= 20"
        ).fetchall()
    return {channel: float(value) for channel, value in rows}


def test_first_touches_tell_the_planted_order(warehouse: Path, planted: dict[str, float]) -> None:
    measured = rates(
        warehouse,
        "select channel, sum(conversions) from marts.mart_channel_credits "
        "where model = 'first' and conversion_kind = 'sql' group by channel",
        "select to_state, moves from intermediate.int_channel_transitions "
        "where from_state = '(start)' and conversion_kind = 'sql'",
    )
    assert len(measured) >= 7
    assert rank_correlation(measured, planted) >= 0.85
    assert max(measured, key=lambda channel: measured[channel]) == "referral"
    assert min(measured, key=lambda channel: measured[channel]) == "display"
    assert measured["referral"] > 2 * measured["display"]


def test_shapley_values_tell_it_of_all_channels_of_a_journey(warehouse: Path, planted: dict[str, float]) -> None:
    """The Markov chain alone does not: it forgets which channel came first, and only that one was given an effect."""
    measured = rates(
        warehouse,
        "select channel, conversions from intermediate.int_channel_effects "
        "where method = 'shapley' and conversion_kind = 'sql'",
        "select channel, count(distinct contact_id) from marts.fct_touches group by channel",
    )
    assert rank_correlation(measured, planted) >= 0.7


def test_every_conversion_is_credited_under_every_model(warehouse: Path, planted: dict[str, float]) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        entered = connection.execute(
            "select count(distinct contact_id) from marts.fct_stage_transitions where to_stage = 'sql'"
        ).fetchone()
        credited = connection.execute(
            "select model, round(sum(conversions), 3) from marts.mart_channel_credits "
            "where conversion_kind = 'sql' group by model"
        ).fetchall()
    assert entered is not None
    assert entered[0] > 300
    assert len(credited) == 12
    assert {float(total) for _, total in credited} == {float(entered[0])}
