"""What the matcher compares, declared in one YAML file that an analyst edits.

A rule file names columns (a column of the node table, or an SQL expression over it), comparisons (graded levels of
likeness, best first, each with the words that explain it) and blocking rules (which records are worth comparing at
all). Nothing in it is a weight: weights are learned by :mod:`identity.training`, unless a level fixes its ``m`` and
``u``. ``docs/matching.md`` describes every key.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hygiene import name_key
from identity.errors import SpecError

#: Paths of lookup files start here.
PROJECT = Path(__file__).resolve().parents[1]
#: The rule file of the product: contacts.
CONTACTS = Path(__file__).parent / "rules" / "contacts.yml"

LevelKind = Literal[
    "exact",
    "jaro_winkler",
    "jaro",
    "jaccard",
    "levenshtein",
    "damerau_levenshtein",
    "swapped",
    "initial",
    "days_apart",
    "array_intersect",
    "kilometres",
    "sql",
    "all",
    "any",
]
#: How many columns a kind compares, and the key that holds its threshold.
_COLUMNS = {"swapped": 2, "kilometres": 2, "sql": 0, "all": 0, "any": 0}
_THRESHOLD = {
    "jaro_winkler": "at_least",
    "jaro": "at_least",
    "jaccard": "at_least",
    "levenshtein": "at_most",
    "damerau_levenshtein": "at_most",
    "days_apart": "at_most",
    "array_intersect": "at_least",
    "kilometres": "at_most",
}
_IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]*$")
_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_SIDED = re.compile(r"\b([A-Za-z_][A-Za-z0-9_]*)_([lr])\b")

Probability = Annotated[float, Field(gt=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lookup(_Strict):
    """A table of what values may stand for (short forms of names), from a CSV file of the project."""

    file: str
    value: str
    """Column of the file: the value as it may be written."""
    means: str
    """Column of the file: what it may stand for."""
    pairs: tuple[tuple[str, str], ...] = ()
    """The file's content in comparable form; read by :func:`load_spec`."""


class Column(_Strict):
    """One value of a record. ``sql`` is an expression over the node table; without it, the column of the same name.

    With ``lookup``, it is the list of everything that the column ``of`` may stand for, itself included.
    """

    sql: str | None = None
    lookup: str | None = None
    of: str | None = None
    term_frequency: bool = False
    """Rare values weigh more than common ones; the frequencies are frozen when the model is trained."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.lookup is None) != (self.of is None) or (self.lookup is not None and self.sql is not None):
            raise ValueError("a column is either `sql`, or `lookup` with `of`, or neither (itself)")
        return self


class Condition(_Strict):
    """How alike two values must be. ``all`` and ``any`` combine conditions, ``sql`` states one (``x_l``, ``x_r``)."""

    kind: LevelKind
    column: str | None = None
    columns: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    sql: str | None = None
    of: tuple[Condition, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = _COLUMNS.get(self.kind, 1)
        if len(self.compared) != wanted:
            key = "`column`" if wanted == 1 else f"`columns` with {wanted} names" if wanted else "no column"
            raise ValueError(f"a level of kind `{self.kind}` takes {key}; here: {list(self.compared) or 'none'}")
        threshold = _THRESHOLD.get(self.kind)
        for name in ("at_least", "at_most"):
            if (getattr(self, name) is not None) != (name == threshold):
                needed = f"needs `{threshold}`" if threshold else "takes no threshold"
                raise ValueError(f"a level of kind `{self.kind}` {needed}")
        if (self.sql is not None) != (self.kind == "sql"):
            raise ValueError("`sql` is for levels of kind `sql`, which need it")
        if bool(self.of) != (self.kind in ("all", "any")):
            raise ValueError("`of` is for levels of kind `all` and `any`, which need it")
        return self

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns this condition names itself (not those inside its SQL or its parts)."""
        return (self.column,) if self.column is not None else self.columns

    def used_columns(self) -> Iterator[str]:
        """Every column the condition looks at."""
        yield from self.compared
        if self.sql:
            yield from sided_columns(self.sql)
        for part in self.of:
            yield from part.used_columns()


class Level(Condition):
    """A grade of likeness with the words that say so."""

    name: str
    says: str
    """Words for the explanation: ``{column}`` is the value (both, where they differ), ``{column_l}`` one side's."""
    term_frequency: str | None = None
    """The column whose rarity adjusts the weight of this level."""
    term_frequency_weight: Annotated[float, Field(ge=0, le=1)] = 1.0
    m: Probability | None = None
    """Fixed share of true pairs at this level; not learned."""
    u: Probability | None = None
    """Fixed share of random pairs at this level; not learned."""


class Otherwise(_Strict):
    """What is left when no level holds and both values are known."""

    says: str
    name: str = "otherwise"
    m: Probability | None = None
    u: Probability | None = None


