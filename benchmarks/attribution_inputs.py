"""``python -m benchmarks.attribution_inputs WORLD_DIR WAREHOUSE``: what the attribution models read.

Attribution is measured without what comes before it: touches, stages, opportunities and spend of a world's files are
written into the tables that its models read, with the people and companies that the world planted as if identity had
found them all. Stages are those that the world's CRM tells (its lifecycle stages and lead statuses), not those of our
own rules.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

import duckdb

from benchmarks.scoring_inputs import make_inputs

ROOT = Path(__file__).resolve().parents[1]

_TOUCHES = """
create table known_touches as
select
    touch.touch_id, touch.contact_id, contact.account_id, touch.touch_at, touch.touch_type, touch.signal_detail,
    coalesce(touch.channel, kind.default_channel) as channel, touch.campaign, null::varchar as content,
    touch.is_machine, touch.is_inbound, kind.is_attributable and not touch.is_machine as is_attributable
from marts.fct_touches as touch
inner join read_csv('{seeds}/touch_types.csv') as kind using (touch_type)
left join marts.dim_contacts as contact using (contact_id);

drop table marts.fct_touches;
create table marts.fct_touches as select * from known_touches;
drop table known_touches;

create table marts.dim_channels as
select channel, label, channel_group, is_paid, is_direct from read_csv('{seeds}/channels.csv');

create table intermediate.int_ad_spend as
select
    md5(platform || campaign || spend_on || currency) as spend_id, spend_on::date as spend_on, platform, channel,
    campaign, currency, spend::decimal(18, 2) as spend, spend::decimal(18, 2) as spend_reporting,
    impressions::bigint as impressions, clicks::bigint as clicks
from read_csv('{world}/ads/*.csv', all_varchar = true)
-- A few rows are planted for the quarantine.
where try_cast(spend as decimal(18, 2)) >= 0 and try_cast(spend_on as date) is not null;
"""

_SALES = """
create temp table crm_people as
select record_id, md5(person_id) as contact_id, md5(company_key) as account_id
from read_parquet('{world}/truth/people.parquet') where source = 'hubspot';

create temp table crm_companies as
select record_id, md5(company_key) as account_id from read_parquet('{world}/truth/companies.parquet');

create table intermediate.int_opportunity_contacts as
select distinct md5(link.from_id) as opportunity_id, crm_people.contact_id
from read_parquet('{world}/hubspot/associations.parquet') as link
inner join crm_people on link.to_id = crm_people.record_id
where link.from_object = 'deals' and link.to_object = 'contacts';

create table marts.fct_opportunities as
select
    md5(deal.id) as opportunity_id, 'hubspot' as source, deal.id as source_record_id, owner.account_id,
    people.contact_id,
    case deal.dealstage when 'closedwon' then 'won' when 'closedlost' then 'lost' else 'open' end as stage_kind,
    try_cast(deal.amount as decimal(18, 2)) as amount, try_cast(deal.amount as decimal(18, 2)) as amount_reporting,
    'EUR' as reporting_currency, deal.created_at,
    case when deal.hs_is_closed = 'true' then try_cast(deal.closedate as timestamp) end as closed_at
from read_parquet('{world}/hubspot/deals.parquet') as deal
left join (
    select link.from_id, min(crm_companies.account_id) as account_id
    from read_parquet('{world}/hubspot/associations.parquet') as link
    inner join crm_companies on link.to_id = crm_companies.record_id
    where link.from_object = 'deals' and link.to_object = 'companies' group by link.from_id
) as owner on deal.id = owner.from_id
left join (
    select opportunity_id, min(contact_id) as contact_id from intermediate.int_opportunity_contacts group by 1
) as people on md5(deal.id) = people.opportunity_id;

create table marts.fct_stage_transitions as
with entries as (
    select
        crm_people.contact_id, crm_people.account_id,
        case past.value
            when 'lead' then 'inquiry' when 'subscriber' then 'inquiry' when 'marketingqualifiedlead' then 'mql'
            when 'IN_PROGRESS' then 'sal' when 'opportunity' then 'sql' when 'customer' then 'customer'
        end as to_stage,
        min(past.changed_at) as transition_at
    from read_parquet('{world}/hubspot/property_history.parquet') as past
    inner join crm_people on past.object_id = crm_people.record_id
    where past.value in ('lead', 'subscriber', 'marketingqualifiedlead', 'IN_PROGRESS', 'opportunity', 'customer')
    group by all
)
select
    md5(contact_id || to_stage) as transition_id, contact_id, account_id,
    row_number() over (partition by contact_id order by transition_at, to_stage)::integer as transition_number,
    lag(to_stage) over (partition by contact_id order by transition_at, to_stage) as from_stage, to_stage,
    transition_at, 'forward' as direction
from entries;
"""


def make_attribution_inputs(world: Path, warehouse: Path) -> dict[str, int]:
    """Writes the warehouse anew; returns rows by table."""
    make_inputs(world, warehouse)
    about = json.loads((world / "world.json").read_text(encoding="utf-8"))
    now = datetime.fromisoformat(about["as_of"]).replace(tzinfo=None)
    texts = {"world": _text(world), "seeds": _text(ROOT / "seeds")}
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(
            "insert into marts.fct_touches by name select * exclude (hour_number) from waiting.fct_touches"
        )
        connection.execute("drop schema waiting cascade")
        for part in (_TOUCHES, _SALES):
            connection.execute(part.format(**texts))
        connection.execute("update raw_ops.run_clock set as_of_at = ?, pinned = true", [now])
        connection.execute("checkpoint")
        tables = (
            "marts.fct_touches",
            "marts.fct_opportunities",
            "marts.fct_stage_transitions",
            "intermediate.int_ad_spend",
        )
        return {table: connection.execute(f"select count(*) from {table}").fetchall()[0][0] for table in tables}


def _text(path: Path) -> str:
    return str(path).replace("'", "''")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attribution_inputs", description=__doc__)
    parser.add_argument("world", type=Path, help="folder of a world")
    parser.add_argument("warehouse", type=Path, help="DuckDB file to write")
    options = parser.parse_args()
    for table, rows in make_attribution_inputs(options.world, options.warehouse).items():
        print(f"{rows:12,} {table}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
