"""The contract between marketing and sales as a page that both can sign: Markdown made of the rule files alone.

Nothing in it comes from the warehouse, so that what is signed is what the models judge by. Its version is a hash of the
files it is made of; the signatures are not among them, since signing changes nothing that was agreed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from leadhouse.contract_words import WORDS, Language
from leadhouse.rules import SCHEMAS
from leadhouse.rules.files import Row, parts_of, read_rows

#: What the page is made of and what its version is the hash of, in the order of the page.
CONTRACT_FILES = (
    "lifecycle_stages",
    "lifecycle_transitions",
    "stage_thresholds",
    "stage_triggers",
    "handoff_moves",
    "handoff_requirements",
    "lead_entries",
    "sla_contracts",
    "sla_checks",
    "activity_outcomes",
    "outcome_classes",
    "verdict_reasons",
    "business_calendars",
    "business_hours",
    "holidays",
    "country_time_zones",
    "phone_time_zones",
    "contract_settings",
)
_SIGNATURES = "contract_signatures"


class ContractError(Exception):
    """The rules cannot be printed as a contract; names the file and what to do."""


@dataclass(frozen=True)
class Contract:
    """The rules a contract is printed from; ``version`` is a hash of them."""

    rules: dict[str, list[Row]]
    version: str


def read_contract(seeds_dir: Path) -> Contract:
    """Read the rule files of a folder that the contract is made of.

    Raises:
        ContractError: a file is missing or cannot be read; cells are checked by ``leadhouse check-rules``.
    """
    rules: dict[str, list[Row]] = {}
    digest = hashlib.sha256()
    for name in (*CONTRACT_FILES, _SIGNATURES):
        rows, problems = read_rows(seeds_dir / f"{name}.csv", SCHEMAS[name])
        if rows is None:
            raise ContractError("\n".join(str(problem) for problem in problems))
        rules[name] = rows
        if name != _SIGNATURES:
            # Cells, not bytes: another program's line ends or quotes change nothing that was agreed.
            digest.update(repr((name, [sorted(row.cells.items()) for row in rows])).encode())
    return Contract(rules, digest.hexdigest()[:12])


def contract_markdown(contract: Contract, language: Language = "en") -> str:
    """The page, in English or Portuguese. Ends with a newline."""
    page = _Page(contract, WORDS[language], language)
    parts = [part for section in _SECTIONS for part in section(page)]
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True)
class _Page:
    contract: Contract
    words: dict[str, str]
    language: Language

    def rows(self, name: str) -> list[Row]:
        return self.contract.rules[name]

    def text(self, row: Row, field: str) -> str:
        """A cell in the page's language, in English where it has no other."""
        return row[f"{field}_{self.language}"] or row[f"{field}_en"] or row[field]

    def current(self) -> list[Row]:
        """The newest version of each contract, the first to be tried first."""
        newest: dict[str, Row] = {}
        for row in self.rows("sla_contracts"):
            known = newest.get(row["contract_id"])
            if known is None or (known["valid_from"], known["version"]) < (row["valid_from"], row["version"]):
                newest[row["contract_id"]] = row
        return sorted(newest.values(), key=lambda row: int(row["priority"]))


def _heading(page: _Page) -> Iterator[str]:
    words = page.words
    yield f"# {words['title']}"
    valid_from = max((row["valid_from"] for row in page.current()), default="")
    yield words["preamble"].format(version=page.contract.version, valid_from=valid_from)