class Comparison(_Strict):
    """One kind of evidence: its levels are tried in order, the first that holds counts."""

    name: str
    column: str | None = None
    missing: str | None = None
    """SQL condition under which nothing can be said (weight 0); default: ``column`` is unknown on either side."""
    levels: tuple[Level, ...] = Field(min_length=1)
    otherwise: Otherwise

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if (self.column is None) == (self.missing is None):
            raise ValueError("a comparison needs either `column` or `missing` (an SQL condition), not both")
        names = [level.name for level in self.all_levels]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"level names must differ within a comparison; given twice: {', '.join(twice)}")
        return self

    @property
    def all_levels(self) -> tuple[Level | Otherwise, ...]:
        """The levels and what is left, best first."""
        return (*self.levels, self.otherwise)

    @property
    def missing_sql(self) -> str:
        """The condition under which this comparison says nothing."""
        return self.missing or f"{self.column}_l is null or {self.column}_r is null"


class BlockingRule(_Strict):
    """Records whose expressions are all known and equal are compared."""

    name: str
    same: tuple[str, ...] = Field(min_length=1)
    """SQL expressions over the columns of this file."""
    where: str | None = None


#: Columns (or SQL expressions over them) on which two records agree.
Agreement = Annotated[tuple[str, ...], Field(min_length=1)]


class Training(_Strict):
    """How the weights are learned."""

    seed: int = 7
    max_pairs: int = 20_000_000
    """Random pairs from which the shares among non-matches are counted."""
    em: tuple[Agreement, ...] = ()
    """Passes of expectation maximisation: each over the pairs that agree on these columns."""
    em_max_pairs: int = 5_000_000
    labelled: tuple[str, ...] = ()
    """Comparisons learned from known links where such are given: those that do not look at what made the link."""
    certain: tuple[Agreement, ...] = ()
    """Rules that (nearly) only true pairs satisfy: they estimate how many pairs of records match at all."""
    certain_recall: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Share of the true pairs that the ``certain`` rules find."""
    term_frequency_floor: float = 0.0005
    """Values rarer than this count as this rare and are not stored."""
    max_term_values: int = 1500
    """Values stored per column at most, commonest first."""


class Thresholds(_Strict):
    """Match weights (log2 of the odds) from which a pair links, for rule files used without settings of their own."""

    link: float


class Spec(_Strict):
    """A whole rule file."""

    name: str
    record_key: str = "record_key"
    prior: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Probability that two random records are one person; estimated in training where it is not given."""
    lookups: dict[str, Lookup] = {}
    columns: dict[str, Column]
    comparisons: tuple[Comparison, ...] = Field(min_length=1)
    blocking: tuple[BlockingRule, ...] = Field(min_length=1)
    training: Training = Training()
    thresholds: Thresholds | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _short_columns(cls, value: object) -> object:
        """A column may be written as nothing (itself), as an SQL expression, or in full."""
        if isinstance(value, dict):
            return {
                name: {} if column is None else {"sql": column} if isinstance(column, str) else column
                for name, column in value.items()
            }
        return value

    @field_validator("blocking", mode="after")
    @classmethod
    def _rules_differ(cls, value: tuple[BlockingRule, ...]) -> tuple[BlockingRule, ...]:
        _differ("blocking rules", [rule.name for rule in value])
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in (self.name, *self.columns, *(comparison.name for comparison in self.comparisons)):
            if not _IDENTIFIER.match(name):
                raise ValueError(f"`{name}`: names are lower-case letters, digits and underscores")
        if self.record_key in self.columns:
            raise ValueError(f"columns: `{self.record_key}` names the record and cannot be compared")
        for name, column in self.columns.items():
            if column.lookup is not None and column.lookup not in self.lookups:
                raise ValueError(f"columns: `{name}`: there is no lookup `{column.lookup}`")
        _differ("comparisons", [comparison.name for comparison in self.comparisons])
        for comparison in self.comparisons:
            self._check_comparison(comparison)
        for name in self.training.labelled:
            if name not in {comparison.name for comparison in self.comparisons}:
                raise ValueError(f"training.labelled: there is no comparison `{name}`")
        return self

    def _check_comparison(self, comparison: Comparison) -> None:
        where = f"comparison `{comparison.name}`"
        used = [*([comparison.column] if comparison.column else []), *sided_columns(comparison.missing or "")]
        self._known(used, where)
        for level in comparison.levels:
            place = f"{where}, level `{level.name}`"
            self._known(level.used_columns(), place)
            if level.kind == "sql" and not list(level.used_columns()):
                raise ValueError(f"{place}: `sql` compares nothing; write the two sides as column_l and column_r")
            self._known((column for column, _, _ in placeholders(level.says)), f"{place}, `says`")
            if level.term_frequency is not None:
                self._known([level.term_frequency], f"{place}, `term_frequency`")
                if not self.columns[level.term_frequency].term_frequency:
                    raise ValueError(f"{place}: set `term_frequency: true` on column `{level.term_frequency}` too")
        self._known(
            (column for column, _, _ in placeholders(comparison.otherwise.says)), f"{where}, `otherwise`, `says`"
        )

    def _known(self, names: Iterable[str], where: str) -> None:
        common = {common_column(name) for name, column in self.columns.items() if column.term_frequency}
        for name in names:
            if name not in self.columns and name not in common:
                raise ValueError(f"{where}: there is no column `{name}`; declared: {', '.join(self.columns)}")

    @property
    def used_columns(self) -> set[str]:
        """Every column that some comparison looks at."""
        return {
            column
            for comparison in self.comparisons
            for column in (
                *([comparison.column] if comparison.column else []),
                *sided_columns(comparison.missing or ""),
                *(used for level in comparison.levels for used in level.used_columns()),
            )
        }

    @property
    def frequency_columns(self) -> list[str]:
        """Columns whose rarity counts in some level."""
        used = {level.term_frequency for comparison in self.comparisons for level in comparison.levels}
        return [name for name in self.columns if name in used or common_column(name) in self.used_columns]

    def prepared_sql(self, nodes: str) -> str:
        """A query for the key and every declared column of ``nodes``."""
        shown, joins = [self.record_key], []
        for name, column in self.columns.items():
            if column.lookup is None:
                shown.append(f"({column.sql}) as {name}" if column.sql else name)
                continue
            table = f"lookup_{name}"
            pairs = self.lookups[column.lookup].pairs
            values = ", ".join(f"({_literal(value)}, {_literal(meaning)})" for value, meaning in pairs)
            joins.append(
                f"left join (select {table}_value, list({table}_meaning order by {table}_meaning) as {table}_meanings "
                f"from (values {values}) as pairs ({table}_value, {table}_meaning) group by 1) as {table} "
                f"on {table}.{table}_value = records.{column.of}"
            )
            shown.append(
                f"case when records.{column.of} is not null "
                f"then list_distinct(list_concat([records.{column.of}], {table}.{table}_meanings)) end as {name}"
            )
        return " ".join([f"select {', '.join(shown)} from {nodes} as records", *joins])


