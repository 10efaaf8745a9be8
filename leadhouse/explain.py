"""Why a contact or an account has the score it has, read from the published snapshot.

Nothing is computed anew: the lines are those of ``fct_score_ledger``, and their sum is checked against the score that
everybody else reads. Of personal data only names, job titles and roles are shown.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from leadhouse.settings import SettingsError

if TYPE_CHECKING:
    import duckdb

Language = Literal["en", "pt"]

#: People of the account and candidates of an ambiguous name that are listed at most.
_LISTED = 10
#: Tables of schema ``marts`` that are read.
TABLES = (
    "dim_contacts",
    "dim_accounts",
    "dim_contact_stages",
    "dim_score_terms",
    "fct_contact_scores",
    "fct_account_scores",
    "fct_score_ledger",
    "fct_contact_requests",
    "fct_intent_events",
    "fct_bant_facts",
    "mart_committee",
    "mart_unknown_facts",
    "published_build",
)


class SubjectError(SettingsError):
    """Nobody, or more than one, is meant by what was asked for."""


@dataclass(frozen=True)
class Line:
    """One line of the ledger. ``at`` is the last event (UTC), or when a fact was stated; points are exact."""

    rule_id: str
    kind: str
    reason: str
    evidence_count: int
    at: datetime | None
    raw_points: Decimal
    decay_points: Decimal
    cap: Decimal | None
    points: Decimal


@dataclass(frozen=True)
class Person:
    """Somebody of the account's line-up."""

    name: str | None
    job_title: str | None
    role: str
    engagement_score: Decimal
    is_engaged: bool
    last_engaged_at: datetime | None
    is_asked_for: bool


@dataclass(frozen=True)
class MissingRole:
    """A role of the buying committee in which fewer people are engaged than are sought."""

    role: str
    sought: int
    engaged: int
    known: int
    points: Decimal


@dataclass(frozen=True)
class UnknownFact:
    """A fact that is not known, and the least and the most it could bring."""

    fact: str
    about: str
    lo_points: Decimal
    hi_points: Decimal


@dataclass(frozen=True)
class Statement:
    """An expression of intent, or a fact of budget, authority, need and timeline."""

    kind: str
    at: datetime
    text: str
    is_buying_intent: bool | None = None


@dataclass(frozen=True)
class Explanation:
    """Everything ``leadhouse explain`` shows, in one language. Times are UTC."""

    entity_type: Literal["contact", "account"]
    entity_id: str
    language: Language
    name: str | None
    detail: str | None
    account_name: str | None
    account_id: str | None
    grade: str
    grade_label: str
    fit_score: Decimal
    fit_band: str
    engagement_score: Decimal
    engagement_band: str
    score: Decimal
    score_lo: Decimal
    score_hi: Decimal
    confidence: Decimal
    exclusion_reason: str | None
    stage: str | None
    stage_since: datetime | None
    request_group: str | None
    request_reason: str | None
    gate_passed: bool | None
    gate_reason: str | None
    coverage_pct: Decimal | None
    as_of_at: datetime
    ruleset_version: str
    code_version: str
    build_id: str
    lines: list[Line] = field(default_factory=list)
    intent: list[Statement] = field(default_factory=list)
    bant: list[Statement] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    people_count: int = 0
    missing_roles: list[MissingRole] = field(default_factory=list)
    unknown_facts: list[UnknownFact] = field(default_factory=list)

    @property
    def sum_of_lines(self) -> Decimal:
        """The sum of the lines; equal to ``score``, as a test of every build says."""
        return sum((line.points for line in self.lines), Decimal(0))

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON values: numbers, ISO 8601 times, text."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain | {"sum_of_lines": float(self.sum_of_lines)}


def explain(snapshot: Path, subject: str, language: Language = "en") -> Explanation:
    """Why a contact or an account has its score.

    Args:
        snapshot: a published snapshot (``orchestration.publish``), or any file with its tables in schema ``marts``.
        subject: a contact's address or id, or an account's name, domain or id.
        language: of reasons and labels.

    Raises:
        SubjectError: nobody is meant, or several are; the message lists them.
        SettingsError: the file lacks a table that is read.
    """
    import duckdb

    with duckdb.connect(str(snapshot), read_only=True) as connection:
        there = {
            row[0]
            for row in connection.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall()
        }
        if missing := [name for name in TABLES if name not in there]:
            raise SettingsError(f"{snapshot}: marts.{' and marts.'.join(missing)} not found. Run `leadhouse build`.")
        entity_type, entity_id = _find(connection, subject)
        return explain_record(connection, entity_type, entity_id, language)


