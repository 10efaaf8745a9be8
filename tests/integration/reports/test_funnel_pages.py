"""The pages on the funnel, the contract and data quality: what they show equals SQL, and what is unripe says so."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from funnel_rows import SEGMENTS, STAGES
from playwright.sync_api import Page
from report_browser import MISSING, Site, find_browser, open_page, shown_table

from reports.languages import LANGUAGES, Language, month, number, percent, value_label

pytestmark = pytest.mark.skipif(find_browser() is None, reason=MISSING)

STEPS = [(origin, arrival) for place, origin in enumerate(STAGES) for arrival in STAGES[place + 1 :]]


def select(site: Site, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(site.snapshot), read_only=True) as connection:
        return connection.execute(sql, parameters).fetchall()


def figures_of(page: Page, source: str) -> list[str]:
    return page.locator(f'dl[data-figures="{source}"] dd').all_inner_texts()


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_cohorts_of_every_step_equal_sql(site: Site, page: Page, language: Language) -> None:
    open_page(page, f"{site.address}/{language.code}/funnel.html")
    assert len(STEPS) == 10
    for origin, arrival in STEPS:
        page.select_option('select[name="step"]', f"{origin}>{arrival}")
        rows = select(
            site,
            """
            select cohort_on, entered, converted, pending, conversion_pct, is_immature
            from marts.mart_funnel_cohorts
            where from_stage = ? and to_stage = ?
            order by cohort_on desc
            """,
            origin,
            arrival,
        )
        shown = [row[:6] for row in shown_table(page, "cohorts")[1:]]
        assert shown == [
            [
                month(row[0], language),
                value_label("maturity", "immature" if row[5] else "mature", language),
                *(number(count, language) for count in row[1:4]),
                percent(row[4], language),
            ]
            for row in rows
        ]
        # What is unripe is in no total: the share is of mature months alone, sum over sum.
        entered, converted = (sum(row[place] for row in rows if not row[5]) for place in (1, 2))
        unripe = sum(row[1] for row in rows if row[5])
        assert figures_of(page, "step_total") == [
            number(entered, language),
            number(converted, language),
            percent(100 * converted / entered, language),
            number(unripe, language),
            number(sum(row[3] for row in rows), language),
        ]


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_claims_of_others_are_shown_only_when_asked_for(site: Site, page: Page, language: Language) -> None:
    claim = value_label("benchmark_status", "unsourced", language)
    chart = page.locator('[data-chart^="cohort_rates"]')
    open_page(page, f"{site.address}/{language.code}/funnel.html?step=mql%3Esal")
    assert claim not in (chart.text_content() or "")
    page.select_option('select[name="reference"]', "claims")
    page.wait_for_function(
        "([plot, text]) => document.querySelector(plot).textContent.includes(text)",
        arg=['[data-chart^="cohort_rates"]', claim],
    )
    page.select_option('select[name="step"]', "inquiry>mql")
    page.wait_for_function(
        "([plot, text]) => !document.querySelector(plot).textContent.includes(text)",
        arg=['[data-chart^="cohort_rates"]', claim],
    )


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_the_contract_is_kept_or_not_by_segment(site: Site, page: Page, language: Language) -> None:
    open_page(page, f"{site.address}/{language.code}/contract.html")
    for segment in SEGMENTS:
        page.select_option('select[name="segment"]', segment)
        [(judged, accepted)] = select(
            site,
            "select sum(judged), sum(accepted) from marts.mart_sal_mql where segment = ? and is_mature",
            segment,
        )
        [(pending,)] = select(site, "select sum(pending) from marts.mart_sal_mql where segment = ?", segment)
        assert figures_of(page, "sal_total") == [
            number(judged, language),
            number(accepted, language),
            percent(100 * accepted / judged, language),
            number(pending, language),
        ]
    # Leads of all owners are one line a reason.
    assert [row[1] for row in shown_table(page, "lost_leads")[1:]] == ["8"]


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_match_rate_is_a_ratio_of_sums(site: Site, page: Page, language: Language) -> None:
    open_page(page, f"{site.address}/{language.code}/quality.html")
    [(touches, known, in_crm)] = select(
        site,
        "select sum(touches), sum(touches_with_contact), sum(touches_with_crm_contact) from marts.mart_match_rate",
    )
    assert figures_of(page, "matched") == [
        number(touches, language),
        number(known, language),
        percent(100 * known / touches, language),
        percent(100 * in_crm / touches, language),
    ]
