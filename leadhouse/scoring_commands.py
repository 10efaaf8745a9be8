"""``leadhouse explain``: why somebody has the score they have, in English or Portuguese."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadhouse.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from leadhouse.explain import Explanation, Language


class LanguageChoice(StrEnum):
    """Languages that reasons are written in."""

    en = "en"
    pt = "pt"


_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "account": "Account",
        "no_account": "no account",
        "grade": "Grade",
        "fit": "fit",
        "engagement": "engagement",
        "score": "Score",
        "range": "between {lo} and {hi} if what is unknown were known; {known} % of the fit weight is known",
        "excluded": "EXCLUDED ({reason}): the grade is the worst one, whatever the points",
        "stage": "Stage: {stage}, since {at}",
        "request": "Latest request: group {group}, {reason}",
        "gate_open": "Committee gate passed: {reason}",
        "gate_shut": "Committee gate not passed: {reason}",
        "coverage": "Buying committee covered: {share} %",
        "lines": "What the score is made of",
        "points": "points",
        "last": "last",
        "times": "how often",
        "raw": "at first",
        "decay": "faded",
        "cap": "limit",
        "sum": "Sum of the lines: {sum}; the score is {score}",
        "intent": "Expressed intent",
        "buying": "buying intent",
        "no_buying": "not a buying intent by itself",
        "bant": "Budget, authority, need, timeline",
        "people": "Who else is there: {shown} of {all} people",
        "name": "name",
        "role": "role",
        "engaged": "engaged",
        "this": "this contact",
        "missing": "Missing in the committee",
        "sought": "sought",
        "known": "known there",
        "could": "could add",
        "unknown": "Not known, and what it could add or take",
        "fact": "fact",
        "of_account": "of the company",
        "stamp": "As of {as_of} UTC, rules {rules}, code {code}, build {build}",
    },
    "pt": {
        "account": "Conta",
        "no_account": "sem conta",
        "grade": "Nota",
        "fit": "perfil",
        "engagement": "engajamento",
        "score": "Pontuação",
        "range": "entre {lo} e {hi} se o desconhecido fosse conhecido; {known} % do peso do perfil é conhecido",
        "excluded": "EXCLUÍDO ({reason}): a nota é a pior, quaisquer que sejam os pontos",
        "stage": "Etapa: {stage}, desde {at}",
        "request": "Último pedido: grupo {group}, {reason}",
        "gate_open": "Passou pelo critério do comitê: {reason}",
        "gate_shut": "Não passou pelo critério do comitê: {reason}",
        "coverage": "Comitê de compra coberto: {share} %",
        "lines": "De que é feita a pontuação",
        "points": "pontos",
        "last": "última",
        "times": "vezes",
        "raw": "no início",
        "decay": "perdido com o tempo",
        "cap": "limite",
        "sum": "Soma das linhas: {sum}; a pontuação é {score}",
        "intent": "Intenção expressa",
        "buying": "intenção de compra",
        "no_buying": "por si só não é intenção de compra",
        "bant": "Orçamento, autoridade, necessidade, prazo",
        "people": "Quem mais está lá: {shown} de {all} pessoas",
        "name": "nome",
        "role": "papel",
        "engaged": "engajado",
        "this": "este contato",
        "missing": "O que falta no comitê",
        "sought": "buscados",
        "known": "conhecidos lá",
        "could": "pode somar",
        "unknown": "Desconhecido, e o que poderia somar ou tirar",
        "fact": "fato",
        "of_account": "da empresa",
        "stamp": "Em {as_of} UTC, regras {rules}, código {code}, publicação {build}",
    },
}


def explain_score_command(
    subject: Annotated[
        str, typer.Argument(help="A contact's e-mail address or id, or an account's name, domain or id.")
    ],
    language: Annotated[LanguageChoice, typer.Option(help="Language of the reasons.")] = LanguageChoice.en,
    as_json: Annotated[bool, typer.Option("--as-json", help="Print one JSON object instead.")] = False,
    snapshot: Annotated[
        Path | None, typer.Option(help="Another published file than the current one.", show_default=False)
    ] = None,
) -> None:
    """Say why a contact or an account has its score, line by line, and what would raise it."""
    from leadhouse.explain import explain
    from orchestration.publish import current_snapshot

    if snapshot is not None and not snapshot.is_file():
        raise SettingsError(f"{snapshot}: no such file. Leave --snapshot out to read what was published last.")
    path = snapshot or current_snapshot(load_settings().published)
    chosen: Language = "pt" if language is LanguageChoice.pt else "en"
    explanation = explain(path, subject, chosen)
    if as_json:
        typer.echo(json.dumps(explanation.as_json(), ensure_ascii=False, indent=2))
    else:
        _show(explanation)


def _show(told: Explanation) -> None:
    from leadhouse.display import console

    for line in _header(told):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    _show_lines(told)
    _show_statements(told)
    _show_line_up(told)
    words = _WORDS[told.language]
    stamp = words["stamp"].format(
        as_of=f"{told.as_of_at:%Y-%m-%d %H:%M}",
        rules=told.ruleset_version,
        code=told.code_version,
        build=told.build_id,
    )
    console.print(stamp, soft_wrap=True, markup=False, highlight=False)


def _header(told: Explanation) -> list[str]:
    words = _WORDS[told.language]
    lines = [" - ".join(part for part in (told.name or told.entity_id, told.detail) if part)]
    if told.entity_type == "contact":
        lines.append(f"{words['account']}: {told.account_name or words['no_account']}")
    lines.append(
        f"{words['grade']} {told.grade} ({told.grade_label}): {words['fit']} {_number(told.fit_score)} "
        f"({told.fit_band}), {words['engagement']} {_number(told.engagement_score)} ({told.engagement_band})"
    )
    known = words["range"].format(
        lo=_number(told.score_lo), hi=_number(told.score_hi), known=_number(100 * told.confidence, 0)
    )
    lines.append(f"{words['score']} {_number(told.score)}, {known}")
    if told.exclusion_reason:
        lines.append(words["excluded"].format(reason=told.exclusion_reason))
    if told.stage:
        lines.append(words["stage"].format(stage=told.stage, at=_day(told.stage_since)))
    if told.request_group:
        lines.append(words["request"].format(group=told.request_group, reason=told.request_reason))
    if told.gate_passed is not None:
        lines.append(words["gate_open" if told.gate_passed else "gate_shut"].format(reason=told.gate_reason))
    if told.coverage_pct is not None:
        lines.append(words["coverage"].format(share=_number(told.coverage_pct, 0)))
    return lines


def _show_lines(told: Explanation) -> None:
    from leadhouse.display import table

    words = _WORDS[told.language]
    rows = [
        (
            line.reason,
            str(line.evidence_count) if line.kind not in ("fit", "exclusion") else "",
            _day(line.at),
            _signed(line.raw_points) if line.raw_points else "",
            _signed(line.decay_points) if line.decay_points else "",
            _number(line.cap) if line.cap is not None else "",
            _signed(line.points),
        )
        for line in told.lines
    ]
    columns = ("", words["times"], words["last"], words["raw"], words["decay"], words["cap"], words["points"])
    footer = words["sum"].format(sum=_number(told.sum_of_lines), score=_number(told.score))
    table(words["lines"], columns, rows, footer=footer)


def _show_statements(told: Explanation) -> None:
    from leadhouse.display import table

    words = _WORDS[told.language]
    if told.intent:
        rows = [
            (one.text, _day(one.at), words["buying" if one.is_buying_intent else "no_buying"]) for one in told.intent
        ]
        table(words["intent"], ("", words["last"], ""), rows)
    if told.bant:
        table(words["bant"], ("", "", words["last"]), [(one.kind, one.text, _day(one.at)) for one in told.bant])


def _show_line_up(told: Explanation) -> None:
    from leadhouse.display import table

    words = _WORDS[told.language]
    if told.people:
        title = words["people"].format(shown=len(told.people), all=told.people_count)
        columns = (words["name"], "", words["role"], words["engagement"], words["engaged"], words["last"])
        people = [
            (
                f"{person.name or '-'}" + (f" ({words['this']})" if person.is_asked_for else ""),
                person.job_title or "",
                person.role,
                _number(person.engagement_score),
                "x" if person.is_engaged else "",
                _day(person.last_engaged_at),
            )
            for person in told.people
        ]
        table(title, columns, people)
    if told.missing_roles:
        asked = (words["role"], words["sought"], words["engaged"], words["known"], words["could"])
        roles = [
            (role.role, role.sought, role.engaged, role.known, _signed(role.points)) for role in told.missing_roles
        ]
        table(words["missing"], asked, roles)
    if told.unknown_facts:
        facts = [
            (
                f"{fact.fact} ({words['of_account']})"
                if fact.about == "account" and told.entity_type == "contact"
                else fact.fact,
                f"{_signed(fact.lo_points)} .. {_signed(fact.hi_points)}",
            )
            for fact in told.unknown_facts
        ]
        table(words["unknown"], (words["fact"], words["points"]), facts)


def _number(value: Decimal, digits: int = 1) -> str:
    shown = f"{value:.{digits}f}"
    # Rounded to nothing, a small minus would read -0.0.
    return shown.lstrip("-") if not shown.strip("-0.") else shown


def _signed(value: Decimal) -> str:
    shown = _number(value)
    return shown if shown.startswith("-") else f"+{shown}"


def _day(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d}"
