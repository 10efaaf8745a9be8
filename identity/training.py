"""Learning the weights: from random pairs, from pairs that expectation maximisation sorts, from known links.

``u`` (how often a level holds between two people) is counted over random pairs. ``m`` (how often it holds within one
person) comes from known links for the comparisons that did not make those links (``training.labelled`` of the rule
file), and from expectation maximisation for the others. Sampling is by hash and seed: the same records give the same
numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from identity.errors import TrainingError
from identity.spec import Comparison, Spec
from identity.trained import Frequencies, Shares, Trained, rounded

if TYPE_CHECKING:
    from identity.engine import Workspace

#: A level never seen is rare, not impossible: half an observation more or less, and never below this share.
_SMALLEST_SHARE = 1e-6


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
        linker = work.linker(None, frequencies)
        if spec.prior is None:
            if not spec.training.certain:
                raise TrainingError(
                    f"Matching rules `{spec.name}`: give `prior`, or `training.certain` rules to estimate it from."
                )
            linker.training.estimate_probability_two_random_records_match(
                [_rule(columns) for columns in spec.training.certain], recall=spec.training.certain_recall
            )
        linker.training.estimate_u_using_random_sampling(
            max_pairs=spec.training.max_pairs, seed=spec.training.seed, min_count_per_level=None, num_chunks=1
        )
        for columns in spec.training.em:
            linker.training.estimate_parameters_using_expectation_maximisation(
                _rule(columns),
                estimate_without_term_frequencies=True,
                max_pairs=spec.training.em_max_pairs,
            )
        learned = _by_method(linker)
        labelled = _labelled(connection, spec, nodes, frequencies, labels) if labels is not None else {}
        prior = spec.prior or rounded(linker._settings_obj._probability_two_random_records_match)
    levels: dict[str, dict[str, Shares]] = {}
    for comparison in spec.comparisons:
        source = learned[comparison.name]
        if comparison.name in spec.training.labelled and comparison.name in labelled:
            source = source | {"m": labelled[comparison.name]["m"]}
        levels[comparison.name] = {
            level: Shares(m, u)
            for (level, m), u in zip(
                _whole(comparison, "m", source["m"]).items(),
                _whole(comparison, "u", source["u"]).values(),
                strict=True,
            )
        }
    return Trained(
        name=spec.name,
        prior=prior,
        levels=levels,
        frequencies=frequencies,
        trained_on={
            "records": count,
            "labels": labels is not None,
            "seed": spec.training.seed,
        },
    )


def _whole(comparison: Comparison, kind: Literal["m", "u"], found: Mapping[str, float]) -> dict[str, float]:
    """Shares of every level: fixed ones as they are, learned ones so that all add up to 1."""
    fixed = {level.name: share for level in comparison.all_levels if (share := getattr(level, kind)) is not None}
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
    learned = {name: max(found[name], _SMALLEST_SHARE) for name in free}
    # What is fixed may be rough; it must leave the learned levels something to share.
    left = max(1 - sum(fixed.values()), _SMALLEST_SHARE)
    total = sum(learned.values())
    shares = fixed | {name: rounded(share * left / total) for name, share in learned.items()}
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
    table = work.table("doubles")
    work.connection.execute(f"create temp table {table} as select unnest(?) as {key}", [doubles])
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
        common = [(value, rounded(share)) for value, share in rows if share > floor]
        if len(common) > spec.training.max_term_values:
            floor = max(floor, common[spec.training.max_term_values][1])
            common = common[: spec.training.max_term_values]
        found[column] = Frequencies(floor, dict(common))
    return found


def _by_method(linker: Any) -> dict[str, dict[str, dict[str, float]]]:
    """Comparison -> m or u -> level -> share: the median over the passes that observed it."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for comparison in linker._settings_obj.comparisons:
        shares: dict[str, dict[str, float]] = {"m": {}, "u": {}}
        for level in comparison.comparison_levels:
            if level.is_null_level:
                continue
            for kind, passes in (("m", level._trained_m_probabilities), ("u", level._trained_u_probabilities)):
                known = [entry["probability"] for entry in passes if isinstance(entry["probability"], (int, float))]
                if known:
                    shares[kind][level.label_for_charts] = median(known)
                elif passes:
                    shares[kind][level.label_for_charts] = 0.0
        found[comparison.output_column_name] = shares
    return found


def _labelled(
    connection: duckdb.DuckDBPyConnection,
    spec: Spec,
    nodes: str,
    frequencies: dict[str, Frequencies],
    labels: str,
) -> dict[str, dict[str, dict[str, float]]]:
    """Shares of ``m`` counted over known pairs."""
    from identity.engine import workspace

    key = spec.record_key
    ends = f"select record_key_l from {labels} union all select record_key_r from {labels}"
    with workspace(connection, spec, nodes, only=ends) as work:
        table = work.table("labels")
        connection.execute(
            f"create temp table {table} as select record_key_l as {key}_l, record_key_r as {key}_r from {labels}"
        )
        linker = work.linker(None, frequencies)
        linker.training.estimate_m_from_pairwise_labels(work.api.register(table, table_name=table))
        return _by_method(linker)


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
