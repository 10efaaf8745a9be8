"""Ten leads that mislead a score, each at a fitting company of its own, and what the shipped rules make of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.integration.dbt_core.conftest import AS_OF, ROOT, company, contact, event, moment, page, write_raw

CONTACT_FORM = {"id": "f-contact", "name": "Contact request", "field_names": "email", "archived": False}


def competitor() -> str:
    """A domain that the shipped rules know as a competitor's."""
    with (ROOT / "seeds" / "competitor_domains.csv").open(encoding="utf-8") as file:
        return next(csv.DictReader(file))["domain"]


def lead(kind: str, days: float = 100, domain: str | None = None, **properties: str) -> dict[str, Any]:
    """A decider at a fitting company, unless the properties say otherwise."""
    given = {
        "email": f"{kind}@{domain or kind + '-works.example'}", "firstname": kind.title(), "lastname": "Planted",
        "jobtitle": "CEO", "country": "France", "associatedcompanyid": f"k-{kind}",
    }  # fmt: skip
    return contact(kind, days, **(given | properties))


def visits(kind: str, path: str, moments: list[datetime], dwell: int = 0) -> list[dict[str, Any]]:
    """Pages seen by the lead's browser, which told who it is when it first came."""
    seen = [page(f"{kind}-{path}-{n}", f"dev-{kind}", at, path, dwell_seconds=dwell) for n, at in enumerate(moments)]
    known = event("identify", f"{kind}-{path}-id", f"dev-{kind}", moments[0] - timedelta(minutes=1), user_id=kind)
    return [known, *seen]


def ago(*days: float) -> list[datetime]:
    return [AS_OF - timedelta(days=day) for day in days]


def mails(kind: str, number: int, what: str, is_machine: bool) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{kind}-{what}-{n}", "type": what, "created_at": AS_OF - timedelta(hours=1 + n),
            "recipient": f"{kind}@{kind}-works.example", "campaign_id": "1", "is_machine": is_machine,
            "_loaded_at": AS_OF,
        }
        for n in range(number)
    ]  # fmt: skip


def requests(kind: str, moments: list[datetime]) -> list[dict[str, Any]]:
    return [
        {
            "submission_id": f"{kind}-{n}", "form_id": "f-contact", "submitted_at": at,
            "email": f"{kind}@{kind}-works.example", "page_url": "https://site.example/contact", "answers": "{}",
            "_loaded_at": AS_OF,
        }
        for n, at in enumerate(moments)
    ]  # fmt: skip


def status(kind: str, value: str, at: datetime) -> dict[str, Any]:
    return {
        "object_type": "contacts", "object_id": kind, "property": "hs_lead_status", "value": value, "changed_at": at,
        "source_type": "CRM_UI", "_loaded_at": AS_OF,
    }  # fmt: skip


KINDS = (
    "idle", "intern", "competitor", "unreachable", "noconsent", "flapping", "jobseeker", "machine", "curious",
    "sleeper",
)  # fmt: skip
PRICING_SPREE = [AS_OF - timedelta(days=3, minutes=40 * n) for n in range(6)]


