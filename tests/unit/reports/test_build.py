"""The page builder: pages in every language from one snapshot; what is wrong is named with file and line."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from reports import PageError, build_site

Write = Callable[..., Path]

FILTERS = """order: 1
title: {en: Spend, pt: Gasto}
filters:
  - {name: model, column: model, label: {en: Model, pt: Modelo}, default: first, compare: true}
  - {name: months, column: month_on, label: {en: Months, pt: Meses}, range: true}
"""
CREDITS = "```sql credits hidden\nselect * from marts.credits order by all\n```\n\n"
SPENDING = "```sql spending hidden\nselect * from marts.spending\n```\n\n"
VIEW = """```view by_channel
from: {credits: [conversions, revenue], spending: [spend]}
by: channel
ratios: {roi: (revenue - spend) / spend}
shares: {conversion_share: conversions}
order: revenue desc
```
"""
CHART = """```chart credits
title: {en: Credits, pt: Créditos}
mark: bar
encoding:
  x: {field: conversions, type: quantitative}
  y: {field: channel, type: nominal}
```
"""


def html(site: Path, language: str = "en", page: str = "page") -> str:
    return (site / language / f"{page}.html").read_text(encoding="utf-8")


def data(site: Path, language: str = "en") -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="report">(.*?)</script>', html(site, language), re.DOTALL)
    assert found
    sent: dict[str, Any] = json.loads(found[1])
    return sent


def cells(text: str, table: str) -> list[list[str]]:
    body = text.split(f'<table data-source="{table}">')[1].split("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def test_a_sql_block_becomes_a_table_in_place_and_in_both_languages(
    tmp_path: Path, snapshot: Path, write_page: Write
) -> None:
    pages = write_page(
        "::: en\nbefore\n:::\n::: pt\nantes\n:::\n\n```sql spend\nselect * from marts.numbers\n```\n\nafter\n"
    )
    built = build_site(snapshot, tmp_path / "site", pages)
    english, portuguese = html(tmp_path / "site"), html(tmp_path / "site", "pt")
    assert [(page.name, page.titles["pt"], page.queries) for page in built] == [("page", "Gasto", 1)]
    assert english.index("before") < english.index("€12,346") < english.index("after")
    assert "antes" not in english
    assert portuguese.index("antes") < portuguese.index("€\u00a012.346") < portuguese.index("after")
    assert "&lt;b&gt;" in english
    assert "1 Nov 2026 06:00" in english
    assert "01/11/2026 06:00" in portuguese
    assert '<html lang="pt-BR">' in portuguese


def test_as_of_rules_and_build_stand_on_every_page(tmp_path: Path, snapshot: Path, write_page: Write) -> None:
    build_site(snapshot, tmp_path / "site", write_page("text\n"))
    for language in ("en", "pt"):
        for page in ("page", "definitions"):
            text = html(tmp_path / "site", language, page)
            assert "abcdef012345" in text
            assert "b1" in text
            assert ("1 Nov 2026 06:00" if language == "en" else "01/11/2026 06:00") in text


def test_columns_in_two_languages_are_one_column(tmp_path: Path, snapshot: Path, write_page: Write) -> None:
    pages = write_page(
        "```sql words\nselect 'late' as reason, 'atrasado' as reason_pt, 'a' as label_en, 'b' as label_pt\n```\n"
    )
    build_site(snapshot, tmp_path / "site", pages)
    assert cells(html(tmp_path / "site"), "words")[1] == ["late", "a"]
    assert cells(html(tmp_path / "site", "pt"), "words")[1] == ["atrasado", "b"]


def test_a_view_adds_up_the_selection_that_the_page_opens_with(
    tmp_path: Path, snapshot: Path, write_page: Write
) -> None:
    build_site(snapshot, tmp_path / "site", write_page(CREDITS + SPENDING + VIEW, FILTERS))
    rows = cells(html(tmp_path / "site", "pt"), "by_channel")
    assert rows[0][0] == "Canal"
    assert rows[1:] == [
        ["Direto", "0,5", "900", "0", "–", "12,5%"],
        ["E-mail", "3,5", "150", "30", "400%", "87,5%"],
        ["Total", "4,0", "1.050", "30", "3.400%", "100,0%"],
    ]


def test_the_script_gets_every_row_once_and_nothing_that_ends_its_element(
    tmp_path: Path, snapshot: Path, write_page: Write
) -> None:
    names = "```sql numbers\nselect name from marts.numbers\n```\n"
    pages = write_page(CREDITS + SPENDING + VIEW + names, FILTERS)
    build_site(snapshot, tmp_path / "site", pages)
    sent = data(tmp_path / "site")["queries"]
    assert sent["credits"]["count"] == 4
    assert sent["credits"]["columns"]["channel"] == {"values": ["email", "direct"], "at": [0, 1, 0, 1]}
    assert sent["credits"]["columns"]["conversions"] == [2.5, 0.5, 1, 4]
    assert sent["numbers"]["columns"]["name"]["values"] == ["<b>"]
    assert "<b>" not in html(tmp_path / "site").split('id="report">')[1].split("</script>")[0]


def test_a_failing_query_names_file_line_and_query_and_leaves_the_site(
    tmp_path: Path, snapshot: Path, write_page: Write
) -> None:
    site = tmp_path / "site"
    build_site(snapshot, site, write_page("Good\n"))
    bad = write_page("Bad\n\n```sql broken\nselect nothing_here from marts.numbers\n```\n")
    with pytest.raises(PageError, match=r"page\.md, line 8: query broken: .*nothing_here"):
        build_site(snapshot, site, bad)
    assert "Good" in html(site)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("```sql\nselect 1\n```\n", r"page\.md, line 6: a sql block needs a name"),
        ("```sql a hiden\nselect 1 as one\n```\n", r"line 6: unknown option of a sql block: hiden"),
        ("```sql a\nselect 1 as x, 2 as x\n```\n", r"line 6: query a: two columns have the same name"),
        ("```sql a\nselect 1\n```\n\n```sql a\nselect 2\n```\n", r"line 10: a is the name of line 6 already"),
        ("::: en\ntext\n", r"line 6: ::: en is not closed"),
        ("::: fr\ntext\n:::\n", r"line 6: unknown language 'fr'"),
        ("text\n:::\n", r"line 7: ::: closes nothing"),
        ("::: en\n::: pt\n:::\n", r"line 7: ::: pt inside ::: en of line 6"),
        (
            CREDITS + CHART.replace("chart credits", "chart credit"),
            r"line 10: chart: no query or view is called credit",
        ),
        (CREDITS + CHART.replace("field: channel", "field: chanel"), r"line 15: chart credits: chanel is no column"),
        (CREDITS + CHART.replace("mark: bar", "mark: bra"), r"line 12: chart credits: not Vega-Lite at mark"),
        (CREDITS + CHART.replace("type: nominal", "typ: nominal"), r"line \d+: chart credits: not Vega-Lite .*typ"),
        (CREDITS + CHART.replace("mark: bar", "mark: [bar"), r"line 1\d: this is not YAML"),
        (CREDITS + CHART.replace("title: {en: Credits, pt: Créditos}", ""), r"line 10: .* needs a `title`"),
        (CREDITS + VIEW, r"line 11: view by_channel: no query is called spending"),
        (CREDITS + SPENDING + VIEW.replace("revenue]", "revenu]"), r"line 15: .* query credits has no column revenu"),
        (CREDITS + SPENDING + VIEW.replace("by: channel", "by: campaign"), r"line 16: .* has a column campaign"),
        (CREDITS + SPENDING + VIEW.replace("/ spend", "/ cost"), r"line 17: .* roi needs cost, which is not summed"),
        (CREDITS + SPENDING + VIEW.replace("(revenue - spend) / spend", "revenue * 2"), r"line 17: .* a ratio is"),
        (CREDITS + SPENDING + VIEW.replace("order: revenue", "order: cost"), r"line 19: .*`order` is a column"),
        ("```figures nothing\n```\n", r"line 6: figures: no query or view is called nothing"),
        (CREDITS + "```figures credits\n```\n", r"line 10: figures credits: they show one row"),
    ],
)
def test_what_is_wrong_in_a_page_is_named_with_its_line(
    tmp_path: Path, snapshot: Path, write_page: Write, body: str, message: str
) -> None:
    with pytest.raises(PageError, match=message):
        build_site(snapshot, tmp_path / "site", write_page(body))
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("title: {en: A, pt: B}", r"line 1: the front matter needs `order`"),
        ("order: 1\ntitle: A", r"line 1: `title` is needed in every language"),
        ("order: 1\ntitle: {en: A, pt: B}\nfilter: []", r"line 1: unknown in the front matter: filter"),
        ("order: 1\ntitle: {en: A, pt: B", r"line \d: this is not YAML"),
        (
            FILTERS.replace("column: model", "column: nothing"),
            r"filter model: no query of this page has a column nothing",
        ),
        (FILTERS.replace("default: first", "options: models"), r"no query is called models"),
    ],
)
def test_what_is_wrong_in_the_front_matter_is_named(
    tmp_path: Path, snapshot: Path, write_page: Write, front: str, message: str
) -> None:
    with pytest.raises(PageError, match=message):
        build_site(snapshot, tmp_path / "site", write_page(CREDITS, front))


def test_a_page_without_front_matter_is_refused(tmp_path: Path, snapshot: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "page.md").write_text("# Title\n", encoding="utf-8")
    with pytest.raises(PageError, match=r"page\.md, line 1: a page starts with front matter"):
        build_site(snapshot, tmp_path / "site", folder)


def test_a_fence_in_a_text_of_one_language_may_hold_colons(tmp_path: Path, snapshot: Path, write_page: Write) -> None:
    build_site(snapshot, tmp_path / "site", write_page("```\n::: en\n```\n"))
    assert "::: en" in html(tmp_path / "site", "pt")


def test_no_snapshot_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="run the pipeline first"):
        build_site(tmp_path / "absent.duckdb", tmp_path / "site")


def test_an_empty_crm_has_pages_too(tmp_path: Path, snapshot: Path, write_page: Write) -> None:
    with duckdb.connect(str(snapshot)) as connection:
        connection.execute("update marts.published_build set ruleset_version = null")
        connection.execute("delete from marts.credits")
        connection.execute("delete from marts.spending")
    build_site(snapshot, tmp_path / "site", write_page(CREDITS + SPENDING + VIEW, FILTERS))
    assert "Rules –" in html(tmp_path / "site")
    assert cells(html(tmp_path / "site"), "by_channel")[1:] == [["No rows for this selection."]]


def test_pages_that_are_no_more_are_deleted_and_strangers_stay(
    tmp_path: Path, snapshot: Path, write_page: Write
) -> None:
    site = tmp_path / "site"
    build_site(snapshot, site, write_page("text\n", name="old.md"))
    (site / "mine.txt").write_text("mine", encoding="utf-8")
    build_site(snapshot, site, write_page("text\n", name="new.md"))
    assert sorted(path.name for path in (site / "en").iterdir()) == ["definitions.html", "new.html"]
    assert (site / "mine.txt").exists()
    assert {path.name for path in (site / "assets").iterdir()} == {"report.js", "style.css", "vega.js"}


def test_definitions_come_from_the_description_of_the_mart(tmp_path: Path, snapshot: Path, write_page: Write) -> None:
    models = tmp_path / "models" / "marts"
    models.mkdir(parents=True)
    (models / "_x__marts.yml").write_text(
        "models:\n  - name: numbers\n    description: About numbers.\n    columns:\n"
        "      - {name: spend, description: What it cost., config: {meta: {description_pt: O que custou.}}}\n"
        "      - {name: name, description: Its name.}\n",
        encoding="utf-8",
    )
    pages = write_page("```sql spend\nselect spend, name from marts.numbers\n```\n")
    build_site(snapshot, tmp_path / "site", pages, tmp_path / "models")
    page, definitions = html(tmp_path / "site", "pt"), html(tmp_path / "site", "pt", "definitions")
    assert 'href="definitions.html#numbers.spend"' in page
    assert 'id="numbers.spend"' in definitions
    assert "<dd>O que custou.</dd>" in definitions
    assert '<dd lang="en">Its name.</dd>' in definitions
    assert '<p lang="en">About numbers.</p>' in definitions


def test_the_pages_of_the_project_can_be_read() -> None:
    from reports.build import PAGES
    from reports.pagefile import read_page

    pages = [read_page(file) for file in PAGES.glob("*.md")]
    assert len({page.order for page in pages}) == len(pages), "two pages have the same order"


def test_an_address_in_a_text_stays_off_the_pages(tmp_path: Path, snapshot: Path, write_page: Write) -> None:
    pages = write_page(
        "```sql seen\nselect 'https://x.example/?m=Ana.Lima%2B1@acme.com.br&n=1' as content, "
        "'to ana@acme.com' as campaign, 'bia%40acme.com' as term, '@handle' as handle\n```\n"
    )
    build_site(snapshot, tmp_path / "site", pages)
    for language in ("en", "pt"):
        text = html(tmp_path / "site", language)
        assert not re.search(r"(?i)ana|bia|acme", text)
        assert "https://x.example/?m=(e-mail)&amp;n=1" in text
        assert "@handle" in text
