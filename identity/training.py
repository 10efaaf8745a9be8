"""Learning the weights: from random pairs, from pairs that expectation maximisation sorts, from known links.

``u`` (how often a level holds between two people) is counted over random pairs. ``m`` (how often it holds within one
person) comes from known links for the comparisons that did not make those links (``training.labelled`` of the rule
file), and from expectation maximisation for the others. Sampling is by hash and seed: the same records give the same
numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pyarrow as pa

from identity.errors import TrainingError
from identity.spec import Comparison, Level, Otherwise, Spec
from identity.trained import Frequencies, Shares, Trained, rounded

if TYPE_CHECKING:
    from splink import Linker

    from identity.engine import Workspace

#: A level that was never seen is rare, not impossible: one true pair in a thousand, one random pair in a million.
_SMALLEST_SHARE = {"m": 0.001, "u": 0.000001}

#: Comparison -> level -> share (0-1).
Learned = dict[str, dict[str, float]]


def train(
    connection: duckdb.DuckDBPyConnection,
    spec: Spec,
    nodes: str,
    *,
    labels: str | None = None,
) -> Trained:
    """Learn the numbers of a rule file from the records of ``nodes``.

    :param labels: table ``record_key_l, record_key_r`` of pairs known to be one person, if there is one.

    Raises :class:`TrainingError` where the records are too few or a level cannot be learned.
    """
    from identity.engine import workspace

    with workspace(connection, spec, nodes) as work:
        if labels is not None:
            _leave_out_known_doubles(work, labels)
        count = int(connection.execute(f"select count(*) from {work.records}").fetchall()[0][0])
        if count < 2:
            raise TrainingError(f"{nodes}: {count} records; training needs at least two that can be compared.")
        frequencies = _frequencies(connection, spec, work.records)
        prior = spec.prior if spec.prior is not None else _prior(work, frequencies)
        u = _random(work, frequencies)
        m, empty = _sorted_out(work, frequencies, u)
        if labels is not None and spec.training.labelled:
            m |= _labelled(connection, spec, nodes, frequencies, labels)
    levels: dict[str, dict[str, Shares]] = {}
    for comparison in spec.comparisons:
        shares_m, shares_u = _whole(comparison, "m", m), _whole(comparison, "u", u)
        levels[comparison.name] = {name: Shares(share, shares_u[name]) for name, share in shares_m.items()}
    return Trained(
        name=spec.name,
        prior=prior,
        levels=levels,
        frequencies=frequencies,
        trained_on={
            "records": count,
            "labels": labels is not None,
            "seed": spec.training.seed,
            "passes_without_pairs": empty,
        },
    )


def _prior(work: Workspace, frequencies: dict[str, Frequencies]) -> float:
    """How many of all pairs match, from the pairs that (nearly) certain rules find."""
    training = work.spec.training
    if not training.certain:
        raise TrainingError(
            f"Matching rules `{work.spec.name}`: give `prior`, or `training.certain` rules to estimate it from."
        )
    linker = work.learner(work.spec.comparisons, _fixed, frequencies)
    linker.training.estimate_probability_two_random_records_match(
        [_rule(columns) for columns in training.certain], recall=training.certain_recall
    )
    return rounded(linker._settings_obj._probability_two_random_records_match)


def _random(work: Workspace, frequencies: dict[str, Frequencies]) -> Learned:
    """``u``: shares counted over random pairs. Comparisons whose shares are all fixed are not counted."""
    open_ones = [
        comparison for comparison in work.spec.comparisons if any(level.u is None for level in comparison.all_levels)
    ]
    if not open_ones:
        return {}
    linker = work.learner(open_ones, _fixed, frequencies)
    linker.training.estimate_u_using_random_sampling(
        max_pairs=work.spec.training.max_pairs, seed=work.spec.training.seed, min_count_per_level=None, num_chunks=1
    )
    return _learned(linker, "u")


def _sorted_out(work: Workspace, frequencies: dict[str, Frequencies], u: Learned) -> tuple[Learned, list[str]]:
    """``m``: shares among the pairs that expectation maximisation takes for one person; the median of the passes.

    Also the passes that had no pair to look at.
    """

    def known(comparison: Comparison, level: Level | Otherwise) -> tuple[float | None, float | None]:
        return level.m, _whole(comparison, "u", u)[level.name]

    if all(level.m is not None for comparison in work.spec.comparisons for level in comparison.all_levels):
        return {}, []
    linker = work.learner(work.spec.comparisons, known, frequencies)
    empty = []
    for columns in work.spec.training.em:
        rule = _rule(columns)
        if work.agrees(rule):
            linker.training.estimate_parameters_using_expectation_maximisation(
                rule, estimate_without_term_frequencies=True, max_pairs=work.spec.training.em_max_pairs
            )
        else:
            empty.append(", ".join(columns))
    return _learned(linker, "m"), empty


def _labelled(
    connection: duckdb.DuckDBPyConnection,
    spec: Spec,
    nodes: str,
    frequencies: dict[str, Frequencies],
    labels: str,
) -> Learned:
    """``m`` of the ``labelled`` comparisons: shares counted over known pairs."""
    from identity.engine import workspace

    key = spec.record_key
    ends = f"select record_key_l from {labels} union all select record_key_r from {labels}"
    with workspace(connection, spec, nodes, only=ends) as work:
        table = work.table("labels")
        connection.execute(
            f"create temp table {table} as select record_key_l as {key}_l, record_key_r as {key}_r from {labels}"
        )
        chosen = [comparison for comparison in spec.comparisons if comparison.name in spec.training.labelled]
        linker = work.learner(chosen, _fixed, frequencies)
        linker.training.estimate_m_from_pairwise_labels(work.api.register(table))  # type: ignore[no-untyped-call]
        return _learned(linker, "m")


def _fixed(_comparison: Comparison, level: Level | Otherwise) -> tuple[float | None, float | None]:
    return level.m, level.u


def _learned(linker: Linker, kind: Literal["m", "u"]) -> Learned:
    """What a linker learned: the median over the passes that saw a level; 0 where passes ran and none saw it."""
    found: dict[str, dict[str, float]] = {}
    for comparison in linker._settings_obj.comparisons:
        shares: dict[str, float] = {}
        for level in comparison.comparison_levels:
            if level.is_null_level:
                continue
            passes = level._trained_m_probabilities if kind == "m" else level._trained_u_probabilities
            seen = [entry["probability"] for entry in passes if isinstance(entry["probability"], int | float)]
            if passes:
                shares[level.label_for_charts] = median(seen) if seen else 0.0
        found[comparison.output_column_name] = shares
    return found


def _whole(comparison: Comparison, kind: Literal["m", "u"], learned: Learned) -> dict[str, float]:
    """Shares of every level: fixed ones as they are, learned ones so that all add up to 1, none of them 0."""
    fixed = {level.name: share for level in comparison.all_levels if (share := getattr(level, kind)) is not None}
    found = learned.get(comparison.name, {})
    free = [level.name for level in comparison.all_levels if level.name not in fixed]
    for name in free:
        if name not in found:
            raise TrainingError(
                f"comparison `{comparison.name}`, level `{name}`: its `{kind}` cannot be learned from these records: "
                + (
                    "no pass of `training.em` leaves it free. Add one that does not agree on its columns, or fix `m`."
                    if kind == "m"
                    else "no two of them have both values. Leave the comparison out, or fix `u`."
                )
            )
    smallest = _SMALLEST_SHARE[kind]
    shares = {name: max(found[name], smallest) for name in free}
    # What is fixed may be rough; it must leave the learned levels something to share.
    left = max(1 - sum(fixed.values()), smallest)
    total = sum(shares.values())
    shares = fixed | {name: rounded(share * left / total) for name, share in shares.items()}
    return {level.name: shares[level.name] for level in comparison.all_levels}


def _leave_out_known_doubles(work: Workspace, labels: str) -> None:
    """Keep one record (the fullest) of those known to be one person.

    Their likeness says nothing about the pairs that the matcher is for, and as strangers they would be wrong.
    """
    key = work.spec.record_key
    known = " + ".join(f"({column} is not null)::integer" for column in work.spec.columns)
    fullness = dict(work.connection.execute(f"select {key}, {known} from {work.records}").fetchall())
    parents: dict[Any, Any] = {}

    def root(record: Any) -> Any:
        parents.setdefault(record, record)
        while parents[record] != record:
            parents[record] = parents[parents[record]]
            record = parents[record]
        return record

    for left, right in work.connection.execute(f"select record_key_l, record_key_r from {labels}").fetchall():
        if left in fullness and right in fullness:
            parents[root(left)] = root(right)
    fullest: dict[Any, Any] = {}
    for record in sorted(parents):
        best = fullest.setdefault(root(record), record)
        if fullness[record] > fullness[best]:
            fullest[root(record)] = record
    doubles = [record for record in parents if record != fullest[root(record)]]
    if not doubles:
        return
    table = work.table("doubles")
    work.store(table, pa.table({key: doubles}))
    work.connection.execute(f"delete from {work.records} where {key} in (select {key} from {table})")


def _rule(columns: Sequence[str]) -> str:
    return " and ".join(f"l.{column} = r.{column}" for column in columns)


def _frequencies(connection: duckdb.DuckDBPyConnection, spec: Spec, records: str) -> dict[str, Frequencies]:
    found = {}
    for column in spec.frequency_columns:
        rows = connection.execute(
            f"select cast({column} as varchar) as value, count(*) / sum(count(*)) over () as frequency from {records} "
            f"where {column} is not null group by 1 order by 2 desc, 1"
        ).fetchall()
        floor = spec.training.term_frequency_floor
        # Three digits are enough for a weight, and the file changes little when it is trained again.
        common = [(value, float(f"{share:.3g}")) for value, share in rows if share > floor]
        if len(common) > spec.training.max_term_values:
            floor = max(floor, common[spec.training.max_term_values][1])
            common = common[: spec.training.max_term_values]
        found[column] = Frequencies(floor, dict(common))
    return found


def compare(before: Trained | None, after: Trained) -> list[tuple[str, str, float | None, float]]:
    """``(comparison, level, weight before, weight after)`` for every level, in the order of the rule file."""
    rows: list[tuple[str, str, float | None, float]] = []
    old: dict[str, dict[str, float]] = defaultdict(dict)
    for name, levels in (before.levels if before else {}).items():
        for level, shares in levels.items():
            old[name][level] = shares.weight
    for name, levels in after.levels.items():
        rows += [(name, level, old[name].get(level), shares.weight) for level, shares in levels.items()]
    return rows


__all__: Sequence[str] = ("compare", "train")
