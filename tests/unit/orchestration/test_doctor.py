from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from leadhouse import cli
from leadhouse import settings as settings_module
from leadhouse.settings import BASE_SEEDS_DIR, load_settings
from orchestration.doctor import Check, examine

NOW = datetime(2026, 11, 2, 6)
WAREHOUSE = """
create schema marts; create schema config; create schema staging; create schema intermediate; create schema raw_ops;
create table raw_ops.run_clock as select timestamp '2026-11-01 06:00:00' as as_of_at, false as pinned;
create table marts.fct_contact_scores as select timestamp '2026-11-01 06:00:00' as as_of_at;
create table intermediate.int_crm_owners as select '7' as owner_id, false as is_archived;
create table staging.stg_files__owners as select '8' as record_id;
create table config.routes as
    select * from (values ('direct', true), ('nurture', false)) as rows (route, assigns_owner);
create table marts.fct_routing as select * from (values
    ('direct', '7', true), ('nurture', null, true), ('direct', null, false)) as rows (route, owner_id, is_current);
create table marts.fct_handoffs as select timestamp '2026-10-26 09:00:00' as mql_at;
create table marts.fct_opportunities as
    select 'EUR' as currency, 10 as amount, timestamp '2026-05-01 09:00:00' as created_at;
create table staging.stg_ads__spend as select 'BRL' as currency, date '2026-05-01' as spend_on;
create table config.currency_rates as select * from (values
    ('EUR', date '2000-01-01'), ('BRL', date '2000-01-01')) as rows (currency, valid_from);
create table marts.mart_record_conservation as
    select 'hubspot' as source, 'contacts' as entity, 1 as quarantined, 100 as raw_records;
create table marts.fct_touches as select 'email' as channel, true as is_attributable;
create table marts.mart_quarantine as select 'bad_number' as reason_code;
"""


@pytest.fixture
def installation(own_settings: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that lacks nothing: a source, signed contracts, a green build, a warehouse."""
    seeds = own_settings / "seeds"
    shutil.copytree(BASE_SEEDS_DIR, seeds)
    monkeypatch.setattr(settings_module, "BASE_SEEDS_DIR", seeds)
    signatures = (seeds / "contract_signatures.csv").read_text(encoding="utf-8").splitlines()
    signed = [signatures[0], *(line.removesuffix(",,") + ",Ana Lima,2026-10-01" for line in signatures[1:])]
    (seeds / "contract_signatures.csv").write_text("\n".join(signed) + "\n", encoding="utf-8")
    monkeypatch.setenv("LEADHOUSE_EVENTS_DIR", str(own_settings))
    settings = load_settings()
    settings.published.mkdir(parents=True)
    settings.current_snapshot.touch()
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(WAREHOUSE)
    return seeds


def examined(name: str, now: datetime = NOW) -> Check:
    return {check.name: check for check in examine(load_settings(), now=now)}[name]


def test_nothing_is_wrong_where_nothing_is(installation: Path) -> None:
    assert [check for check in examine(load_settings(), now=NOW) if check.status != "ok"] == []


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        ("update raw_ops.run_clock set pinned = true", "clock", "pinned to 2026-11-01"),
        ("insert into marts.fct_routing values ('direct', null, true)", "owners", "1 leads have no owner"),
        ("delete from intermediate.int_crm_owners", "owners", "1 have one that is gone"),
        ("insert into marts.fct_handoffs select mql_at from marts.fct_handoffs, range(50)", "capacity", "had 51"),
        ("update config.currency_rates set valid_from = '2026-06-01'", "currency rates", "1 in"),
        ("update marts.mart_record_conservation set quarantined = 5", "quarantine", "hubspot contacts 5.0 %"),
        ("update marts.fct_touches set channel = 'unassigned'", "channels", "100.0 %"),
        ("update marts.mart_quarantine set reason_code = 'unknown_outcome'", "outcomes", "1 activities"),
        ("drop table marts.mart_quarantine", "outcomes", "no such marts yet"),
    ],
)
def test_what_to_look_at(installation: Path, change: str, name: str, said: str) -> None:
    with duckdb.connect(str(load_settings().warehouse)) as connection:
        connection.execute(change)
    found = examined(name)
    assert found.status == "look"
    assert said in found.found
    assert found.to_do


def test_old_marts(installation: Path) -> None:
    assert examined("scores").status == "ok"
    assert examined("scores", NOW + timedelta(days=3)).status == "look"


def test_a_missing_contract_or_signature_ends_with_an_error(installation: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(cli.app, ["doctor"]).exit_code == 0
    text = (installation / "contract_signatures.csv").read_text(encoding="utf-8")
    (installation / "contract_signatures.csv").write_text(text.replace("Ana Lima,2026-10-01", ",", 1), encoding="utf-8")
    done = runner.invoke(cli.app, ["doctor", "--json"])
    assert done.exit_code == 1
    (missing,) = [check for check in json.loads(done.stdout) if check["status"] == "missing"]
    assert (missing["name"], missing["found"]) == ("signatures", "not signed by: Head of marketing")
    (installation / "sla_contracts.csv").unlink()
    assert runner.invoke(cli.app, ["doctor"]).exit_code == 1
    assert examined("rules").status == "missing"


def test_before_anything_is_set_up(own_settings: Path) -> None:
    found = {check.name: check.status for check in examine(load_settings(), now=NOW)}
    assert found["sources"] == found["signatures"] == found["last build"] == found["warehouse"] == "missing"
    assert found["rules"] == found["contract"] == "ok"


def test_an_org_without_credentials(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_SALESFORCE_LOGIN_URL", "https://acme.my.salesforce.com")
    monkeypatch.setenv("LEADHOUSE_SALESFORCE_CLIENT_ID", "3MVG9")
    missing = examined("CRM token")
    assert (missing.status, missing.found) == ("missing", "salesforce: no credentials that can be used")
    assert "LEADHOUSE_SALESFORCE_CLIENT_SECRET" in missing.to_do