def explain_record(
    connection: duckdb.DuckDBPyConnection,
    entity_type: Literal["contact", "account"],
    entity_id: str,
    language: Language = "en",
) -> Explanation:
    """The same for a known id, on a connection to a snapshot that has ``TABLES``.

    Raises:
        SubjectError: nothing with this id has a score.
    """
    reader = _Reader(connection, language)
    return reader.contact(entity_id) if entity_type == "contact" else reader.account(entity_id)


def _find(connection: duckdb.DuckDBPyConnection, subject: str) -> tuple[Literal["contact", "account"], str]:
    """Who is meant: an id, an address, a domain, an account's whole name, then a part of it, in this order."""
    asked = subject.strip()
    if not asked:
        raise SubjectError("Nobody is named. Give an e-mail address, an account's name or domain, or an id.")
    if "@" in asked:
        query = "select contact_id from marts.dim_contacts where lower(email) = lower($asked) order by contact_id"
        found = [str(row[0]) for row in connection.execute(query, {"asked": asked}).fetchall()]
        if not found:
            raise SubjectError(
                f"{asked}: no contact has this address. Addresses that lost against another of the same person, and "
                "records that were set aside (mart_quarantine), have no score of their own."
            )
        if len(found) > 1:
            raise SubjectError(f"{asked}: several contacts write from there. Name one by its id: {', '.join(found)}")
        return "contact", found[0]
    for entity_type, column, table in (
        ("contact", "contact_id", "dim_contacts"),
        ("account", "account_id", "dim_accounts"),
    ):
        if connection.execute(f"select 1 from marts.{table} where {column} = $asked", {"asked": asked}).fetchone():
            return ("contact" if entity_type == "contact" else "account"), asked
    host = re.sub(r"^(https?://)?(www\.)?", "", asked.lower()).split("/")[0]
    conditions = (
        ("lower(domain) = $asked", host),
        ("lower(strip_accents(account_name)) = lower(strip_accents($asked))", asked),
        ("contains(lower(strip_accents(account_name)), lower(strip_accents($asked)))", asked),
    )
    for condition, value in conditions:
        rows = connection.execute(
            f"select account_id, account_name, domain, country from marts.dim_accounts where {condition} "
            "order by contact_count desc, account_id",
            {"asked": value},
        ).fetchall()
        if len(rows) == 1:
            return "account", str(rows[0][0])
        if rows:
            listed = "".join(
                f"\n  {name} ({', '.join(part for part in (domain, country) if part) or 'no domain'}): {account_id}"
                for account_id, name, domain, country in rows[:_LISTED]
            )
            more = f"\n  and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
            raise SubjectError(
                f"{asked}: {len(rows)} accounts are called so. Name one by its domain or id:{listed}{more}"
            )
    raise SubjectError(
        f"{asked}: no contact and no account is called so. "
        "Give an e-mail address, an account's name or domain, or an id."
    )