def rows() -> dict[str, list[dict[str, Any]]]:
    contacts = [
        lead("idle"),
        lead("intern", jobtitle="Estagiário de marketing"),
        lead("competitor", domain=competitor()),
        # A throw-away address and no phone: nobody can be reached there.
        lead("unreachable", email="unreachable@mailinator.com"),
        lead("noconsent", hs_email_optout="true"),
        lead("flapping"),
        lead("jobseeker", jobtitle="Developer"),
        lead("machine"),
        lead("curious"),
        lead("sleeper"),
    ]
    pages = [
        *visits("idle", "/pricing", [moment(30, 30 * n) for n in range(8)]),
        *visits("intern", "/pricing", [AS_OF - timedelta(hours=6 + 5 * n) for n in range(60)]),
        *visits("competitor", "/pricing", PRICING_SPREE),
        *visits("unreachable", "/pricing", PRICING_SPREE),
        *visits("noconsent", "/pricing", PRICING_SPREE),
        # One page a week after three at once: above the line on each visit, below it the days between.
        *visits("flapping", "/pricing", [*ago(141, 140.9, 140.8), *ago(*range(133, 0, -7))]),
        *visits("jobseeker", "/careers", PRICING_SPREE),
        *visits("jobseeker", "/pricing", ago(2.5)),
        # A tab left open for ten hours.
        *visits("sleeper", "/about", ago(1), dwell=36_000),
    ]
    return {
        "raw_hubspot.contacts": contacts,
        "raw_hubspot.companies": [
            company(f"k-{kind}", 1, name=f"{kind.title()} Works", domain=f"{kind}-works.example", country="France",
                    numberofemployees="800", activity_code="62.01Z", activity_code_system="NAF")
            for kind in KINDS
        ],
        "raw_events.events": pages,
        "raw_hubspot.email_events": [
            *mails("machine", 200, "OPEN", True),
            *mails("machine", 3, "BOUNCE", False),
        ],
        "raw_hubspot.forms": [CONTACT_FORM | {"_loaded_at": AS_OF}],
        "raw_hubspot.form_submissions": requests("curious", ago(9, 6, 2)),
        # Sales took the curious one up; that alone makes no opportunity of them.
        "raw_hubspot.property_history": [status("curious", "OPEN", ago(5)[0])],
    }  # fmt: skip


