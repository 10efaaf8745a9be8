"""People who are hard to tell apart or together, companies known by name alone, bad values: as the truth says."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import phonenumbers
import pytest

from sandbox.world.catalogue import COUNTRIES, LEGAL_SPELLINGS, NO_COUNTRIES, ODD_COUNTRIES
from sandbox.world.defects import Defects
from sandbox.world.effects import EFFECTS, declared_errors
from sandbox.world.enrichment import write_enrichment
from sandbox.world.generate import World, generate, plan_world
from sandbox.world.names import NICKNAMES, misspellings, plain
from sandbox.world.people import (
    ALIKE_KINDS,
    COLLEAGUES,
    DUPLICATE_KINDS,
    FAMILY,
    IMPORT,
    MANUAL,
    MISSPELLED,
    NAMESAKES,
    SWITCHBOARD_EVERY,
    told_by_name,
)
from sandbox.world.planting import far_off, share
from sandbox.world.sizes import SIZES

TOLD_BY_NAME = DUPLICATE_KINDS[MISSPELLED:]
REGIONS = {s: c.code for c in COUNTRIES for s in c.spellings}


@pytest.fixture(scope="module")
def medium() -> World:
    return plan_world(SIZES["medium"], 7)


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A world of 1,500 people: some of every kind, still quick."""
    out = tmp_path_factory.mktemp("some") / "world"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, "small", replace(SIZES["small"], leads=1_500, companies=400, chunk=800))
        generate("small", out, seed=7)
    connection = duckdb.connect()
    for folder, prefix in (("hubspot", ""), ("truth", "truth_")):
        for path in sorted((out / folder).glob("*.parquet")):
            connection.execute(f"create view {prefix}{path.stem} as select * from read_parquet('{path}')")
    connection.execute(
        """
        create view pairs as
        select second.duplicate_kind as kind, a.id, a.firstname, a.lastname, a.email, b.id as other_id,
            b.firstname as other_first, b.lastname as other_last, b.email as other_email,
            coalesce(a.phone, a.mobilephone) as phone, b.phone as other_phone, a.country, b.country as other_country,
            b.company as other_company, b.jobtitle as other_title, b.city as other_city, second.company_key,
            second.account_hint as hint
        from truth_people as second
        join truth_people as main
            on main.person_id = second.person_id and main.source = 'hubspot' and main.duplicate_kind = 'none'
        join contacts as a on a.id = main.record_id
        join contacts as b on b.id = second.record_id
        where second.source = 'hubspot' and second.duplicate_kind <> 'none'
        """
    )
    connection.execute(
        "create view records as select source, record_id, person_id, company_key, account_hint from truth_people"
    )
    connection.execute(f"create table place as select '{out}' as folder")
    return connection


def rows(sql: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return sql.execute(query).fetchall()


def distance(a: str, b: str) -> int:
    """Damerau-Levenshtein (optimal string alignment)."""
    table = [[max(i, j) if 0 in (i, j) else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1])
            )  # fmt: skip
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


def canonical(email: str) -> str:
    local, domain = email.lower().split("@")
    local = local.split("+")[0]
    return f"{local.replace('.', '') if domain == 'gmail.com' else local}@{domain}"


def test_small_worlds_have_every_kind_too(sql: duckdb.DuckDBPyConnection) -> None:
    kinds = Counter(k for (k,) in rows(sql, "select duplicate_kind from truth_people where source = 'hubspot'"))
    assert all(kinds[kind] >= 2 for kind in TOLD_BY_NAME)
    alike = Counter(k for (k,) in rows(sql, "select kind from truth_lookalikes"))
    assert all(alike[kind] >= 2 for kind in ALIKE_KINDS[1:])