class _Reader:
    """Reads one snapshot in one language."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, language: Language) -> None:
        self._connection = connection
        self._language: Language = language
        self._suffix = "_pt" if language == "pt" else ""
        self._terms = {
            (kind, entity, code): label
            for kind, entity, code, label in connection.execute(
                f"select kind, entity, code, label_{language} from marts.dim_score_terms"
            ).fetchall()
        }

    def contact(self, contact_id: str) -> Explanation:
        row = self._score(
            "select scores.*, contacts.full_name, contacts.job_title, contacts.buying_role, accounts.account_name, "
            "stages.stage, stages.stage_since "
            "from marts.fct_contact_scores as scores "
            "inner join marts.dim_contacts as contacts on scores.contact_id = contacts.contact_id "
            "left join marts.dim_accounts as accounts on scores.account_id = accounts.account_id "
            "left join marts.dim_contact_stages as stages on scores.contact_id = stages.contact_id "
            "where scores.contact_id = $id",
            contact_id,
        )
        requests = self._rows(
            f"select reason{self._suffix} as reason from marts.fct_contact_requests "
            "where contact_id = $id and is_latest",
            contact_id,
        )
        role = self._term("buying_role", "", row["buying_role"] or "unknown")
        account_id = row["account_id"]
        return Explanation(
            entity_type="contact",
            entity_id=contact_id,
            name=row["full_name"],
            detail=" - ".join(part for part in (row["job_title"], role) if part),
            account_name=row["account_name"],
            exclusion_reason=row["exclusion_reason"],
            stage=self._term("stage", "", row["stage"]),
            stage_since=row["stage_since"],
            request_group=row["request_group"],
            request_reason=requests[0]["reason"] if requests else None,
            gate_passed=None,
            gate_reason=None,
            coverage_pct=None,
            intent=self._intent("contact_id", contact_id),
            bant=self._bant("contact_id", contact_id),
            **self._common("contact", contact_id, row),
            **self._line_up(account_id, contact_id),
        )

    def account(self, account_id: str) -> Explanation:
        row = self._score(
            "select scores.*, accounts.account_name, accounts.domain, accounts.country "
            "from marts.fct_account_scores as scores "
            "inner join marts.dim_accounts as accounts on scores.account_id = accounts.account_id "
            "where scores.account_id = $id",
            account_id,
        )
        return Explanation(
            entity_type="account",
            entity_id=account_id,
            name=row["account_name"],
            detail=", ".join(part for part in (row["domain"], row["country"]) if part),
            account_name=row["account_name"],
            exclusion_reason=row["exclusion_reason"],
            stage=None,
            stage_since=None,
            request_group=None,
            request_reason=None,
            gate_passed=row["gate_passed"],
            gate_reason=row[f"gate_reason{self._suffix}"],
            coverage_pct=100 * row["committee_completeness"],
            intent=self._intent("account_id", account_id),
            bant=self._bant("account_id", account_id),
            **self._common("account", account_id, row),
            **self._line_up(account_id, None),
        )

    def _score(self, query: str, entity_id: str) -> dict[str, Any]:
        rows = self._rows(query, entity_id)
        if not rows:
            raise SubjectError(f"{entity_id}: has no score in what was published last. Run `leadhouse build`.")
        return rows[0]

    def _common(self, entity_type: str, entity_id: str, row: dict[str, Any]) -> dict[str, Any]:
        """What both kinds of score have: figures, stamps, lines, unknown facts."""
        (build,) = self._rows("select build_id from marts.published_build")
        return {
            "language": self._language,
            "account_id": row["account_id"],
            "grade": row["grade"],
            "grade_label": self._term("grade", "", row["grade"]),
            "fit_score": row["fit_score"],
            "fit_band": self._term("fit_band", entity_type, row["fit_band"]),
            "engagement_score": row["engagement_score"],
            "engagement_band": self._term("engagement_band", entity_type, row["engagement_band"]),
            "score": row["score"],
            "score_lo": row["score_lo"],
            "score_hi": row["score_hi"],
            "confidence": row["confidence"],
            "as_of_at": row["as_of_at"],
            "ruleset_version": row["ruleset_version"],
            "code_version": row["code_version"],
            "build_id": build["build_id"],
            "lines": self._lines(entity_type, entity_id, row["account_id"]),
            "unknown_facts": self._unknown(entity_type, entity_id, row["account_id"]),
        }

    def _lines(self, entity_type: str, entity_id: str, account_id: str | None) -> list[Line]:
        """Exclusions first, then the weightiest rule; what its cap takes stands right below it."""
        # Published rows lie sorted by account: naming it too saves reading all others.
        of_account = "account_id is null" if account_id is None else "account_id = $account"
        rows = self._rows(
            f"select rule_id, score_kind, reason{self._suffix} as reason, evidence_count, last_evidence_at, "
            "raw_points, decay_points, cap, points from marts.fct_score_ledger "
            f"where entity_type = $kind and entity_id = $id and {of_account} "
            "order by score_kind <> 'exclusion', abs(sum(points) over (partition by rule_id)) desc, rule_id, "
            "score_kind = 'cap'",
            entity_id,
            kind=entity_type,
            **({} if account_id is None else {"account": account_id}),
        )
        return [
            Line(
                rule_id=row["rule_id"],
                kind=row["score_kind"],
                reason=row["reason"],
                evidence_count=row["evidence_count"],
                at=row["last_evidence_at"],
                raw_points=row["raw_points"],
                decay_points=row["decay_points"],
                cap=row["cap"],
                points=row["points"],
            )
            for row in rows
        ]

    def _intent(self, column: str, value: str) -> list[Statement]:
        rows = self._rows(
            f"select intent_kind, intent_at, evidence{self._suffix} as evidence, is_buying_intent "
            f"from marts.fct_intent_events where {column} = $id "
            f"order by intent_at desc, intent_event_id limit {_LISTED}",
            value,
        )
        return [
            Statement(row["intent_kind"], row["intent_at"], row["evidence"], row["is_buying_intent"]) for row in rows
        ]

    def _bant(self, column: str, value: str) -> list[Statement]:
        rows = self._rows(
            f"select dimension, stated_at, reason{self._suffix} as reason, row_number() over "
            "(partition by dimension order by stated_at desc, bant_fact_id desc) as recency "
            f"from marts.fct_bant_facts where {column} = $id order by dimension",
            value,
        )
        return [Statement(row["dimension"], row["stated_at"], row["reason"]) for row in rows if row["recency"] == 1]

    def _line_up(self, account_id: str | None, contact_id: str | None) -> dict[str, Any]:
        """Who else is engaged at the account and which roles are missing (R43)."""
        if account_id is None:
            return {}
        rows = self._rows(
            "select scores.contact_id, contacts.full_name, contacts.job_title, contacts.buying_role, "
            "scores.engagement_score, scores.is_engaged, scores.last_engaged_at "
            "from marts.fct_contact_scores as scores "
            "inner join marts.dim_contacts as contacts on scores.contact_id = contacts.contact_id "
            "where scores.account_id = $id "
            "order by scores.is_engaged desc, scores.engagement_score desc, scores.contact_id",
            account_id,
        )
        people = [
            Person(
                name=row["full_name"],
                job_title=row["job_title"],
                role=self._term("buying_role", "", row["buying_role"] or "unknown") or "",
                engagement_score=row["engagement_score"],
                is_engaged=row["is_engaged"],
                last_engaged_at=row["last_engaged_at"],
                is_asked_for=row["contact_id"] == contact_id,
            )
            for row in rows
        ]
        roles = self._rows(
            f"select label_{self._language} as label, need_count, engaged_people, people, coverage_points "
            "from marts.mart_committee where account_id = $id and engaged_people < need_count "
            "order by weight desc, buying_role",
            account_id,
        )
        missing = [
            MissingRole(
                role=row["label"],
                sought=row["need_count"],
                engaged=row["engaged_people"],
                known=row["people"],
                points=row["coverage_points"] * (row["need_count"] - row["engaged_people"]),
            )
            for row in roles
        ]
        return {"people": people[:_LISTED], "people_count": len(people), "missing_roles": missing}

    def _unknown(self, entity_type: str, entity_id: str, account_id: str | None) -> list[UnknownFact]:
        """A contact is scored by its company's facts too."""
        rows = self._rows(
            "select about, attribute, lo_points, hi_points from marts.mart_unknown_facts "
            "where (entity_type = $kind and entity_id = $id) "
            "or ($kind = 'contact' and entity_type = 'account' and entity_id = $account) "
            "order by hi_points desc, attribute",
            entity_id,
            kind=entity_type,
            account=account_id,
        )
        return [
            UnknownFact(
                self._term("attribute", "", row["attribute"]) or "", row["about"], row["lo_points"], row["hi_points"]
            )
            for row in rows
        ]

    def _term(self, kind: str, entity: str, code: str | None) -> str | None:
        return None if code is None else self._terms.get((kind, entity, code), code)

    def _rows(self, query: str, entity_id: str | None = None, **values: Any) -> list[dict[str, Any]]:
        parameters = ({"id": entity_id} if entity_id is not None else {}) | values
        cursor = self._connection.execute(query, parameters)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value
