"""Each preset passes the rule checks and is built: scores, stages, gate and lists, with every test on them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leadhouse.rule_sets import compose, known_presets
from leadhouse.rules import check_rules
from leadhouse.settings import BASE_SEEDS_DIR, PRESETS_DIR, RULE_SETS_DIR
from orchestration.manifest import seeds_path
from tests.integration.dbt_core.conftest import AS_OF, company, contact, moment, page, write_raw

PRESETS = ["b2c", "fast_cycle", "slow_cycle"]
#: What somebody who chooses a preset looks at, and the test that nothing is lost on the way.
WANTED = [
    "dim_accounts",
    "fct_account_scores",
    "fct_score_ledger",
    "mart_committee",
    "dim_contact_stages",
    "mart_funnel",
    "fct_handoff_gate",
    "list_hot_accounts_contacts",
    "mart_record_conservation",
]
VISITED_ON = (AS_OF - moment()).days - 40


def rows() -> dict[str, list[dict[str, Any]]]:
    """A decider of a company and a consumer, each engaged once, forty days ago."""
    people = {"1": "ceo@acme.com.br", "2": "ana.souza@gmail.com"}
    return {
        "raw_hubspot.companies": [
            company("9", name="Acme", domain="acme.com.br", numberofemployees="300", country="Brazil"),
        ],
        "raw_hubspot.contacts": [
            contact("1", email=people["1"], jobtitle="CEO", country="Brazil", firstname="Rui", lastname="Melo"),
            contact("2", email=people["2"], country="Brazil", firstname="Ana", lastname="Souza"),
        ],
        "raw_events.events": [
            page(f"{person}-{visit}", f"visitor{person}", moment(VISITED_ON, 10 * visit), path, email=email)
            for person, email in people.items()
            for visit, path in enumerate(["/pricing"] * 6 + ["/demo"] * 4)
        ],
    }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, dbt_build: Callable[..., subprocess.CompletedProcess[str]]) -> Path:
    """A warehouse built by the shipped rules."""
    path = write_raw(tmp_path_factory.mktemp("presets") / "base.duckdb", rows())
    upstream = [f"+{model}" for model in WANTED]
    dbt_build(path, "resource_type:seed", *upstream, "--exclude", "resource_type:test", "resource_type:unit_test")
    return path


@pytest.fixture(params=PRESETS)
def preset(
    request: pytest.FixtureRequest,
    base: Path,
    tmp_path: Path,
    dbt_build: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[str, Path]]:
    """A copy under the same name (views name it), with what depends on the preset's rules built anew and tested."""
    name = request.param
    folder = compose(BASE_SEEDS_DIR, [PRESETS_DIR / name], RULE_SETS_DIR / f"test-{name}")
    monkeypatch.setenv("LEADHOUSE_SEEDS_DIR", seeds_path(folder))
    warehouse = Path(shutil.copy(base, tmp_path))
    changed = [path.stem for path in (PRESETS_DIR / name).glob("*.csv")]
    selected = [f"{seed}+,+{model}" for seed in changed for model in WANTED]
    dbt_build(warehouse, *selected, "--exclude", "resource_type:unit_test", "--target-path", str(tmp_path / "target"))
    yield name, warehouse
    shutil.rmtree(folder)


def test_the_presets_that_ship_are_those_tested_and_pass_the_checks(tmp_path: Path) -> None:
    assert known_presets(PRESETS_DIR) == PRESETS
    for name in PRESETS:
        assert check_rules(compose(BASE_SEEDS_DIR, [PRESETS_DIR / name], tmp_path / name)) == []


def test_a_preset_is_built(preset: tuple[str, Path]) -> None:
    name, warehouse = preset
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        stages = dict(connection.execute(STAGES).fetchall())
        accounts = connection.execute("select count(*) from marts.dim_accounts").fetchall()[0][0]
        with_account = connection.execute(
            "select count(*) from marts.fct_contact_scores where account_id is not null"
        ).fetchall()[0][0]
        scored = connection.execute("select count(*) from marts.fct_account_scores").fetchall()[0][0]
    # Who visited forty days ago has cooled down where a purchase takes days, and not where it takes quarters.
    if name == "slow_cycle":
        assert stages == {"ceo@acme.com.br": ["inquiry", "mql"], "ana.souza@gmail.com": ["inquiry"]}
    elif name == "fast_cycle":
        assert stages == {"ceo@acme.com.br": ["inquiry", "mql", "recycled"], "ana.souza@gmail.com": ["inquiry"]}
    else:
        assert stages["ana.souza@gmail.com"] == ["inquiry", "mql", "recycled"]
    assert (accounts, with_account, scored) == ((0, 0, 0) if name == "b2c" else (1, 1, 1))


STAGES = """
    select contacts.email, list(transitions.to_stage order by transitions.transition_number)
    from marts.fct_stage_transitions as transitions
    inner join marts.dim_contacts as contacts on transitions.contact_id = contacts.contact_id
    group by contacts.email
"""