def test_shares_of_a_large_enough_world(medium: World) -> None:
    people = medium.people
    planted = np.bincount(people.duplicate, minlength=len(DUPLICATE_KINDS))
    for kind in ("misspelled", "nickname", "initial", "personal_no_phone"):
        assert planted[DUPLICATE_KINDS.index(kind)] >= 150
    assert 0.03 <= planted[MISSPELLED:].sum() / len(people) <= 0.045
    alike = np.bincount(people.alike, minlength=len(ALIKE_KINDS))
    for kind in (COLLEAGUES, NAMESAKES, FAMILY):
        assert alike[kind] >= 2 * 150
    # Switchboards: companies where everybody who was typed in has one number.
    typed = (people.company % SWITCHBOARD_EVERY == 3) & np.isin(people.capture_kind, (IMPORT, MANUAL))
    several = np.bincount(people.company[typed])
    assert (several >= 3).sum() >= 20
    for company in np.flatnonzero(several >= 3)[:5]:
        assert len(set(people.phone[typed & (people.company == company)])) == 1


def test_second_records_told_by_name_share_no_identifier(some: duckdb.DuckDBPyConnection) -> None:
    known = ", ".join(f"'{kind}'" for kind in TOLD_BY_NAME)
    pairs = rows(
        some,
        "select kind, email, other_email, phone, other_phone, country, other_country, other_title, other_city, "
        f"company_key, other_company from pairs where kind in ({known})",
    )
    assert len(pairs) > 40
    for kind, email, other_email, phone, other_phone, country, other_country, title, city, company, name in pairs:
        assert canonical(email) != canonical(other_email)
        if kind != "nickname" and phone and other_phone:
            assert phonenumbers.parse(phone, REGIONS.get(country, "ZZ")) != phonenumbers.parse(
                other_phone, REGIONS[other_country]
            )
        if kind not in ("nickname", "misspelled"):
            assert other_phone is None
        # There is something to tell them by.
        assert company is None or name is not None
        assert title is not None or city is not None
    assert any(row[4] for row in pairs if row[0] == "nickname")


def test_names_differ_as_the_kind_says(some: duckdb.DuckDBPyConnection) -> None:
    short = {(nick, full) for pool in NICKNAMES.values() for nick, full in pool}
    seen = Counter()
    for kind, first, last, other_first, other_last in rows(
        some, "select kind, firstname, lastname, other_first, other_last from pairs"
    ):
        one, two = first.lower(), other_first.lower()
        seen[kind] += 1
        if kind == "misspelled":
            assert distance(f"{one} {last}".lower(), f"{two} {other_last}".lower()) in (1, 2)
        elif kind == "nickname":
            assert other_last == last
            assert any(nick == other_first and full.lower() == one for nick, full in short)
        elif kind == "initial":
            assert (other_last, other_first.rstrip(".")) == (last, first[:1].upper())
        elif kind == "swapped":
            assert (two, other_last.lower()) == (last.lower(), one)
        elif kind == "maiden":
            assert two == one
            assert other_last.startswith(last)
            assert len(other_last) > len(last)
        else:
            assert (two, other_last.lower()) == (one, last.lower())
    assert all(seen[kind] >= 2 for kind in TOLD_BY_NAME)


def test_a_slip_is_no_other_name() -> None:
    rng = np.random.default_rng(1)
    for name in ("Ana", "João", "Marie-Claude", "da Conceição", "O'Neill", "Li", "Émile"):
        taken = {plain(name), "anna", "joana"}
        for wrong in misspellings(name, taken, rng):
            assert wrong != name
            assert plain(wrong) not in taken - {plain(name)}
            assert distance(wrong.lower(), name.lower()) <= 3


def test_nobody_is_like_a_colleague_where_names_must_tell(medium: World) -> None:
    people = medium.people
    house = np.where(people.company >= 0, medium.companies.mail_company[np.maximum(people.company, 0)], -1)
    fits = told_by_name(people, medium.pools, house)
    for kind, allowed in fits.items():
        chosen = people.duplicate == kind
        assert allowed[chosen].all()
        assert (people.alike[chosen] == 0).all()