def load_spec(path: Path | str | None = None) -> Spec:
    """Read and check a rule file; default: the product's, for contacts.

    Raises :class:`SpecError` naming the file, the key and what is allowed.
    """
    file = Path(path) if path is not None else CONTACTS
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpecError(f"{file}: no such file. Give the path of a matching rule file.") from None
    except yaml.YAMLError as error:
        raise SpecError(f"{file}: not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise SpecError(f"{file}: expected keys such as `columns`, `comparisons` and `blocking`.")
    _read_lookups(file, content)
    try:
        return Spec.model_validate(content)
    except ValidationError as error:
        raise SpecError("\n".join(f"{file}: {problem}" for problem in _problems(error))) from None


def _read_lookups(file: Path, content: dict[str, Any]) -> None:
    """Put the content of each lookup's CSV file beside its declaration, in comparable form."""
    declared = content.get("lookups")
    for name, lookup in declared.items() if isinstance(declared, dict) else ():
        if not isinstance(lookup, dict) or not {"file", "value", "means"} <= lookup.keys():
            continue  # told by the checks of the keys
        table = PROJECT / str(lookup["file"])
        where = f"{file}: lookups.{name}.file: {table}"
        try:
            with table.open(encoding="utf-8", newline="") as handle:
                rows = list(csv.DictReader(handle))
        except FileNotFoundError:
            raise SpecError(f"{where}: no such file. Paths start at the project folder.") from None
        pairs = set()
        for number, row in enumerate(rows, start=2):
            value, means = name_key(row.get(lookup["value"])), name_key(row.get(lookup["means"]))
            if value is None or means is None:
                raise SpecError(
                    f"{where}, row {number}: `{lookup['value']}` and `{lookup['means']}` must both hold a name."
                )
            pairs.add((value, means))
        if not pairs:
            raise SpecError(f"{where}: holds no row.")
        lookup["pairs"] = sorted(pairs)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def common_column(column: str) -> str:
    """The implicit column that says whether a value is among the frequent ones that were frozen in training."""
    return f"{column}_is_common"


def placeholders(says: str) -> Iterator[tuple[str, str, str]]:
    """``(column, side, format)`` of each placeholder; the side is ``l``, ``r`` or empty (either)."""
    for name, style in _PLACEHOLDER.findall(says):
        side = name[-1] if name.endswith(("_l", "_r")) else ""
        yield (name[:-2] if side else name), side, style


def sided_columns(sql: str) -> Iterator[str]:
    """Columns that an SQL condition names as ``x_l`` or ``x_r``, strings left out."""
    for name, _ in _SIDED.findall(re.sub(r"'[^']*'", "''", sql)):
        yield name


def _differ(what: str, names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{what} must have different names; given twice: {', '.join(twice)}")


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        place = ""
        for part in problem["loc"]:
            place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
        message = problem["msg"].removeprefix("Value error, ")
        given: Any = problem.get("input")
        told = f" (given: {given!r})" if isinstance(given, (str, int, float, bool)) else ""
        yield f"{place}: {message}{told}." if place else f"{message}."
