"""Splink on the warehouse's own connection, leaving nothing behind.

Splink 5 writes its intermediate results as ordinary tables into the current schema. Here they are temporary tables:
they stay out of the warehouse file, work inside the caller's transaction, and are dropped when the work ends or fails.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import ColumnExpression, DuckDBAPI, Linker, SettingsCreator
from splink.internals.comparison_level_creator import ComparisonLevelCreator

from identity.errors import SpecError
from identity.spec import Comparison, Condition, Level, Otherwise, Spec, common_column
from identity.trained import Frequencies, Shares, Trained

logging.getLogger("splink").setLevel(logging.ERROR)

#: Shares of a level that are known before Splink learns the others (None: to be learned).
KnownShares = Callable[[Comparison, Level | Otherwise], Shares | tuple[float | None, float | None]]

#: Where a caller has not said so: the odds Splink starts from. Replaced by training.
_UNTRAINED_PRIOR = 0.0001


class _TemporaryTables(DuckDBAPI):
    """Splink's DuckDB backend with temporary tables instead of ordinary ones."""

    def _setup_for_execute_sql(self, sql: str, physical_name: str) -> str:
        self.delete_table_from_database(physical_name)
        return f"create temp table {physical_name} as\n{sql}"


@dataclass(frozen=True)
class Workspace:
    """One connection with the records to compare prepared as a temporary table."""

    connection: duckdb.DuckDBPyConnection
    api: DuckDBAPI
    spec: Spec
    records: str
    """Temporary table: the record key and every column of the rule file."""
    suffix: str
    frozen: set[str]
    """Columns whose frequencies are in place."""

    def table(self, name: str) -> str:
        """A name for a temporary table of this workspace."""
        return f"identity_{name}_{self.suffix}"

    def store(self, table: str, values: pa.Table) -> None:
        """Keep values of Python as a temporary table."""
        view = self.table("handed_over")
        self.connection.register(view, values)
        self.connection.execute(f"create temp table {table} as from {view}")
        self.connection.unregister(view)

    def agrees(self, rule: str) -> bool:
        """Whether any two records satisfy a condition on ``l`` and ``r``."""
        key = self.spec.record_key
        found = self.connection.execute(
            f"select 1 from {self.records} as l inner join {self.records} as r on {rule} and l.{key} < r.{key} limit 1"
        ).fetchall()
        return bool(found)

    def scorer(self, trained: Trained) -> Linker:
        """A Splink linker over the records that knows its weights and keeps the parts of each."""
        comparisons = [splink_comparison(comparison, trained.shares) for comparison in self.spec.comparisons]
        return self._linker(comparisons, trained.prior, trained.frequencies, keep_parts=True)

    def learner(
        self, comparisons: Sequence[Comparison], known: KnownShares, frequencies: Mapping[str, Frequencies]
    ) -> Linker:
        """A Splink linker over the records whose weights are to be learned, but for those in ``known``."""
        return self._linker(
            [splink_comparison(comparison, known) for comparison in comparisons],
            self.spec.prior or _UNTRAINED_PRIOR,
            frequencies,
            keep_parts=False,
        )

    def _linker(
        self,
        comparisons: list[cl.CustomComparison],
        prior: float,
        frequencies: Mapping[str, Frequencies],
        *,
        keep_parts: bool,
    ) -> Linker:
        records = self.api.register(self.records)
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name=self.spec.record_key,
            comparisons=list(comparisons),
            blocking_rules_to_generate_predictions=[],
            probability_two_random_records_match=prior,
            # Also what says which level held.
            retain_matching_columns=keep_parts,
            retain_intermediate_calculation_columns=keep_parts,
            linker_uid=self.suffix,
        )
        linker = Linker(records, settings, log_level=None, validate_settings=False)
        for column, found in frequencies.items():
            self._register_frequencies(linker, column, found)
        return linker

    def _register_frequencies(self, linker: Linker, column: str, frequencies: Frequencies) -> None:
        """Frozen frequencies of the values at hand, as the look-up table that Splink joins."""
        lookup = self.table(f"tf_{column}")
        if column not in self.frozen:
            self._freeze(column, frequencies)
            self.frozen.add(column)
        linker.table_management.register_term_frequency_lookup(self.api.register(lookup), column)

    def _freeze(self, column: str, frequencies: Frequencies) -> None:
        listed, lookup = self.table(f"listed_{column}"), self.table(f"tf_{column}")
        values = pa.table(
            {
                "value": pa.array(frequencies.values.keys(), pa.string()),
                "frequency": pa.array(frequencies.values.values(), pa.float64()),
            }
        )
        self.store(listed, values)
        self.connection.execute(
            f"create temp table {lookup} as select found.{column}, "
            f"greatest(coalesce(listed.frequency, 0), {frequencies.floor!r}::double) as tf_{column} "
            f"from (select distinct {column} from {self.records} where {column} is not null) as found "
            f"left join {listed} as listed on listed.value = cast(found.{column} as varchar)"
        )
        # Levels may ask whether a value is one of the frequent ones (`x_is_common`).
        common = common_column(column)
        if common in self.spec.used_columns:
            self.connection.execute(f"alter table {self.records} add column {common} boolean")
            self.connection.execute(
                f"update {self.records} as records set {common} = records.{column} in (select value from {listed})"
            )


