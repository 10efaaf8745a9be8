"""Match weights of candidate pairs, by Splink, with every part explained."""

from __future__ import annotations

import duckdb

from identity.errors import SpecError
from identity.explain import explanation_sql, weights_sql
from identity.spec import Spec
from identity.trained import Trained, check_fits, spec_version


def score(
    connection: duckdb.DuckDBPyConnection,
    spec: Spec,
    trained: Trained,
    nodes: str,
    candidates: str,
    output: str,
    *,
    min_weight: float,
) -> int:
    """Score ``candidates``, write those of ``min_weight`` and more to the new table ``output``; returns their number.

    :param nodes: table with the record key and the columns of the rule file; a key stands in it once.
    :param candidates: table ``record_key_l, record_key_r``, each pair once.
    :param output: created (replaced; temporary where its name starts with `temp.`): ``record_key_l, record_key_r,
        match_weight DECIMAL(9,4)`` (log2 of the odds), ``match_probability DECIMAL(9,8)``, ``weights``
        (JSON text), ``explanation``, ``model_version``.

    A pair's numbers depend on its two records and the trained model only, never on what else is scored: any part of
    the candidates gives the same as all of them. Nothing else is left in the database, also when it fails; the caller
    may be inside a transaction.
    """
    from identity.engine import workspace

    check_fits(spec, trained, f"trained model `{trained.name}`")
    key = spec.record_key
    ends = f"select record_key_l from {candidates} union all select record_key_r from {candidates}"
    with workspace(connection, spec, nodes, only=ends) as work:
        found = connection.execute(f"select count(*), count(distinct {key}) from {work.records}").fetchall()[0]
        if found[0] != found[1]:
            raise SpecError(f"{nodes}: {key} stands in more than one row; a record must stand in it once.")
        pairs = work.table("pairs")
        connection.execute(
            f"create temp view {pairs} as select '0' as match_key, record_key_l as join_key_l, "
            f"record_key_r as join_key_r from {candidates}"
        )
        linker = work.scorer(trained)
        linker.table_management.register_blocked_pairs_for_predict(work.api.register(pairs))
        scored = linker.inference.predict(threshold_match_weight=min_weight, warning_mode="never").physical_name
        connection.execute(
            f"create or replace {'temp ' if output.startswith('temp.') else ''}table {output} as "
            f"with scored as (select *, {trained.prior_weight!r}::double as prior from {scored}) "
            f"select scored.{key}_l as record_key_l, scored.{key}_r as record_key_r, "
            "cast(scored.match_weight as decimal(9, 4)) as match_weight, "
            "cast(scored.match_probability as decimal(9, 8)) as match_probability, "
            f"{weights_sql(spec)} as weights, {explanation_sql(spec, trained)} as explanation, "
            f"'{spec_version(spec, trained)}' as model_version "
            f"from scored inner join {work.records} as record_l on record_l.{key} = scored.{key}_l "
            f"inner join {work.records} as record_r on record_r.{key} = scored.{key}_r"
        )
    return int(connection.execute(f"select count(*) from {output}").fetchall()[0][0])