def test_lookalikes_are_different_people(some: duckdb.DuckDBPyConnection) -> None:
    pairs = rows(
        some,
        """
        select kind, l.person_id, other_person_id, a.firstname, a.lastname, a.email, a.phone, a.mobilephone,
            b.firstname, b.lastname, b.email, b.phone, b.mobilephone, t.company_key, u.company_key, a.country, b.country
        from truth_lookalikes as l
        join contacts as a on a.id = l.record_id join contacts as b on b.id = l.other_record_id
        join truth_people as t on t.source = 'hubspot' and t.record_id = a.id and t.person_id = l.person_id
        join truth_people as u on u.source = 'hubspot' and u.record_id = b.id and u.person_id = l.other_person_id
        """,
    )
    assert len(pairs) == rows(some, "select count(*) from truth_lookalikes")[0][0]
    assert set(ALIKE_KINDS[1:]) == {row[0] for row in pairs}
    for kind, person, other, *names in pairs:
        first, last, email, phone, mobile, first2, last2, email2, phone2, mobile2, company, company2, land, land2 = (
            names
        )
        assert person != other
        numbers = []
        for number, country in ((phone or mobile, land), (phone2 or mobile2, land2)):
            if number:
                numbers.append(phonenumbers.parse(number, REGIONS.get(country, "ZZ")))
        if kind == "similar_colleagues":
            assert last == last2
            assert first.lower() != first2.lower()
            assert distance(plain(first), plain(first2)) <= 3
            assert email.split("@")[1] == email2.split("@")[1]
            assert len(numbers) < 2 or numbers[0] != numbers[1]
        elif kind == "namesakes":
            assert (first.lower(), last) == (first2.lower(), last2)
            assert company != company2
            assert len(numbers) < 2 or numbers[0] != numbers[1]
        elif kind == "family_mailbox":
            assert last == last2
            assert plain(first) != plain(first2)
            assert canonical(email) == canonical(email2)
            assert len(numbers) < 2 or numbers[0] == numbers[1]
        else:
            assert email.split("@")[1] == email2.split("@")[1]


def test_a_mailbox_of_several_is_nobody(some: duckdb.DuckDBPyConnection) -> None:
    boxes = rows(
        some,
        "select person_id, list(distinct source order by source), max(record_id) filter (source = 'hubspot_forms') "
        "from truth_people where person_id like 'shared-mailbox-%' group by 1",
    )
    assert boxes
    several = 0
    for _, sources, email in boxes:
        assert sources == ["events", "hubspot", "hubspot_forms"]
        (names,) = rows(some, f"select count(distinct answers), count(*) from form_submissions where email = '{email}'")
        several += names[0] >= 2
        assert rows(some, f"select firstname, lastname from contacts where email = '{email}'") == [(None, None)]
    assert several == len(boxes)


def test_hints_say_what_a_record_carries(some: duckdb.DuckDBPyConnection) -> None:
    """A domain hint is an address at the company's own domain, a name hint a name that leads there."""
    wrong = rows(
        some,
        """
        select c.id from truth_people t join contacts c on t.source = 'hubspot' and t.record_id = c.id
        join (select distinct company_key, domain, has_own_domain from truth_companies) k using (company_key)
        where t.account_hint = 'domain' and (lower(split_part(c.email, '@', 2)) <> k.domain or not k.has_own_domain)
        """,
    )
    assert wrong == []
    wrong = rows(
        some,
        """
        select c.id from truth_people t join contacts c on t.source = 'hubspot' and t.record_id = c.id
        where (t.account_hint = 'association') <> (c.associatedcompanyid is not null)
            or (t.account_hint = 'name' and c.company is null)
        """,
    )
    assert wrong == []
    forms = set(LEGAL_SPELLINGS) | set(LEGAL_SPELLINGS.values())
    named = rows(
        some,
        """
        select c.company, any_value(k.name) from truth_people t join contacts c on t.record_id = c.id
        join truth_companies o using (company_key) join companies k on k.id = o.record_id
        where t.source = 'hubspot' and t.account_hint = 'name' group by c.id, c.company
        """,
    )
    assert len(named) > 40

    def core(name: str) -> str:
        for form in sorted(forms, key=len, reverse=True):
            if name.lower().endswith(" " + form.lower()):
                name = name[: -len(form) - 1]
                break
        for word in (" e ", " et ", " y ", " and ", " & "):
            name = name.replace(word, " ")
        return plain(name)

    # Three in a hundred lack a letter.
    assert all(distance(core(said), core(name)) <= 1 for said, name in named)
    assert sum(core(said) == core(name) for said, name in named) > 0.9 * len(named)