@contextmanager
def workspace(
    connection: duckdb.DuckDBPyConnection, spec: Spec, nodes: str, *, only: str | None = None
) -> Iterator[Workspace]:
    """Prepare the records of ``nodes`` (all, or those whose key the query ``only`` returns) and clean up after.

    Raises :class:`SpecError` where a column of the rule file cannot be computed from the node table.
    """
    suffix = uuid.uuid4().hex[:12]
    records = f"identity_records_{suffix}"
    source = nodes if only is None else f"(select * from {nodes} where {spec.record_key} in ({only}))"
    before = _temporary_tables(connection, suffix)
    try:
        try:
            connection.execute(f"create temp table {records} as {spec.prepared_sql(source)}")
        except (duckdb.BinderException, duckdb.ParserException) as error:
            raise SpecError(
                f"Matching rules `{spec.name}`: the columns cannot be computed from {nodes}: {error}. "
                "Check `columns` in the rule file against the table."
            ) from error
        yield Workspace(connection, _TemporaryTables(connection), spec, records, suffix, set())
    except BaseException:
        # After an error inside a transaction nothing can be dropped, but its end undoes everything.
        with suppress(duckdb.Error):
            _drop_new(connection, suffix, before)
        raise
    _drop_new(connection, suffix, before)


def _drop_new(connection: duckdb.DuckDBPyConnection, suffix: str, before: set[tuple[str, str]]) -> None:
    for name, kind in sorted(_temporary_tables(connection, suffix) - before):
        connection.execute(f'drop {kind} if exists temp."{name}"')


def _temporary_tables(connection: duckdb.DuckDBPyConnection, suffix: str) -> set[tuple[str, str]]:
    """Temporary tables and views of one workspace and of Splink."""
    return {
        (name, "view" if kind == "VIEW" else "table")
        for name, kind in connection.execute(
            "select table_name, table_type from information_schema.tables where table_catalog = 'temp' "
            "and (starts_with(table_name, '__splink__') or table_name = 'result_df' or ends_with(table_name, ?))",
            [suffix],
        ).fetchall()
    }


def splink_comparison(comparison: Comparison, known: KnownShares) -> cl.CustomComparison:
    """One comparison of the rule file as Splink's own, with the shares that are known; the others are learned."""
    levels: list[ComparisonLevelCreator | dict[str, Any]] = [
        cll.CustomLevel(comparison.missing_sql, "not known on both sides").configure(is_null_level=True)
    ]
    for level in comparison.levels:
        numbers = _numbers(known(comparison, level))
        if level.term_frequency is not None:
            numbers |= {
                "tf_adjustment_column": level.term_frequency,
                "tf_adjustment_weight": level.term_frequency_weight,
                # The base is the share of an exact match on the same column, where the comparison has such a level.
                "disable_tf_exact_match_detection": not any(
                    other.kind == "exact" and other.column == level.term_frequency for other in comparison.levels
                ),
            }
        levels.append(_condition(level).configure(label_for_charts=level.name, **numbers))
    otherwise = comparison.otherwise
    levels.append(cll.ElseLevel().configure(label_for_charts=otherwise.name, **_numbers(known(comparison, otherwise))))
    return cl.CustomComparison(output_column_name=comparison.name, comparison_levels=levels)


def _numbers(shares: Shares | tuple[float | None, float | None]) -> dict[str, Any]:
    m, u = (shares.m, shares.u) if isinstance(shares, Shares) else shares
    numbers: dict[str, Any] = {}
    if m is not None:
        numbers |= {"m_probability": m, "fix_m_probability": True}
    if u is not None:
        numbers |= {"u_probability": u, "fix_u_probability": True}
    return numbers


def _condition(condition: Condition) -> ComparisonLevelCreator:
    """A condition as a level of Splink's library, or as SQL where the library has none."""
    columns, least, most = condition.compared, condition.at_least, condition.at_most
    column = columns[0] if columns else ""
    match condition.kind:
        case "exact":
            return cll.ExactMatchLevel(column)
        case "jaro_winkler":
            return cll.JaroWinklerLevel(column, _number(least))
        case "jaro":
            return cll.JaroLevel(column, _number(least))
        case "jaccard":
            return cll.JaccardLevel(column, _number(least))
        case "levenshtein":
            return cll.LevenshteinLevel(column, int(_number(most)))
        case "damerau_levenshtein":
            # The distance is at least the difference in length, which is far cheaper to see.
            edits = int(_number(most))
            return cll.And(
                cll.CustomLevel(f"abs(length({column}_l) - length({column}_r)) <= {edits}"),
                cll.DamerauLevenshteinLevel(column, edits),
            )
        case "swapped":
            return cll.ColumnsReversedLevel(columns[0], columns[1], symmetrical=True)
        case "array_intersect":
            return cll.ArrayIntersectLevel(column, int(_number(least)))
        case "kilometres":
            return cll.DistanceInKMLevel(columns[0], columns[1], _number(most))
        case "days_apart":
            return cll.AbsoluteDateDifferenceLevel(
                ColumnExpression(column), input_is_string=False, threshold=_number(most), metric="day"
            )
        case "initial":
            # One side is the other's first letter only.
            return cll.CustomLevel(
                f"left({column}_l, 1) = left({column}_r, 1) and least(length({column}_l), length({column}_r)) = 1"
            )
        case "sql":
            return cll.CustomLevel(condition.sql or "")
        case "all":
            return cll.And(*(_condition(part) for part in condition.of))
        case "any":
            return cll.Or(*(_condition(part) for part in condition.of))


def _number(value: float | None) -> float:
    assert value is not None, "checked by the rule file"
    return value