def _stages(page: _Page) -> Iterator[str]:
    words = page.words
    stages = {row["stage"]: row for row in page.rows("lifecycle_stages")}
    triggers = defaultdict(list)
    for row in page.rows("stage_triggers"):
        triggers[row["stage"]].append(page.text(row, "description"))
    lines = defaultdict(list)
    for row in page.rows("stage_thresholds"):
        told = words["line"].format(fit=row["min_fit_score"], engagement=row["min_engagement_score"])
        if row["leave_engagement_score"]:
            told += words["line_leave"].format(engagement=row["leave_engagement_score"], days=row["leave_after_days"])
        lines[row["stage"]].append(f"{told} ({page.text(row, 'description')})")
    leads_to: dict[str, list[str]] = defaultdict(list)
    for row in page.rows("lifecycle_transitions"):
        if row["from_stage"] and row["to_stage"] not in leads_to[row["from_stage"]]:
            leads_to[row["from_stage"]].append(row["to_stage"])
    yield f"## {words['stages']}"
    yield words["stages_text"]
    for stage, row in sorted(stages.items(), key=lambda item: int(item[1]["stage_order"])):
        yield f"### {page.text(row, 'label')}"
        yield f"{page.text(row, 'definition')}."
        entry = page.text(row, "entry_criteria") or "; ".join(triggers[stage])
        leave = page.text(row, "exit_criteria")
        facts = [f"- {words['entry']}: {entry}"]
        facts += [f"- {words['line_of']}: {line}" for line in lines[stage]]
        if leave:
            facts.append(f"- {words['exit']}: {leave}")
        if leads_to[stage]:
            names = ", ".join(page.text(stages[name], "label") for name in leads_to[stage] if name in stages)
            facts.append(f"- {words['leads_to']}: {names}")
        yield "\n".join(facts)


def _hand_over(page: _Page) -> Iterator[str]:
    words = page.words
    names = {row["stage"]: page.text(row, "label") for row in page.rows("lifecycle_stages")}
    yield f"## {words['hand_over']}"
    rows = [
        (
            names.get(row["from_stage"], words["any"]),
            names.get(row["to_stage"], row["to_stage"]),
            words[row["meaning"]],
            row["description_pt"] if page.language == "pt" else row["description"],
        )
        for row in page.rows("handoff_moves")
    ]
    yield _table((words["from"], words["to"], words["means"], words["why"]), rows)
    held = []
    for row in sorted(page.rows("handoff_requirements"), key=lambda row: int(row["check_order"])):
        only = [
            f"{words[word]}: {', '.join(parts_of(row[field]))}"
            for word, field in (("segment", "segments"), ("request_groups", "request_groups"))
            if row[field]
        ]
        held.append(f"- {page.text(row, 'reason')}" + (f" ({'; '.join(only)})" if only else ""))
    yield "\n".join([words["gate_text"], "", *held])
    settings = {row["setting"]: row["value"] for row in page.rows("contract_settings")}
    asked = [row["entry_kind"] for row in page.rows("lead_entries") if row["is_request"].lower() == "true"]
    yield words["entry_text"].format(days=settings["entry_lookback_days"], requests=", ".join(dict.fromkeys(asked)))


def _promises(page: _Page) -> Iterator[str]:
    words = page.words
    yield f"## {words['promises']}"
    yield words["promises_text"]
    rows = []
    for row in page.current():
        conditions = [
            f"{words[field]}: {', '.join(parts_of(row[field]))}"
            for field in ("entry_kinds", "request_groups", "countries", "buying_roles")
            if row[field]
        ]
        rows.append(
            (
                row["segment_pt"] if page.language == "pt" else row["segment"],
                "; ".join(conditions) or words["everybody_else"],
                f"{_duration(int(row['first_contact_within_minutes']), words)} {words[row['time_kind']]}, "
                f"{words[row['measured_from']]}",
                row["min_attempts"],
                words["days"].format(days=row["max_days_to_last_attempt"]),
                row["min_touches_before_give_up"],
                words["days"].format(days=row["maturity_days"]),
                row["calendar"] or words["lead_calendar"],
                row["owner"],
                f"{row['version']} ({row['valid_from']})",
            )
        )
    names = ("segment", "who", "first_contact", "attempts", "last_attempt", "touches", "maturity", "calendar", "owner")
    yield _table((*(words[name] for name in names), words["version"]), rows)
    checks = [f"- **{row['check_name']}**: {page.text(row, 'label')}" for row in page.rows("sla_checks")]
    yield "\n".join([words["checks_text"], "", *checks])


