"""Rules of ad exports: a wrong line is named with file, row and field before anything is loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

from leadhouse.rules import check_rules

SEEDS = Path(__file__).parents[3] / "seeds"
#: File, wrong line, field that is named, words of the problem.
WRONG = [
    ("ad_fields", "plain,cost2,updated_at,true,,", "target", "'updated_at' is nothing that a file of spend tells"),
    ("ad_fields", "plain,cost3,costs,true,,", "target", "'costs' is not known"),
    ("ad_fields", "plain,taps,clicks,true,1000,", "unit_factor", "a factor for 'clicks'"),
    ("ad_fields", "plain,cost4,spend,true,0,", "unit_factor", "0 is not above 0"),
    ("ad_fields", "plain,name,campaign,true,,%Y", "date_format", "a date format for 'campaign'"),
    ("ad_fields", "nowhere,cost,spend,true,,", "report", "'nowhere' does not stand in ad_reports.csv"),
    ("ad_fields", "plain,cost,spend,true,,", "report+field", "'plain, cost' already stands in row"),
    ("ad_reports", "601,odd,,x,money,", "content", "'money' is not known"),
    ("ad_accounts", "google_ads,1,XBT,", "currency", "'XBT' does not stand in currency_rates.csv"),
]


def test_wrong_lines_are_named(tmp_path: Path) -> None:
    """All in one copy: to check every rule file takes seconds."""
    seeds = Path(shutil.copytree(SEEDS, tmp_path / "seeds"))
    rows = {}
    for name, line, _, words in WRONG:
        path = seeds / f"{name}.csv"
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        rows[words] = len(path.read_text(encoding="utf-8").splitlines())
    with (seeds / "ad_reports.csv").open("a", encoding="utf-8") as file:
        file.write("600,empty,,x,spend,\n")
    problems = check_rules(seeds)
    for name, _, field, words in WRONG:
        found = [(p.file, p.row, p.field) for p in problems if words in p.problem]
        assert found == [(f"{name}.csv", rows[words], field)], (words, [str(problem) for problem in problems])
    missing = [p.problem for p in problems if p.problem.startswith("no field of 'empty'")]
    assert missing == ["no field of 'empty' is its spend_on", "no field of 'empty' is its spend"]
