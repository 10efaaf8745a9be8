"""A small published snapshot made by hand, with the columns of the marts' contracts, and a server on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import httpx
import uvicorn
import yaml

from leadhouse.settings import PROJECT_DIR
from serve.app import create_app
from serve.gate import Door
from serve.sessions import Token
from serve.snapshot import TABLES, Snapshots

TOKEN = "a-token-for-the-tests-of-serve"
AS_OF = datetime(2026, 11, 1, 6)
TEXTILE, SCRIPTED, CROWDED, LONELY = "a" * 32, "b" * 32, "c" * 32, "d" * 32
JOAO, ZOE, SCRIPT, NOBODY = "1" * 32, "2" * 32, "3" * 32, "4" * 32
#: What a template that forgot to escape would run.
EVIL = """<script>alert("x")</script><img src=x onerror='alert(1)'>"""
CROWD = 60
FILLERS = 120


@cache
def contracts() -> Mapping[str, list[tuple[str, str]]]:
    """Columns and types of every mart, from its contract."""
    found: dict[str, list[tuple[str, str]]] = {}
    for file in sorted((PROJECT_DIR / "models" / "marts").rglob("_*__m*.yml")):
        for model in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("models", []):
            found[model["name"]] = [
                (column["name"], column["data_type"]) for column in model.get("columns", []) if "data_type" in column
            ]
    return found


@dataclass
class World:
    """Rows by table; what a row leaves out is null."""

    build_id: str = "build-1"
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> None:
        """One more row."""
        self.rows.setdefault(table, []).append(row)

    def write(self, path: Path) -> None:
        """The snapshot as a file."""
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema marts")
            for table in TABLES:
                if table == "published_build":
                    continue
                columns = ", ".join(f'"{name}" {kind}' for name, kind in contracts()[table])
                connection.execute(f'create table marts."{table}" ({columns})')
                known = {name for name, _ in contracts()[table]}
                alike: dict[tuple[str, ...], list[Any]] = {}
                for row in self.rows.get(table, []):
                    assert set(row) <= known, f"{table}: {set(row) - known}"
                    alike.setdefault(tuple(row), []).extend(row.values())
                for names, values in alike.items():
                    marks = f"({', '.join('?' for _ in names)})"
                    listed = ", ".join(f'"{name}"' for name in names)
                    connection.execute(
                        f'insert into marts."{table}" ({listed}) values '
                        + ", ".join([marks] * (len(values) // len(names))),
                        values,
                    )
            connection.execute(
                "create table marts.published_build as select ?::varchar as build_id, ?::timestamp as as_of_at, "
                "?::timestamp as published_at, 'rules-1' as ruleset_version",
                [self.build_id, AS_OF, AS_OF + timedelta(hours=1)],
            )


def publish(world: World, folder: Path) -> Path:
    """Writes a snapshot and swaps the link to it, as ``orchestration.publish`` does. Returns the link."""
    from orchestration.publish import swap_link

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{world.build_id}.duckdb"
    world.write(path)
    link = folder / "current.duckdb"
    swap_link(link, path)
    return link


def made_world() -> World:
    """Four accounts of interest and a crowd."""
    world = World()
    _words(world)
    _account(world, TEXTILE, "Ação Têxtil Ltda", "acaotextil.example", score=61, grade="A", owner="o1")
    _account(world, SCRIPTED, EVIL, "scripted.example", score=5, grade="D")
    _account(world, CROWDED, "Crowded House", "crowded.example", score=30, grade="B")
    _account(world, LONELY, "Nobody Known SA", None, score=0, grade="D")
    for number in range(FILLERS):
        _account(world, f"f{number:031d}", f"Filler {number}", f"filler{number}.example", score=-number, grade="C")
    _joao(world)
    _contact(world, ZOE, TEXTILE, "Zoë Ôpt-Out", "zoe@acaotextil.example", score=10, is_opted_out=True)
    _contact(world, SCRIPT, SCRIPTED, EVIL, "evil@scripted.example", score=1, job_title=EVIL)
    _contact(world, NOBODY, None, "Ann O'Neill 100% _sure", "ann@free.example", score=2)
    for number in range(CROWD):
        _contact(world, f"e{number:031d}", CROWDED, f"Member {number:02d}", f"m{number}@crowded.example", score=number)
    for number in range(100):
        world.add(
            "fct_touches",
            touch_id=f"t{number:03d}",
            contact_id=SCRIPT,
            account_id=SCRIPTED,
            touch_at=AS_OF - timedelta(days=number),
            touch_type="web_session",
            signal_detail=f"/page-{number}{EVIL if number == 0 else ''}",
            content=EVIL if number == 0 else None,
            is_machine=False,
        )
    return world


def _words(world: World) -> None:
    for grade, en, pt in (("A", "Work now", "Trabalhar agora"), ("B", "Next", "Depois"), ("C", "Nurture", "Nutrir")):
        world.add("dim_score_terms", kind="grade", entity="", code=grade, label_en=en, label_pt=pt)
    world.add("dim_score_terms", kind="grade", entity="", code="D", label_en="Leave", label_pt="Deixar")
    world.add("dim_score_terms", kind="attribute", entity="", code="industry", label_en="Industry", label_pt="Setor")
    for stage, place in (("inquiry", 1), ("mql", 2)):
        label = stage.upper()
        world.add("dim_score_terms", kind="stage", entity="", code=stage, label_en=label, label_pt=f"{label}-pt")
        world.add("mart_funnel", stage=stage, stage_order=place, label_en=label, label_pt=f"{label}-pt")
    for role, need, en, pt in (
        ("decision_maker", 2, "decision makers", "decisores"),
        ("influencer", 1, "influencers", "influenciadores"),
        ("unknown", 0, "people of unknown role", "pessoas de papel desconhecido"),
    ):
        world.add("dim_score_terms", kind="buying_role", entity="", code=role, label_en=en, label_pt=pt)
        world.add(
            "dim_committee_roles",
            buying_role=role,
            weight=100 if need else 20,
            need_count=need,
            coverage_points=15 if need else 0,
            depth_cap=20 if need else 3,
            is_decision=role == "decision_maker",
            label_en=en,
            label_pt=pt,
        )
    world.add("dim_scoring_settings", setting="engaged_min_score", value=10, unit="points", description="x")
    for signal, kind, half_life, cap in (
        ("pricing", "engagement", 14, 30),
        ("fading", "engagement", None, None),
        ("left", "negative", None, -20),
    ):
        world.add(
            "dim_engagement_signals",
            signal_id=signal,
            score_kind=kind,
            touch_type="page_view",
            points=5,
            half_life_days=half_life,
            cap=cap,
        )
    world.add("dim_owners", source="hubspot", owner_id="o1", owner_name="Olga Owner", is_archived=False)


def _account(
    world: World, account_id: str, name: str, domain: str | None, *, score: float, grade: str, owner: str | None = None
) -> None:
    world.add(
        "dim_accounts",
        account_id=account_id,
        account_name=name,
        domain=domain,
        country="BR",
        owner_id=owner,
        contact_count=0,
        employee_count=1234,
        annual_revenue=Decimal("1234567.00"),
        revenue_currency="BRL",
    )
    fit = score - 15 if account_id == TEXTILE else score
    world.add(
        "fct_account_scores",
        account_id=account_id,
        fit_score=fit,
        engagement_score=score - fit,
        score=score,
        grade=grade,
        fit_band="high",
        engagement_band="low",
        score_lo=score,
        score_hi=score + 8,
        confidence=Decimal("0.5"),
        engaged_contacts=int(account_id == TEXTILE),
        engaged_deciders=int(account_id == TEXTILE),
        committee_completeness=Decimal("0.3333"),
        gate_passed=account_id == TEXTILE,
        gate_reason="Engaged in a decision role: 1",
        gate_reason_pt="Engajados em papel de decisão: 1",
        as_of_at=AS_OF,
        ruleset_version="rules-1",
        code_version="code-1",
    )
    _line(world, "account", account_id, account_id, "fit", "size", fit, f"Size of {name}", f"Tamanho de {name}")
    if account_id == TEXTILE:
        _line(world, "account", account_id, account_id, "engagement", "committee:decision_maker", 15, "One", "Um")
        for role, need, engaged, people in (("decision_maker", 2, 1, 2), ("influencer", 1, 0, 0)):
            world.add(
                "mart_committee",
                account_id=account_id,
                buying_role=role,
                label_en={"decision_maker": "decision makers", "influencer": "influencers"}[role],
                label_pt={"decision_maker": "decisores", "influencer": "influenciadores"}[role],
                weight=100,
                is_decision=role == "decision_maker",
                need_count=need,
                coverage_points=15,
                people=people,
                engaged_people=engaged,
                is_missing=not engaged,
                role_coverage_pct=100 * engaged / need,
            )
        world.add(
            "mart_unknown_facts",
            unknown_fact_id="u1",
            entity_type="account",
            entity_id=account_id,
            account_id=account_id,
            about="account",
            attribute="industry",
            lo_points=-4,
            hi_points=8,
        )


def _contact(
    world: World,
    contact_id: str,
    account_id: str | None,
    name: str,
    email: str,
    *,
    score: float,
    engagement: Decimal = Decimal(0),
    is_opted_out: bool = False,
    role: str | None = None,
    job_title: str | None = None,
) -> None:
    world.add(
        "dim_contacts",
        contact_id=contact_id,
        account_id=account_id,
        full_name=name,
        email=email,
        phone_e164="+5511987654321",
        job_title=job_title,
        buying_role=role,
        country="BR",
        is_opted_out=is_opted_out,
        created_at=AS_OF - timedelta(days=300),
    )
    world.add(
        "fct_contact_scores",
        contact_id=contact_id,
        account_id=account_id,
        fit_score=score,
        engagement_score=engagement,
        score=Decimal(str(score)) + engagement,
        grade="B",
        fit_band="high",
        engagement_band="low",
        score_lo=score,
        score_hi=Decimal(str(score)) + engagement,
        confidence=Decimal(1),
        is_engaged=engagement >= 10,
        last_engaged_at=AS_OF - timedelta(days=14) if engagement else None,
        as_of_at=AS_OF,
        ruleset_version="rules-1",
        code_version="code-1",
    )
    world.add("dim_contact_stages", contact_id=contact_id, account_id=account_id, stage="inquiry", stage_since=AS_OF)
    _line(world, "contact", contact_id, account_id, "fit", "role", score, "Role", "Papel")


def _joao(world: World) -> None:
    """Forty points for looking at prices, two weeks and six hours ago; half of them fade in two weeks."""
    engagement = Decimal(str(round(40 * 2 ** (-(14.25) / 14), 6)))
    _contact(
        world, JOAO, TEXTILE, "João d'Ávila", "joao@acaotextil.example", score=20, engagement=engagement,
        role="decision_maker", job_title="Diretor & sócio",
    )  # fmt: skip
    _line(world, "contact", JOAO, TEXTILE, "engagement", "pricing", engagement, "Looked at prices", "Viu os preços")
    day = AS_OF.date() - timedelta(days=14)
    add_day(world, JOAO, TEXTILE, "pricing", day, 40, 8)
    world.add(
        "fct_touches",
        touch_id="t-joao",
        contact_id=JOAO,
        account_id=TEXTILE,
        touch_at=datetime.combine(day, datetime.min.time()),
        touch_type="content_download",
        signal_detail="whitepaper",
        content="A guide",
        is_machine=False,
    )
    world.add(
        "fct_stage_transitions",
        transition_id="s1",
        contact_id=JOAO,
        account_id=TEXTILE,
        transition_number=1,
        from_stage="inquiry",
        to_stage="mql",
        transition_at=AS_OF - timedelta(days=13),
        trigger="mql_score_line",
        reason="Met the agreed line of fit and engagement",
        evidence="Fit 20.0, engagement 19.8",
    )
    world.add(
        "fct_opportunities",
        opportunity_id="d1",
        source_record_id="deal-1",
        account_id=TEXTILE,
        contact_id=JOAO,
        name="Têxtil - seats",
        stage="open",
        stage_kind="open",
        amount=Decimal("9876.50"),
        currency="EUR",
        created_at=AS_OF - timedelta(days=12),
    )
    world.add(
        "fct_handoffs", handoff_id="h1", contact_id=JOAO, account_id=TEXTILE, mql_at=AS_OF - timedelta(days=13),
        owner_id="o1", segment="Everybody else",
    )  # fmt: skip
    world.add(
        "fct_handoff_verdicts", handoff_id="h1", contact_id=JOAO, account_id=TEXTILE, verdict="accepted",
        decided_at=AS_OF - timedelta(days=11), reason_en="Sales accepted the lead", reason_pt="Vendas aceitou o lead",
    )  # fmt: skip
    for number, (changed_by, name) in enumerate((("person", "hs_lead_status"), ("leadhouse", "leadhouse_score"))):
        world.add(
            "mart_crm_changes", change_id=f"x{number}", changed_at=AS_OF - timedelta(days=10 - number),
            destination="hubspot", object="contacts", record_id="r1", contact_id=JOAO, property=name,
            previous_value="NEW", new_value="OPEN", changed_by=changed_by, action="update",
        )  # fmt: skip


def add_day(
    world: World, contact_id: str, account_id: str | None, signal: str, day: date, points: float, events: int
) -> None:
    """One bucket of engagement; without events, a step by which points fade."""
    world.add(
        "mart_engagement_days",
        account_id=account_id,
        contact_id=contact_id,
        signal_id=signal,
        day_on=day,
        counts_from_on=day + timedelta(days=1) if events else day,
        bucket_points=points,
        event_count=events,
    )


def _line(
    world: World,
    entity: str,
    entity_id: str,
    account_id: str | None,
    kind: str,
    rule: str,
    points: Any,
    en: str,
    pt: str,
) -> None:
    world.add(
        "fct_score_ledger",
        ledger_id=f"{entity_id}{kind}{rule}",
        entity_type=entity,
        entity_id=entity_id,
        account_id=account_id,
        score_kind=kind,
        rule_id=rule,
        evidence_count=1,
        last_evidence_at=AS_OF - timedelta(days=14),
        raw_points=points,
        decay_points=0,
        decayed_points=points,
        points=points,
        reason=en,
        reason_pt=pt,
    )


@dataclass
class Served:
    """A running server."""

    url: str
    door: Door
    folder: Path

    def client(self, *, token: str | None = TOKEN, **options: Any) -> httpx.Client:
        """A client that bears the token, or none."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers | options.pop("headers", {}), timeout=30, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """One page, with the token."""
        with self.client() as client:
            return client.get(path, **options)


@contextmanager
def serving(folder: Path, *, door: Door | None = None, look_seconds: float = 0.1) -> Iterator[Served]:
    """A server on 127.0.0.1 that reads ``folder``'s link, for as long as the block runs."""
    opened = door or Door(Token(TOKEN), hosts=frozenset({"127.0.0.1"}), failure_seconds=0.0)
    app = create_app(Snapshots(folder / "current.duckdb"), opened, look_seconds=look_seconds)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, access_log=False, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(f"http://127.0.0.1:{port}", opened, folder)
    finally:
        server.should_exit = True
        thread.join(30)