def _outcomes(page: _Page) -> Iterator[str]:
    words = page.words
    yield f"## {words['outcomes']}"
    yield words["outcomes_text"]
    by_class: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in page.rows("activity_outcomes"):
        by_class[row["outcome_class"]][row["activity_type"]].add(row["outcome"])
    rows = [
        (
            page.text(row, "label"),
            words["yes"] if row["is_attempt"].lower() == "true" else words["no"],
            "; ".join(
                f"{kind}: {', '.join(sorted(outcomes))}"
                for kind, outcomes in sorted(by_class[row["outcome_class"]].items())
            ),
        )
        for row in page.rows("outcome_classes")
    ]
    yield _table((words["outcome"], words["is_attempt"], words["activities"]), rows)


def _verdicts(page: _Page) -> Iterator[str]:
    words = page.words
    yield f"## {words['verdicts']}"
    rows = [(row["verdict"], page.text(row, "reason")) for row in page.rows("verdict_reasons")]
    yield _table((words["verdict"], words["why"]), rows)
    yield words["kpi_text"]


def _calendars(page: _Page) -> Iterator[str]:
    words = page.words
    days = words["weekdays"].split()
    hours: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(page.rows("business_hours"), key=lambda row: row["opens_at"]):
        hours[row["calendar"]][row["weekday"]].append(f"{row['opens_at']}-{row['closes_at']}")
    countries = defaultdict(list)
    for row in page.rows("country_time_zones"):
        countries[row["calendar"]].append(row["country"])
    most = max(countries, key=lambda name: len(countries[name]), default="")
    yield f"## {words['calendars']}"
    yield words["calendars_text"]
    rows = []
    for row in page.rows("business_calendars"):
        name = row["calendar"]
        opened: dict[str, list[str]] = defaultdict(list)
        for weekday, spans in sorted(hours[name].items()):
            opened[", ".join(spans)].append(days[int(weekday) - 1])
        rows.append(
            (
                name,
                row["description_pt"] if page.language == "pt" else row["description"],
                words["all_others"] if name == most else ", ".join(sorted(countries[name])),
                "; ".join(f"{', '.join(which)} {spans}" for spans, which in opened.items()),
                row["time_zone"] or words["lead_zone"],
            )
        )
    yield _table((words["calendar"], words["what"], words["countries"], words["hours"], words["zone"]), rows)
    off: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in sorted(page.rows("holidays"), key=lambda row: row["holiday_on"]):
        off[(row["calendar"], row["holiday_on"][:4])].append(f"{row['holiday_on'][5:]} {row['name']}")
    if off:
        yield f"### {words['holidays']}"
        yield "\n".join(f"- {name} {year}: {', '.join(names)}" for (name, year), names in sorted(off.items()))


def _signatures(page: _Page) -> Iterator[str]:
    words = page.words
    yield f"## {words['signatures']}"
    yield words["signatures_text"].format(version=page.contract.version)
    blank = "_" * 24
    rows = [
        (words[row["party"]], page.text(row, "label"), row["name"] or blank, row["signed_on"] or "_" * 12, blank)
        for row in page.rows(_SIGNATURES)
    ]
    yield _table((words["party"], words["role"], words["name"], words["date"], words["signature"]), rows)


_SECTIONS: tuple[Callable[[_Page], Iterator[str]], ...] = (
    _heading,
    _stages,
    _hand_over,
    _promises,
    _outcomes,
    _verdicts,
    _calendars,
    _signatures,
)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _duration(minutes: int, words: dict[str, str]) -> str:
    """Minutes as people say them: whole hours where they are."""
    if minutes % 60 == 0 and minutes >= 60:
        return words["hours_count"].format(hours=minutes // 60)
    return words["minutes_count"].format(minutes=minutes)
