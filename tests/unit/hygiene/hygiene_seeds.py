"""The rules of ``seeds/`` as the models hand them to the cleaning functions."""

from __future__ import annotations

import csv
from pathlib import Path

from hygiene import CompanyRules, NameRules

SEEDS = Path(__file__).resolve().parents[3] / "seeds"


def seed_rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(name: str, *columns: str) -> str:
    return "\n".join("|".join(row[column] for column in columns) for row in seed_rows(name))


NAME_RULES = NameRules.from_text(lines("name_words", "kind", "word"))
COMPANY_RULES = CompanyRules.from_text(lines("legal_forms", "position", "legal_form"))
