"""Exports of ad platforms, read as two rule files tell: every row loaded or in the quarantine."""

from __future__ import annotations

import csv
import shutil

import pytest

from ingestion.ads import load_ads
from ingestion.ads.mapping import SEEDS_DIR, read_ad_mapping
from ingestion.errors import MappingError
from leadhouse.rules.ads import TARGETS

GOOGLE = (
    "customer_id,date,id,impressions,clicks,cost_micros\n"
    "7,2026-03-01,11,100,4,1234567\n"
    "7,2026-03-01,11,50,1,2000000\n"
    "7,2026-03-32,11,50,1,2000000\n"
    "7,2026-03-02,11,50,1,n/d\n"
    "7,2026-03-02,,50,1,2000000\n"
    "7,2026-03-02,11,half,1,2000000\n"
    "7,2026-03-02,11,50,1\n"
)
NAMES = (
    "id,updated_at,name,customer_id,advertising_channel_type\n"
    "11,2026-01-01T10:00:00.102,old name,7,SEARCH\n"
    "11,2026-02-01T10:00:00.102,brand,7,SEARCH\n"
    "12,2026-02-30T10:00:00.102,brand,7,SEARCH\n"
)


@pytest.fixture
def rules(tmp_path):
    """A copy of the shipped rules, to add lines to."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("ad_reports.csv", "ad_fields.csv"):
        shutil.copy(SEEDS_DIR / name, folder / name)
    return folder


def add(file, *lines):
    with file.open("a", encoding="utf-8") as handle:
        handle.writelines(line + "\n" for line in lines)


def load(house, inbox, rules=None):
    return {
        result.entity: result for result in load_ads(house.path, inbox, pipelines_dir=house.pipelines_dir, rules=rules)
    }


def test_units_names_and_bad_rows(house, inbox):
    (inbox / "google_ads_campaign_stats_2026.csv").write_text(GOOGLE)
    (inbox / "google_ads_campaign_history.csv").write_text(NAMES)
    results = load(house, inbox)
    spend, campaigns = results["raw_ads.spend"], results["raw_ads.campaigns"]
    assert (spend.rows_read, spend.rows_loaded, spend.rows_quarantined) == (7, 2, 5)
    assert (campaigns.rows_read, campaigns.rows_loaded, campaigns.rows_quarantined) == (3, 2, 1)
    assert house.rows(
        "select platform, account_id, campaign_id, campaign, currency, spend::varchar, impressions, clicks, _source_row"
        " from raw_ads.spend order by all"
    ) == [
        ("google_ads", "7", "11", None, None, "1.23", 100, 4, 1),
        ("google_ads", "7", "11", None, None, "2.00", 50, 1, 2),
    ]
    assert house.rows(
        "select file, row_number, field, reason_code from raw_quarantine.records order by file desc, row_number"
    ) == [
        ("google_ads_campaign_stats_2026.csv", 3, "date", "invalid_date"),
        ("google_ads_campaign_stats_2026.csv", 4, "cost_micros", "bad_number"),
        ("google_ads_campaign_stats_2026.csv", 5, "id", "missing_campaign_id"),
        ("google_ads_campaign_stats_2026.csv", 6, "impressions", "bad_number"),
        ("google_ads_campaign_stats_2026.csv", 7, "", "wrong_field_count"),
        ("google_ads_campaign_history.csv", 3, "updated_at", "invalid_date"),
    ]


def test_a_new_platform_is_lines_of_the_rules(house, inbox, rules):
    (inbox / "pinboard_export_2026.csv").write_text(
        "Tag;Konto;Kampagne;Kosten (Tsd.);Klicks\n31.03.2026;k1;brand;0.25;9\n"
    )
    [refused] = load(house, inbox, rules)["raw_ads.spend"].notes
    assert "is read as 'plain' and lacks columns" in refused
    assert "spend: one of spend, cost" in refused

    add(rules / "ad_reports.csv", "500,pinboard,pinboard_ads,^pinboard,spend,")
    add(
        rules / "ad_fields.csv",
        "pinboard,tag,spend_on,true,,%d.%m.%Y",
        "pinboard,konto,account_id,true,,",
        "pinboard,kampagne,campaign,true,,",
        "pinboard,kosten (tsd.),spend,true,1000,",
        "pinboard,klicks,clicks,false,,",
    )
    assert load(house, inbox, rules)["raw_ads.spend"].rows_loaded == 1
    assert house.rows(
        "select platform, account_id, campaign, spend_on::varchar, spend::varchar, clicks, impressions"
        " from raw_ads.spend"
    ) == [("pinboard_ads", "k1", "brand", "2026-03-31", "250.00", 9, None)]


def test_a_changed_mapping_reads_the_files_again_once(house, inbox, rules):
    (inbox / "google_ads_campaign_stats_2026.csv").write_text(GOOGLE)
    assert load(house, inbox, rules)["raw_ads.spend"].rows_loaded == 2
    assert load(house, inbox, rules)["raw_ads.spend"].rows_read == 0
    text = (rules / "ad_fields.csv").read_text(encoding="utf-8")
    (rules / "ad_fields.csv").write_text(text.replace("0.000001", "0.001"), encoding="utf-8")
    assert load(house, inbox, rules)["raw_ads.spend"].rows_loaded == 2
    assert house.rows("select sum(spend)::varchar, count(*) from raw_ads.spend") == [("3234.57", 2)]
    assert house.value("select count(*) from raw_quarantine.records") == 5


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("ad_fields.csv", "plain,cost2,costs,true,,", "ad_fields.csv, field target: 'costs' of 'plain'"),
        ("ad_fields.csv", "nowhere,cost,spend,true,,", "field report: 'nowhere' does not stand in ad_reports.csv"),
        ("ad_fields.csv", "plain,cost2,spend,true,much,", "field unit_factor: 'much' is not a number"),
        ("ad_reports.csv", "5,odd,,[,spend,", "field file_pattern, priority"),
        ("ad_reports.csv", "5,odd,,x,money,", "field content: 'money' is none of spend, campaigns, ignored"),
    ],
)
def test_wrong_rules_are_named(rules, file, line, said):
    add(rules / file, line)
    with pytest.raises(MappingError) as raised:
        read_ad_mapping(rules)
    assert said in str(raised.value)


def test_the_check_of_rules_knows_the_same_targets():
    from ingestion.ads import mapping

    assert {**TARGETS, "ignored": ()} == mapping.TARGETS


def test_exports_of_four_platforms(house, shared_data):
    """Google Ads, LinkedIn, Meta and Microsoft as their own interfaces shape them: every row is accounted for."""
    folder = shared_data("crm_shapes") / "ads"
    results = load(house, folder)
    lines = {}
    for path in folder.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as handle:
            lines[path.stem] = sum(1 for _ in csv.DictReader(handle))
    stats = {name: count for name, count in lines.items() if "history" not in name and "action" not in name}
    history = {name: count for name, count in lines.items() if "history" in name}
    assert results["raw_ads.spend"].rows_read == results["raw_ads.spend"].rows_loaded == sum(stats.values())
    assert results["raw_ads.campaigns"].rows_read == results["raw_ads.campaigns"].rows_loaded == sum(history.values())
    assert house.rows("select platform, sum(spend)::varchar, count(*) from raw_ads.spend group by 1 order by 1") == [
        ("google_ads", "231.33", 16),
        ("linkedin_ads", "530.62", 20),
        ("meta_ads", "643.63", lines["facebook_ads_basic_ad_data"]),
        ("microsoft_ads", "946.34", 2630),
    ]
    assert house.rows("select platform, count(distinct campaign_id) from raw_ads.campaigns group by 1 order by 1") == [
        ("google_ads", 1),
        ("linkedin_ads", 12),
        ("meta_ads", 4),
    ]
    assert sum("passed over" in note for note in results["raw_ads.spend"].notes) == 2