@pytest.fixture(scope="module")
def marts(
    tmp_path_factory: pytest.TempPathFactory, dbt_build: Callable[..., Any]
) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("misbehaving") / "warehouse.duckdb"
    write_raw(path, rows())
    dbt_build(path, "resource_type:seed", command="seed")
    dbt_build(path, "resource_type:model", command="run")
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def who(marts: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Contact ids by kind; each planted record is a contact of its own, at an account of its own."""
    found = dict(marts.execute("select hubspot_record_id, contact_id from marts.dim_contacts").fetchall())
    assert set(found) == set(KINDS)
    accounts = marts.execute("select count(distinct account_id) from marts.dim_contacts").fetchone()
    assert accounts == (len(KINDS),)
    return found


def one(connection: duckdb.DuckDBPyConnection, query: str, *arguments: object) -> Any:
    row = connection.execute(query, list(arguments)).fetchone()
    assert row is not None, query
    return row[0] if len(row) == 1 else row


def score(marts: duckdb.DuckDBPyConnection, contact_id: str) -> dict[str, Any]:
    result = marts.execute("select * from marts.fct_contact_scores where contact_id = ?", [contact_id])
    assert result.description is not None
    names = [column[0] for column in result.description]
    row = result.fetchone()
    assert row is not None
    return dict(zip(names, row, strict=True))


def moves(marts: duckdb.DuckDBPyConnection, contact_id: str) -> list[tuple[str, str]]:
    return marts.execute(
        "select to_stage, direction from marts.fct_stage_transitions where contact_id = ? order by transition_number",
        [contact_id],
    ).fetchall()


def stages(marts: duckdb.DuckDBPyConnection, contact_id: str) -> list[str]:
    return [stage for stage, _ in moves(marts, contact_id)]


def worst_grade(marts: duckdb.DuckDBPyConnection) -> str:
    return str(one(marts, "select arg_max(grade, grade_order) from config.grades"))


def is_listed(marts: duckdb.DuckDBPyConnection, contact_id: str) -> bool:
    return bool(
        one(
            marts,
            "select count(*) from marts.fct_list_memberships where contact_id = ? and valid_to is null",
            contact_id,
        )
    )


def gate(marts: duckdb.DuckDBPyConnection, contact_id: str) -> tuple[bool, str | None]:
    passed, reason = one(
        marts, "select passed, reason_code from marts.fct_handoff_gate where contact_id = ?", contact_id
    )
    return bool(passed), reason


def test_the_idle_one_fell_back_once(marts: duckdb.DuckDBPyConnection, who: dict[str, str]) -> None:
    found = moves(marts, who["idle"])
    assert [stage for stage, _ in found].count("mql") == 1
    assert [direction for _, direction in found].count("back") == 1
    assert found[-1][1] == "back"
    assert score(marts, who["idle"])["engagement_band"] == "low"


def test_the_intern_alone_qualifies_nothing(marts: duckdb.DuckDBPyConnection, who: dict[str, str]) -> None:
    assert score(marts, who["intern"])["engagement_band"] == "high"
    assert stages(marts, who["intern"]) == ["inquiry"]
    passed, grade = one(
        marts,
        """
        select account_scores.gate_passed, grades.is_hot
        from marts.fct_account_scores as account_scores
        inner join marts.dim_contacts as contacts using (account_id)
        inner join config.grades as grades on account_scores.grade = grades.grade
        where contacts.contact_id = ?
        """,
        who["intern"],
    )
    assert (passed, grade) == (False, False)


def test_the_competitor_is_excluded_with_a_reason(marts: duckdb.DuckDBPyConnection, who: dict[str, str]) -> None:
    found = score(marts, who["competitor"])
    assert found["exclusion_reason"]
    assert found["grade"] == worst_grade(marts)
    assert found["engagement_score"] > 0
    assert not gate(marts, who["competitor"])[0]
    assert not is_listed(marts, who["competitor"])


def test_the_unreachable_one_is_held(marts: duckdb.DuckDBPyConnection, who: dict[str, str]) -> None:
    assert "mql" in stages(marts, who["unreachable"])
    assert gate(marts, who["unreachable"]) == (False, "unreachable")


def test_who_opted_out_is_on_no_list_and_nobody_s_next_action(
    marts: duckdb.DuckDBPyConnection, who: dict[str, str]
) -> None:
    assert gate(marts, who["noconsent"])[0] is False
    assert not is_listed(marts, who["noconsent"])
    assert one(marts, "select count(*) from marts.mart_next_action where contact_id = ?", who["noconsent"]) == 0


def test_the_flapping_one_enters_once(marts: duckdb.DuckDBPyConnection, who: dict[str, str]) -> None:
    assert moves(marts, who["flapping"]) == [("inquiry", "forward"), ("mql", "forward")]


def test_the_job_seeker_is_marked_down(marts: duckdb.DuckDBPyConnection, who: dict[str, str]) -> None:
    negative = one(
        marts,
        "select sum(points) from marts.fct_score_ledger where entity_id = ? and score_kind in ('negative', 'cap')",
        who["jobseeker"],
    )
    assert negative < 0
    assert score(marts, who["jobseeker"])["engagement_score"] < 0
    assert stages(marts, who["jobseeker"]) == ["inquiry"]


def test_opens_by_machines_are_worth_nothing(marts: duckdb.DuckDBPyConnection, who: dict[str, str]) -> None:
    lines = dict(
        marts.execute(
            "select rule_id, sum(points) from marts.fct_score_ledger"
            " where entity_id = ? and score_kind != 'fit' group by 1",
            [who["machine"]],
        ).fetchall()
    )
    assert set(lines) == {"email_bounce"}
    assert lines["email_bounce"] < 0


def test_asking_to_be_contacted_is_no_buying_intention(marts: duckdb.DuckDBPyConnection, who: dict[str, str]) -> None:
    reached = stages(marts, who["curious"])
    assert "mql" in reached
    assert "sql" not in reached
    assert (
        one(marts, "select bool_or(is_buying_intent) from marts.fct_intent_events where contact_id = ?", who["curious"])
        is False
    )


def test_a_page_left_open_counts_as_minutes_not_hours(marts: duckdb.DuckDBPyConnection, who: dict[str, str]) -> None:
    most = one(
        marts,
        "select max(points * max_measure) from config.engagement_signals where signal_id = 'page_dwell'",
    )
    found = one(
        marts,
        "select sum(points) from marts.fct_score_ledger where entity_id = ? and rule_id = 'page_dwell'",
        who["sleeper"],
    )
    assert 0 < found <= most