def test_companies_that_are_hard_to_tell(medium: World) -> None:
    companies = medium.companies
    depth = np.zeros(len(companies), dtype=int)
    at = companies.parent.copy()
    while (at >= 0).any():
        depth += at >= 0
        at = np.where(at >= 0, companies.parent[np.maximum(at, 0)], -1)
    assert depth.max() >= 2
    shares = ~companies.has_domain
    assert shares.sum() >= 50
    assert (companies.parent[shares] >= 0).all()
    domains = np.array(companies.domain.to_pylist())
    assert (domains[shares] == domains[companies.mail_company[shares]]).all()
    assert len(set(domains[~shares])) == (~shares).sum()
    lands: dict[str, set[int]] = {}
    for name, country in zip(companies.core_name.to_pylist(), companies.country, strict=True):
        lands.setdefault(name, set()).add(int(country))
    assert sum(len(found) > 1 for found in lands.values()) >= 40
    # Within one country a name is a company's own.
    pairs = list(zip(companies.core_name.to_pylist(), companies.country.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)


def test_a_small_world_has_a_group_of_three_levels() -> None:
    companies = plan_world(SIZES["small"], 7).companies
    chain = companies.parent[companies.parent[companies.parent >= 0]]
    assert (chain >= 0).any()
    assert not companies.has_domain.all()


def test_bad_values_stand_in_the_records(some: duckdb.DuckDBPyConnection) -> None:
    columns = {
        "first_name": "firstname", "company": "company", "country": "country", "email": "email", "phone": "phone",
        "job_title": "jobtitle", "declared_employee_count": "numemployees", "declared_annual_revenue": "annualrevenue",
    }  # fmt: skip
    for field, column in columns.items():
        wrong = rows(
            some,
            f"select b.kind, b.value, c.{column} from truth_bad_values b left join contacts c on c.id = b.record_id "
            f"where b.source = 'hubspot' and b.field = '{field}' and b.value is distinct from c.{column}",
        )
        assert wrong == [], field
    wrong = rows(
        some,
        "select b.value, c.activity_code from truth_bad_values b left join companies c on c.id = b.record_id "
        "where b.source = 'hubspot_companies' and b.value is distinct from c.activity_code",
    )
    assert wrong == []
    wrong = rows(
        some,
        "select b.record_id from truth_bad_values b where b.source = 'hubspot_forms' and not exists (select 1 "
        "from form_submissions f where lower(f.email) = b.record_id and contains(f.answers, b.value))",
    )
    assert wrong == []
    fields = set(rows(some, "select distinct source, field from truth_bad_values"))
    assert {("hubspot", f) for f in columns} < fields
    assert {("hubspot_companies", "activity_code"), ("hubspot_companies", "isic_class")} < fields
    twice = rows(some, "select source, record_id, field from truth_bad_values group by all having count(*) > 1")
    assert twice == []


def test_bad_phones_are_bad(some: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        some,
        "select kind, value, c.country, expected_status from truth_bad_values b join contacts c on c.id = record_id "
        "where field = 'phone'",
    )
    kinds = {kind for kind, *_ in found}
    assert kinds == {"phone_too_short", "phone_letters", "phone_too_long", "phone_wrong_country", "phone_zeros"}
    for kind, value, country, status in found:
        try:
            number = phonenumbers.parse(value, REGIONS.get(country))
        except phonenumbers.NumberParseException:
            assert status == "invalid"
            continue
        assert not phonenumbers.is_valid_number(number), (kind, value, country)
        # The length of zeros may be right; that they are no number is for hygiene to see.
        if kind != "phone_zeros":
            assert phonenumbers.is_possible_number(number) == (status == "possible"), (kind, value, country)


def test_expected_values_of_countries_and_names(some: duckdb.DuckDBPyConnection) -> None:
    for value, status, clean in rows(
        some, "select value, expected_status, expected_clean from truth_bad_values where field = 'country'"
    ):
        if status == "invalid":
            assert value in NO_COUNTRIES
            assert clean is None
        else:
            assert value in ODD_COUNTRIES[[c.code for c in COUNTRIES].index(clean)]
    for kind, value, clean in rows(
        some, "select kind, value, expected_clean from truth_bad_values where field = 'first_name'"
    ):
        if kind in ("name_upper", "name_lower"):
            assert value.lower() == clean.lower()
        elif kind in ("honorific", "emoji"):
            assert clean in value
            assert clean != value
        elif kind == "placeholder_name":
            assert clean is None


def test_a_share_is_exact_and_spread_over_weights() -> None:
    rng = np.random.default_rng(3)
    assert share(rng, 1_000, 0.2).sum() == pytest.approx(200, abs=1)
    weight = np.repeat([0, 1, 7], [600, 300, 100])
    chosen = share(rng, 1_000, 0.1, weight)
    assert weight[chosen].sum() / weight.sum() == pytest.approx(0.1, abs=0.01)
    truth = np.arange(1, 2_000)
    wrong = far_off(rng, truth, 1.0)
    assert ((wrong > 2.4 * truth) | (wrong < 0.41 * truth)).all()


def test_declared_values_disagree_with_enriched_ones_as_planted(medium: World, tmp_path: Path) -> None:
    people, companies = medium.people, medium.companies
    wrote = people.in_crm & (people.declared_employees >= 0)
    declarations = np.bincount(people.company[wrote], minlength=len(companies))
    write_enrichment(tmp_path, medium.rng(11), companies, declarations, Defects())
    planted = {(r["entity"], r["source"], r["field"]): r for r in declared_errors(EFFECTS)}
    number = {domain: i for i, domain in enumerate(companies.domain.to_pylist()) if companies.has_domain[i]}
    for provider in ("firmodata", "domaincheck"):
        said = duckdb.sql(
            f"select domain, max_by(employee_count, enriched_at), max_by(annual_revenue, enriched_at) from "
            f"read_csv('{tmp_path / provider}.csv') where domain <> '' group by 1"
        ).fetchall()
        enriched = np.full((len(companies), 2), -1.0)
        for domain, heads, money in said:
            enriched[number[domain]] = heads, money
        for column, (name, declared) in enumerate(
            (("employee_count", people.declared_employees), ("annual_revenue", people.declared_revenue))
        ):
            right = enriched[np.maximum(people.company, 0), column]
            on = wrote & (people.company >= 0) & (right >= 0)
            apart = np.abs(declared[on] - right[on]) > 0.2 * right[on]
            row = planted["contact", "hubspot", name]
            assert abs(apart.mean() - row["rate"]) < 2.5 * np.sqrt(row["rate"] * (1 - row["rate"]) / on.sum())
            kept = people.junk[on] == 0
            rate = row["rate_without_junk"]
            assert abs(apart[kept].mean() - rate) < 2.5 * np.sqrt(rate * (1 - rate) / kept.sum()) + 0.01
    at_work = people.company >= 0
    wrong = people.declared_country[at_work] != people.country[at_work]
    assert wrong.mean() == pytest.approx(planted["contact", "hubspot", "country"]["rate"], abs=0.001)


def test_crm_companies_are_wrong_as_often_as_planted(some: duckdb.DuckDBPyConnection) -> None:
    for field, column, rate in (
        ("numberofemployees", "employee_count", EFFECTS.crm_employees_error_rate),
        ("annualrevenue", "annual_revenue", EFFECTS.crm_revenue_error_rate),
    ):
        wrong, n = rows(
            some,
            f"select count(*) filter (abs({field}::bigint - {column}) > 0.2 * {column}), count(*) from companies "
            f"join truth_companies on record_id = id where {field} is not null",
        )[0]
        assert abs(wrong / n - rate) < 3 * np.sqrt(rate * (1 - rate) / n)
    (folder,) = rows(some, "select folder from place")[0]
    told = json.loads((Path(folder) / "truth" / "effects.json").read_text())["declared_errors"]
    assert {(r["entity"], r["field"]) for r in told} == {
        ("contact", "employee_count"), ("contact", "annual_revenue"), ("contact", "country"),
        ("account", "employee_count"), ("account", "annual_revenue"), ("account", "country"), ("account", "industry"),
    }  # fmt: skip
