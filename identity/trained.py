"""What training found out: shares per level, the prior, and how common each value is. Committed, readable, diffable."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from identity.errors import TrainingError
from identity.spec import Comparison, Level, Otherwise, Spec

TRAINED = Path(__file__).parent / "trained"
#: Term frequencies of the product's rule file: a seed, so that models and people can read it.
FREQUENCIES = Path(__file__).resolve().parents[1] / "seeds" / "identity_term_frequencies.csv"

#: Shares are kept to this many significant digits: sums of doubles differ in the last ones between identical runs.
_DIGITS = 6


@dataclass(frozen=True)
class Shares:
    """Share of true pairs (``m``) and of random pairs (``u``) at one level, 0-1."""

    m: float
    u: float

    @property
    def weight(self) -> float:
        """log2 of how much likelier the level is among true pairs."""
        return math.log2(self.m / self.u)


@dataclass(frozen=True)
class Frequencies:
    """How common the values of one column are; whatever is not listed is as rare as ``floor``."""

    floor: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """Everything :func:`identity.score` needs beside the rule file."""

    name: str
    prior: float
    """Probability that two random records are one person."""
    levels: Mapping[str, Mapping[str, Shares]]
    """Comparison -> level -> shares."""
    frequencies: Mapping[str, Frequencies]
    """Column -> frozen term frequencies."""
    trained_on: Mapping[str, Any] = field(default_factory=dict)
    """Where the numbers come from, for the reader."""

    @property
    def prior_weight(self) -> float:
        """log2 of the odds before anything is compared."""
        return math.log2(self.prior / (1 - self.prior))

    def shares(self, comparison: Comparison, level: Level | Otherwise) -> Shares:
        """Shares of one level: those fixed in the rule file, else the trained ones."""
        found = self.levels.get(comparison.name, {}).get(level.name)
        m = level.m if level.m is not None else found.m if found else None
        u = level.u if level.u is not None else found.u if found else None
        if m is None or u is None:
            raise TrainingError(
                f"comparison `{comparison.name}`, level `{level.name}`: no trained shares. Run `leadhouse identity "
                "train`, or give the level its `m` and `u` in the rule file."
            )
        return Shares(m, u)

    def to_dict(self) -> dict[str, Any]:
        """The content of the JSON file (term frequency values are a table of their own)."""
        return {
            "name": self.name,
            "trained_on": dict(self.trained_on),
            "prior": self.prior,
            "comparisons": {
                name: {
                    level: {"m": shares.m, "u": shares.u, "weight": round(shares.weight, 3)}
                    for level, shares in levels.items()
                }
                for name, levels in self.levels.items()
            },
            "term_frequency_floors": {name: found.floor for name, found in self.frequencies.items()},
        }


def rounded(share: float) -> float:
    """A share at the precision at which it is stored."""
    return float(f"{share:.{_DIGITS}g}")


def load_trained(spec: Spec, path: Path | str | None = None, frequencies: Path | str | None = None) -> Trained:
    """Read the trained numbers of a rule file and check that they fit it.

    :param path: default ``identity/trained/<spec.name>.json``.
    :param frequencies: CSV ``column_name,value,frequency``; default ``seeds/identity_term_frequencies.csv``.
    """
    file = Path(path) if path is not None else TRAINED / f"{spec.name}.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        levels = {
            comparison: {level: Shares(float(found["m"]), float(found["u"])) for level, found in shares.items()}
            for comparison, shares in content["comparisons"].items()
        }
        prior = float(content["prior"])
        floors = {str(column): float(floor) for column, floor in content["term_frequency_floors"].items()}
    except FileNotFoundError:
        raise TrainingError(f"{file}: no such file. Run `leadhouse identity train` to make it.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(f"{file}: not a trained model ({error!r}). Run `leadhouse identity train`.") from None
    values = _read_frequencies(Path(frequencies) if frequencies is not None else FREQUENCIES)
    trained = Trained(
        name=str(content.get("name", spec.name)),
        prior=spec.prior if spec.prior is not None else prior,
        levels=levels,
        frequencies={column: Frequencies(floor, values.get(column, {})) for column, floor in floors.items()},
        trained_on=content.get("trained_on", {}),
    )
    check_fits(spec, trained, str(file))
    return trained


def save_trained(trained: Trained, path: Path | None = None, frequencies: Path | None = None) -> tuple[Path, Path]:
    """Write the JSON file and the frequency CSV; returns both paths."""
    file = path or TRAINED / f"{trained.name}.json"
    table = frequencies or FREQUENCIES
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(trained.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with table.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("column_name", "value", "frequency"))
        for column in sorted(trained.frequencies):
            found = trained.frequencies[column].values
            for value in sorted(found, key=lambda value: (-found[value], value)):
                writer.writerow((column, value, f"{found[value]:.6g}"))
    return file, table


def check_fits(spec: Spec, trained: Trained, where: str) -> None:
    """Raise :class:`TrainingError` unless every level and term frequency of the rule file has its numbers."""
    for comparison in spec.comparisons:
        for level in comparison.all_levels:
            try:
                trained.shares(comparison, level)
            except TrainingError as error:
                raise TrainingError(f"{where}: {error}") from None
    for column in spec.frequency_columns:
        if column not in trained.frequencies:
            raise TrainingError(f"{where}: no term frequencies for column `{column}`. Run `leadhouse identity train`.")


def spec_version(spec: Spec, trained: Trained) -> str:
    """Twelve hexadecimal digits that change when a rule, a trained number or a term frequency does."""
    content = {
        "spec": spec.model_dump(mode="json", exclude={"training", "thresholds"}),
        "prior": trained.prior,
        "levels": {
            name: {level: (found.m, found.u) for level, found in levels.items()}
            for name, levels in trained.levels.items()
        },
        "frequencies": {
            column: (found.floor, sorted(found.values.items())) for column, found in trained.frequencies.items()
        },
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def _read_frequencies(file: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            for number, row in enumerate(csv.DictReader(handle), start=2):
                try:
                    frequency = float(row["frequency"])
                    column, value = row["column_name"], row["value"]
                except (KeyError, TypeError, ValueError):
                    raise TrainingError(
                        f"{file}, row {number}: expected column_name, value and a frequency between 0 and 1."
                    ) from None
                if not 0 < frequency <= 1:
                    raise TrainingError(
                        f"{file}, row {number}, field frequency: {frequency} is not above 0 and at most 1."
                    )
                found.setdefault(column, {})[value] = frequency
    except FileNotFoundError:
        raise TrainingError(f"{file}: no such file. Run `leadhouse identity train` to make it.") from None
    return found
