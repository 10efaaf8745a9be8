"""The built site in a real browser: numbers, filters, languages, downloads, reach of its requests, accessibility."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from report_browser import MISSING, Site, find_browser, open_page, shown_table
from report_snapshot import MONTHS, PEOPLE

from reports.languages import ENGLISH, LANGUAGES, PORTUGUESE, Language, label, value_label, written

pytestmark = pytest.mark.skipif(find_browser() is None, reason=MISSING)

RESULTS = "channel_results"
COLUMNS = ["spend", "conversions", "conversion_share", "revenue", "cost_per_conversion", "roas", "roi"]
#: How each column of the table of channels is written: format and decimals.
WRITTEN = {
    "spend": ("money", 0),
    "conversions": ("number", 1),
    "conversion_share": ("share", 1),
    "revenue": ("money", 0),
    "cost_per_conversion": ("money", 0),
    "roas": ("number", 2),
    "roi": ("share", 0),
}


def channels_by_sql(
    site: Site, model: str, kind: str, months: tuple[str, str] = (MONTHS[0], MONTHS[-1])
) -> list[dict[str, Any]]:
    """What the table of channels must say, in SQL of its own; the last row is the total."""
    with duckdb.connect(str(site.snapshot), read_only=True) as connection:
        cursor = connection.execute(
            """
            with
                credited as (
                    select channel, sum(conversions) as conversions, sum(revenue) as revenue
                    from marts.mart_channel_credits
                    where model = $model and conversion_kind = $kind and month_on between $first and $last
                    group by channel
                ),
                spent as (
                    select channel, sum(spend) as spend
                    from marts.mart_channel_spend
                    where month_on between $first and $last
                    group by channel
                ),
                joined as (
                    select channel, conversions, revenue, coalesce(spend, 0) as spend
                    from credited left join spent using (channel)
                ),
                lines as (
                    select 0 as is_total, channel, spend, conversions, revenue from joined
                    union all
                    select 1, null, sum(spend), sum(conversions), sum(revenue) from joined
                )
            select
                channel, spend, conversions,
                conversions / (select sum(conversions) from joined) as conversion_share,
                case when $kind in ('opportunity', 'won') then revenue end as revenue,
                spend / conversions as cost_per_conversion,
                case when $kind in ('opportunity', 'won') then revenue / nullif(spend, 0) end as roas,
                case when $kind in ('opportunity', 'won') then (revenue - spend) / nullif(spend, 0) end as roi
            from lines
            order by is_total, conversions desc
            """,
            {"model": model, "kind": kind, "first": months[0], "last": months[1]},
        )
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def as_shown(rows: list[dict[str, Any]], language: Language) -> list[list[str]]:
    shown = []
    for row in rows:
        name = channel_name(row["channel"], language) if row["channel"] else language.word("total")
        values = [Decimal(str(row[column])) if isinstance(row[column], float) else row[column] for column in COLUMNS]
        shown.append(
            [
                name,
                *(
                    written(value, *WRITTEN[column], language, "EUR")
                    for value, column in zip(values, COLUMNS, strict=True)
                ),
            ]
        )
    return shown


def channel_name(channel: str, language: Language) -> str:
    if language is ENGLISH and channel != "unattributed":
        return channel.replace("_", " ").title()
    return value_label("channel", channel, language)


def models(site: Site, column: str = "model") -> list[str]:
    with duckdb.connect(str(site.snapshot), read_only=True) as connection:
        rows = connection.execute(f"select {column} from marts.dim_attribution_models order by model_order").fetchall()
    return [str(row[0]) for row in rows]


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_the_numbers_of_every_model_equal_sql(site: Site, page: Page, language: Language) -> None:
    open_page(page, f"{site.address}/{language.code}/channels.html")
    assert len(models(site)) >= 12
    for kind in ("won", "mql"):
        page.select_option('select[name="kind"]', kind)
        for model in models(site):
            page.select_option('select[name="model"]', model)
            expected = as_shown(channels_by_sql(site, model, kind), language)
            assert shown_table(page, RESULTS)[1:] == expected, (model, kind)
            figures = page.locator('dl[data-figures="totals"] dd').all_inner_texts()
            total = dict(zip(COLUMNS, expected[-1][1:], strict=True))
            assert figures == [
                total[name] for name in ("conversions", "revenue", "spend", "cost_per_conversion", "roas", "roi")
            ]


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_an_address_with_filters_opens_on_them(site: Site, page: Page, language: Language) -> None:
    open_page(
        page, f"{site.address}/{language.code}/channels.html?model=time_decay&kind=opportunity&from=2026-05&to=2026-07"
    )
    rows = channels_by_sql(site, "time_decay", "opportunity", ("2026-05-01", "2026-07-01"))
    assert shown_table(page, RESULTS)[1:] == as_shown(rows, language)
    assert page.input_value('select[name="from"]') == "2026-05"
    said = page.locator(".shown").inner_text()
    assert {"en": "May 2026 to Jul 2026", "pt": "mai 2026 até jul 2026"}[language.code] in said


def test_what_is_chosen_stands_in_the_address_and_goes_along(site: Site, page: Page) -> None:
    open_page(page, f"{site.address}/en/channels.html")
    page.select_option('select[name="model"]', "linear")
    page.select_option('select[name="to"]', "2026-08")
    assert page.url.endswith("?model=linear&to=2026-08")
    page.click(".languages >> text=Português")
    page.wait_for_url("**/pt/channels.html?model=linear&to=2026-08")
    assert page.locator("html").get_attribute("lang") == "pt-BR"
    assert page.input_value('select[name="model"]') == "linear"
    page.click("nav >> text=Campanhas")
    page.wait_for_url("**/pt/campaigns.html?model=linear&to=2026-08")
    page.click("text=Limpar")
    assert page.url.endswith("/pt/campaigns.html")
    assert page.input_value('select[name="model"]') == "w_shaped"


def test_a_filter_that_nothing_has_is_left_aside(site: Site, page: Page) -> None:
    open_page(page, f"{site.address}/en/channels.html?model=nothing&from=1999-01&kind=%3Cb%3E")
    assert page.input_value('select[name="model"]') == "w_shaped"
    assert shown_table(page, RESULTS)[1:] == as_shown(channels_by_sql(site, "w_shaped", "won"), ENGLISH)


def test_two_models_stand_side_by_side(site: Site, page: Page) -> None:
    open_page(page, f"{site.address}/en/channels.html?model=first&compare=last")
    table = shown_table(page, RESULTS)
    names = models(site, "label_en")
    assert table[0] == ["", names[0], names[1]]
    first, last = (
        {row[0]: row for row in as_shown(channels_by_sql(site, model, "won"), ENGLISH)} for model in ("first", "last")
    )
    # Channel and spend belong to both; then each model's own columns.
    assert {row[0]: row for row in table[2:]} == {
        name: [*first[name], *last.get(name, ["–"] * 8)[2:]] for name in first
    }
    open_page(page, f"{site.address}/en/channels.html?model=last&compare=first")
    assert {row[0]: row for row in shown_table(page, RESULTS)[2:]} == {
        name: [*first[name][:2], *last.get(name, ["–"] * 8)[2:], *first[name][2:]] for name in first
    }
    legend = page.locator(".plot >> nth=0").inner_text()
    assert names[0] in legend
    assert names[1] in legend


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_csv_holds_what_is_shown_unrounded(site: Site, page: Page, language: Language) -> None:
    open_page(page, f"{site.address}/{language.code}/channels.html?model=linear")
    with page.expect_download() as waiting:
        page.click(f'[data-csv="{RESULTS}"]')
    text = waiting.value.path().read_text(encoding="utf-8-sig")
    assert waiting.value.suggested_filename == f"channels-{RESULTS}.csv"
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";" if language is PORTUGUESE else ","))
    expected = {
        channel_name(row["channel"], language): row for row in channels_by_sql(site, "linear", "won") if row["channel"]
    }
    assert {row[label("channel", language)] for row in rows} == set(expected)
    for row in rows:
        by_sql = expected[row[label("channel", language)]]
        conversions = row[label("conversions", language)].replace(",", ".")
        assert Decimal(conversions) == by_sql["conversions"].normalize()
        assert Decimal(row[label("revenue", language)].replace(",", ".")) == by_sql["revenue"]


def test_a_cell_that_would_be_a_formula_is_text_in_the_csv(site: Site, page: Page) -> None:
    open_page(page, f"{site.address}/en/campaigns.html")
    with page.expect_download() as waiting:
        page.click('[data-csv="campaigns"]')
    cells = [row[0] for row in csv.reader(io.StringIO(waiting.value.path().read_text(encoding="utf-8-sig")))]
    assert "'=Campaign; paid_search" in cells


def test_charts_speak_the_language_of_the_page(site: Site, page: Page) -> None:
    open_page(page, f"{site.address}/pt/channels.html")
    assert re.search("€\u00a0\\d+\\.000", page.locator(".plot >> nth=1").inner_text())
    assert "Busca paga" in page.locator(".plot >> nth=0").inner_text()
    open_page(page, f"{site.address}/en/channels.html")
    assert re.search(r"€\d+,000", page.locator(".plot >> nth=1").inner_text())


def test_every_chart_is_drawn_named_and_has_its_table(site: Site, page: Page) -> None:
    for name in site.pages:
        open_page(page, f"{site.address}/en/{name}.html")
        for figure in page.locator("figure.chart").all():
            title = figure.locator(".title").inner_text()
            plot = figure.locator(".plot")
            if "empty" not in (plot.get_attribute("class") or ""):
                drawing = plot.locator("svg")
                assert drawing.count() == 1, title
                assert plot.get_attribute("role") == "img"
                assert title in (plot.get_attribute("aria-label") or "")
            link = figure.locator(".tools a")
            table = page.locator(str(link.get_attribute("href"))) if link.count() else figure.locator("details")
            assert table.locator("table").count() == 1, title


def test_a_chart_without_anything_to_draw_says_so(site: Site, page: Page) -> None:
    open_page(page, f"{site.address}/en/channels.html?kind=mql")
    empty = page.locator(".plot >> nth=1")
    assert empty.get_attribute("data-empty") == ENGLISH.word("no_rows")
    page.select_option('select[name="kind"]', "won")
    page.wait_for_selector(".plot >> nth=1 >> svg")
    assert "empty" not in (empty.get_attribute("class") or "")


def test_a_definition_is_one_click_away(site: Site, page: Page) -> None:
    open_page(page, f"{site.address}/en/channels.html")
    page.locator(f'table[data-source="{RESULTS}"] a.term', has_text="ROAS").click()
    assert "null without spend" in page.locator("#meaning").inner_text()
    page.keyboard.press("Escape")
    page.locator(f'table[data-source="{RESULTS}"] a.term', has_text="ROAS").click()
    page.click("#meaning >> text=Definitions")
    page.wait_for_url("**/definitions.html#mart_channel_roi.roas")
    assert page.locator(":target").inner_text().startswith("ROAS")


def test_nothing_is_fetched_from_elsewhere(site: Site, browser: Browser) -> None:
    context = browser.new_context()
    outside: list[str] = []

    def refuse(route: Any) -> None:
        outside.append(route.request.url)
        route.abort()

    context.route(lambda url: not url.startswith((site.address, "data:", "blob:")), refuse)
    window = context.new_page()
    for language in LANGUAGES:
        for name in site.pages:
            open_page(window, f"{site.address}/{language.code}/{name}.html")
    context.close()
    assert not outside


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(site: Site, browser: Browser, language: Language, scheme: Any) -> None:
    window = browser.new_page(color_scheme=scheme)
    found = {}
    for name in site.pages:
        open_page(window, f"{site.address}/{language.code}/{name}.html")
        for details in window.locator("details").all():
            details.evaluate("(element) => { element.open = true; }")
        violations = Axe().run(window).response["violations"]
        if violations:
            found[name] = [(item["id"], [node["html"][:200] for node in item["nodes"]][:3]) for item in violations]
    window.close()
    assert not found


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_a_phone_need_not_scroll_sideways(site: Site, browser: Browser, language: Language) -> None:
    window = browser.new_page(viewport={"width": 390, "height": 844})
    wide = {}
    for name in site.pages:
        open_page(window, f"{site.address}/{language.code}/{name}.html?compare=linear")
        width = window.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            wide[name] = width
    window.close()
    assert not wide


def test_without_a_script_the_tables_are_there(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    window = context.new_page()
    window.goto(f"{site.address}/pt/channels.html")
    assert not window.locator("form.filters").is_visible()
    assert "Em W" in window.locator(".shown").inner_text()
    assert shown_without_script(window) == as_shown(channels_by_sql(site, "w_shaped", "won"), PORTUGUESE)
    context.close()


def shown_without_script(window: Page) -> list[list[str]]:
    rows = window.locator(f'table[data-source="{RESULTS}"] tbody tr, table[data-source="{RESULTS}"] tfoot tr').all()
    return [row.locator("td, th").all_text_contents() for row in rows]


def test_the_site_works_from_a_disk(site: Site, page: Page) -> None:
    page.goto(f"{site.folder.as_uri()}/index.html")
    page.wait_for_url("**/en/index.html")
    open_page(page, f"{site.folder.as_uri()}/en/channels.html?model=first")
    assert shown_table(page, RESULTS)[1:] == as_shown(channels_by_sql(site, "first", "won"), ENGLISH)
    page.select_option('select[name="model"]', "last")
    assert shown_table(page, RESULTS)[1:] == as_shown(channels_by_sql(site, "last", "won"), ENGLISH)
    assert "model=last" in page.url


def test_the_root_goes_to_the_language_of_the_browser(site: Site, browser: Browser) -> None:
    for locale, code in (("pt-PT", "pt"), ("en-GB", "en"), ("de-DE", "en")):
        context = browser.new_context(locale=locale)
        window = context.new_page()
        window.goto(f"{site.address}/?from=2026-05")
        window.wait_for_url(f"**/{code}/index.html?from=2026-05")
        context.close()


def test_no_person_is_on_the_site(site: Site) -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in site.folder.rglob("*.html")}
    assert len(texts) > 5
    for person in PEOPLE:
        for field in ("full_name", "email", "phone_e164"):
            assert not [name for name, text in texts.items() if person[field] in text]
