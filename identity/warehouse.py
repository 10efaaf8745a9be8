"""The matcher in a warehouse that grows: only what changed is compared and resolved again.

Each function brings one incremental table up to date: it deletes from the table what no longer holds and returns the
rows to add. Nothing is remembered but the table itself. Whether a row still holds shows in fingerprints (64-bit hashes
of everything it was computed from), so that an incremental run gives what computing all of it gives, after a failed run
too, and a changed rule file, trained model or setting computes all of it again by itself.

Relations are named by text that can stand after ``from``. Work tables are temporary; their names start with
``_identity_``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import duckdb

from identity import resolve as resolver
from identity.blocking import block_keys_sql
from identity.errors import IdentityError
from identity.resolve import ResolveSettings, resolve
from identity.scoring import score
from identity.spec import Spec
from identity.trained import Trained, spec_version

_PREFIX = "_identity_"


def connection_of(session: object) -> duckdb.DuckDBPyConnection:
    """The DuckDB connection of a dbt Python model's ``session``, which dbt-duckdb may wrap in a cursor of its own.

    Raises IdentityError where the session is no DuckDB connection.
    """
    inner = session if isinstance(session, duckdb.DuckDBPyConnection) else getattr(session, "_cursor", None)
    if not isinstance(inner, duckdb.DuckDBPyConnection):
        raise IdentityError(f"Matching runs on a DuckDB connection; dbt gave a {type(session).__name__}.")
    return inner


def resolve_settings(values: Mapping[str, object]) -> ResolveSettings:
    """The resolver's numbers from the rows of ``seeds/identity_settings.csv`` (setting -> value).

    Raises IdentityError naming the setting that is missing.
    """
    numbers: dict[str, float] = {}
    for field in fields(ResolveSettings):
        numbers[field.name] = setting(values, field.name)
    for name in ("guard_min_identities", "max_pair_cluster_records"):
        numbers[name] = int(numbers[name])
    return ResolveSettings(**numbers)  # type: ignore[arg-type]


def setting(values: Mapping[str, object], name: str) -> float:
    """One number of ``seeds/identity_settings.csv``. Raises IdentityError when it is missing."""
    if values.get(name) is None:
        raise IdentityError(
            f"identity_settings.csv, field value: the setting '{name}' is missing. Add a line for it "
            "(seeds/README.md says what it means)."
        )
    return float(str(values[name]))


def update_blocks(
    connection: duckdb.DuckDBPyConnection, spec: Spec, *, nodes: str, blocks: str | None
) -> duckdb.DuckDBPyRelation:
    """Rows to add to the table of block keys: ``node_fingerprint, block_hash, rules_version``.

    :param nodes: relation with the columns of the rule file and ``node_fingerprint``.
    :param blocks: the table as it stands; None when it is built anew.
    """
    _clean(connection)
    version = _text_hash(block_keys_sql(spec, "nodes"))
    known = ""
    if blocks is not None:
        connection.execute(
            f"delete from {blocks} where rules_version != '{version}' "
            f"or node_fingerprint not in (select node_fingerprint from {nodes})"
        )
        known = f"where node_fingerprint not in (select node_fingerprint from {blocks})"
    connection.execute(f"create temp table {_PREFIX}open_nodes as select * from {nodes} {known}")
    return connection.query(
        f"select nodes.node_fingerprint, hash(keys.block_key) as block_hash, '{version}' as rules_version "
        f"from ({block_keys_sql(spec, f'{_PREFIX}open_nodes')}) as keys "
        f"inner join {_PREFIX}open_nodes as nodes on keys.record_key = nodes.record_key"
    )


def blocks_over_limit(
    connection: duckdb.DuckDBPyConnection, spec: Spec, *, nodes: str, blocks: str, max_records: int
) -> duckdb.DuckDBPyRelation:
    """Block keys that more than ``max_records`` records bear: ``block_hash, block_key, record_count, max_records``."""
    _clean(connection)
    connection.execute(
        f"create temp table {_PREFIX}large as select block_hash, count(*) as record_count, "
        f"min(node_fingerprint) as example from {blocks} group by block_hash having count(*) > {int(max_records)}"
    )
    connection.execute(
        f"create temp table {_PREFIX}examples as select * from {nodes} "
        f"where node_fingerprint in (select example from {_PREFIX}large)"
    )
    keys = block_keys_sql(spec, f"{_PREFIX}examples")
    return connection.query(
        f"select large.block_hash, min(keys.block_key) as block_key, any_value(large.record_count) as record_count, "
        f"cast({int(max_records)} as integer) as max_records from {_PREFIX}large as large "
        f"inner join ({keys}) as keys on hash(keys.block_key) = large.block_hash group by large.block_hash"
    )


def update_scores(
    connection: duckdb.DuckDBPyConnection,
    spec: Spec,
    trained: Trained,
    *,
    nodes: str,
    components: str,
    component_facts: str,
    blocks: str,
    over_limit: str,
    scores: str | None,
    min_weight: float,
) -> duckdb.DuckDBPyRelation:
    """Rows to add to the table of scores.

    The table holds three kinds of rows (``row_kind``): a ``pair`` of ``min_weight`` and more with its explanation; a
    ``record`` whose pairs are all there; a ``block`` that was over the limit and gave no pairs. ``state`` says in which
    state a record was (itself and the component it stood in), for a pair with ``other_state``; for a block it is its
    hash.

    Candidates share a block key that is not over the limit and are not in one component already.

    :param scores: the table as it stands; None when it is built anew.
    """
    _clean(connection)
    version = _text_hash(f"{spec_version(spec, trained)}|{block_keys_sql(spec, 'nodes')}|{min_weight!r}")
    connection.execute(
        f"create temp table {_PREFIX}states as select nodes.record_key, nodes.node_fingerprint, "
        "hash(coalesce(components.component, nodes.record_key)) as component_hash, "
        "hash(nodes.node_fingerprint, facts.members_fingerprint) as state "
        f"from {nodes} as nodes left join {components} as components on nodes.record_key = components.node "
        f"left join {component_facts} as facts on components.component = facts.component"
    )
    connection.execute(f"create temp table {_PREFIX}over_limit as select block_hash from {over_limit}")
    known = ""
    if scores is not None:
        _delete_stale_scores(connection, scores, blocks, version)
        known = f"where state not in (select state from {scores} where row_kind = 'record')"
    connection.execute(
        f"create temp table {_PREFIX}dirty as select record_key, node_fingerprint, state from {_PREFIX}states {known}"
    )
    _collect_candidates(connection, blocks, everything=scores is None)
    connection.execute(
        f"create temp table {_PREFIX}open_nodes as select * from {nodes} where record_key in "
        f"(select record_key_l from {_PREFIX}candidates union all select record_key_r from {_PREFIX}candidates)"
    )
    score(
        connection,
        spec,
        trained,
        f"{_PREFIX}open_nodes",
        f"{_PREFIX}candidates",
        f"temp.main.{_PREFIX}scored",
        min_weight=min_weight,
    )
    for name in ("open_nodes", "candidates"):
        connection.execute(f"drop table {_PREFIX}{name}")
    known_blocks = (
        "" if scores is None else f"where block_hash not in (select state from {scores} where row_kind = 'block')"
    )
    empty = "null, null, null, null, null, null, null"
    return connection.query(
        f"select 'pair' as row_kind, states_l.state, states_r.state as other_state, "
        "scored.record_key_l, scored.record_key_r, scored.match_weight, scored.match_probability, scored.weights, "
        f"scored.explanation, scored.model_version, '{version}' as rules_version from {_PREFIX}scored as scored "
        f"inner join {_PREFIX}states as states_l on scored.record_key_l = states_l.record_key "
        f"inner join {_PREFIX}states as states_r on scored.record_key_r = states_r.record_key "
        f"union all select 'record', state, null, {empty}, '{version}' from {_PREFIX}dirty "
        f"union all select 'block', block_hash, null, {empty}, '{version}' from {_PREFIX}over_limit {known_blocks}"
    )


def update_verdicts(
    connection: duckdb.DuckDBPyConnection,
    settings: ResolveSettings,
    *,
    records: str,
    memberships: str,
    pairs: str,
    decisions: str,
    verdicts: str | None,
) -> duckdb.DuckDBPyRelation:
    """Rows to add to the table of verdicts: ``verdict_id``, the columns of :class:`identity.resolve.Outcome`,
    ``neighbourhood`` and ``neighbourhood_fingerprint``.

    :param records: contested records with the columns of :class:`identity.resolve.Node`.
    :param decisions: those in force.
    :param verdicts: the table as it stands; None when it is built anew.
    """
    _clean(connection)
    version = _text_hash(f"{settings!r}|{Path(resolver.__file__).read_text(encoding='utf-8')}")
    home = f"inner join {records} as home on home.record_key = evidence"
    connection.execute(
        f"create temp table {_PREFIX}neighbourhoods as select neighbourhood, "
        f"neighbourhood || ':{version}:' || cast(sum(cast(part as hugeint)) as varchar) as neighbourhood_fingerprint "
        "from ("
        "select neighbourhood, hash(0, record_key, first_name, first_name_forms, last_name, verified_email, "
        f"verified_domain, created_at) as part from {records} "
        "union all select home.neighbourhood, hash(1, evidence.record_key, identifier_type, identifier_value, rank, "
        f"names_must_agree) from {memberships} as evidence {home}.record_key "
        "union all select home.neighbourhood, hash(2, record_key_l, record_key_r, match_weight) "
        f"from {pairs} as evidence {home}.record_key_l "
        "union all select home.neighbourhood, hash(3, record_key_l, record_key_r, decision, decision_id) "
        f"from {decisions} as evidence {home}.record_key_l"
        ") as parts group by neighbourhood"
    )
    known = ""
    if verdicts is not None:
        connection.execute(
            f"delete from {verdicts} where neighbourhood_fingerprint not in "
            f"(select neighbourhood_fingerprint from {_PREFIX}neighbourhoods)"
        )
        known = f"where neighbourhood_fingerprint not in (select neighbourhood_fingerprint from {verdicts})"
    connection.execute(
        f"create temp table {_PREFIX}nodes as select records.* from {records} as records inner join "
        f"(select neighbourhood from {_PREFIX}neighbourhoods {known}) as open_ones "
        "on records.neighbourhood = open_ones.neighbourhood"
    )
    for name, relation, key in (
        ("memberships", memberships, "record_key"),
        ("pairs", pairs, "record_key_l"),
        ("decisions", decisions, "record_key_l"),
    ):
        connection.execute(
            f"create temp table {_PREFIX}{name} as select * from {relation} "
            f"where {key} in (select record_key from {_PREFIX}nodes)"
        )
    resolve(
        connection,
        nodes=f"{_PREFIX}nodes",
        memberships=f"{_PREFIX}memberships",
        pairs=f"{_PREFIX}pairs",
        decisions=f"{_PREFIX}decisions",
        output=f"temp.main.{_PREFIX}outcomes",
        settings=settings,
    )
    return connection.query(
        "select md5(concat_ws('|', outcomes.record_key, outcomes.linked_record_key, outcomes.kind, "
        "coalesce(outcomes.identifier_type, '~'), coalesce(outcomes.identifier_value, '~'))) as verdict_id, "
        "outcomes.record_key, outcomes.linked_record_key, outcomes.kind, outcomes.identifier_type, "
        "outcomes.identifier_value, cast(outcomes.match_weight as decimal(9, 4)) as match_weight, outcomes.verdict, "
        "outcomes.reason, nodes.neighbourhood, neighbourhoods.neighbourhood_fingerprint "
        f"from {_PREFIX}outcomes as outcomes "
        f"inner join {_PREFIX}nodes as nodes on outcomes.record_key = nodes.record_key "
        f"inner join {_PREFIX}neighbourhoods as neighbourhoods on nodes.neighbourhood = neighbourhoods.neighbourhood"
    )


def _delete_stale_scores(connection: duckdb.DuckDBPyConnection, scores: str, blocks: str, version: str) -> None:
    """Leaves the pairs whose two ends are as they were scored, and the marks of those ends."""
    connection.execute(f"delete from {scores} where rules_version != '{version}'")
    connection.execute(
        f"create temp table {_PREFIX}turned as select state as block_hash from {scores} where row_kind = 'block' "
        f"and state not in (select block_hash from {_PREFIX}over_limit) union all "
        f"select block_hash from {_PREFIX}over_limit "
        f"where block_hash not in (select state from {scores} where row_kind = 'block')"
    )
    connection.execute(
        f"delete from {scores} where row_kind = 'block' and state in (select block_hash from {_PREFIX}turned)"
    )
    connection.execute(
        f"delete from {scores} where row_kind = 'record' and "
        f"(state not in (select state from {_PREFIX}states) or state in "
        f"(select states.state from {_PREFIX}states as states inner join {blocks} as blocks "
        f"on states.node_fingerprint = blocks.node_fingerprint "
        f"where blocks.block_hash in (select block_hash from {_PREFIX}turned)))"
    )
    connection.execute(f"create temp table {_PREFIX}standing as select state from {scores} where row_kind = 'record'")
    connection.execute(
        f"delete from {scores} where row_kind = 'pair' and (state not in (select state from {_PREFIX}standing) "
        f"or other_state not in (select state from {_PREFIX}standing))"
    )
    connection.execute(f"drop table {_PREFIX}standing")


def _collect_candidates(connection: duckdb.DuckDBPyConnection, blocks: str, *, everything: bool) -> None:
    """The pairs to score: ``record_key_l < record_key_r``, at least one end dirty."""
    keyed = (
        "select blocks.block_hash, blocks.node_fingerprint, states.component_hash from ({}) as blocks "
        f"inner join {_PREFIX}states as states on blocks.node_fingerprint = states.node_fingerprint"
    )
    usable = (
        f"select block_hash, node_fingerprint from {blocks} "
        f"where block_hash not in (select block_hash from {_PREFIX}over_limit)"
    )
    if everything:
        connection.execute(f"create temp table {_PREFIX}theirs as {keyed.format(usable)}")
        ours, joined = f"{_PREFIX}theirs", "ours.node_fingerprint < theirs.node_fingerprint"
    else:
        dirty = f"{usable} and node_fingerprint in (select node_fingerprint from {_PREFIX}dirty)"
        connection.execute(f"create temp table {_PREFIX}ours as {keyed.format(dirty)}")
        shared = f"{usable} and block_hash in (select block_hash from {_PREFIX}ours)"
        connection.execute(f"create temp table {_PREFIX}theirs as {keyed.format(shared)}")
        ours, joined = f"{_PREFIX}ours", "ours.node_fingerprint != theirs.node_fingerprint"
    # Most records that share a key are one component already: they are left out before pairs are made distinct.
    connection.execute(
        f"create temp table {_PREFIX}met as select distinct "
        "least(ours.node_fingerprint, theirs.node_fingerprint) as one, "
        "greatest(ours.node_fingerprint, theirs.node_fingerprint) as other "
        f"from {ours} as ours inner join {_PREFIX}theirs as theirs on ours.block_hash = theirs.block_hash "
        f"and ours.component_hash != theirs.component_hash and {joined}"
    )
    connection.execute(
        f"create temp table {_PREFIX}candidates as select least(a.record_key, b.record_key) as record_key_l, "
        f"greatest(a.record_key, b.record_key) as record_key_r from {_PREFIX}met as met "
        f"inner join {_PREFIX}states as a on met.one = a.node_fingerprint "
        f"inner join {_PREFIX}states as b on met.other = b.node_fingerprint"
    )
    connection.execute(f"drop table {_PREFIX}theirs")
    connection.execute(f"drop table {_PREFIX}met")


def _clean(connection: duckdb.DuckDBPyConnection) -> None:
    """Drops the work tables that an earlier call left for its result to be read from."""
    for (name,) in connection.execute(
        "select table_name from duckdb_tables() where temporary and starts_with(table_name, ?)", [_PREFIX]
    ).fetchall():
        connection.execute(f'drop table temp.main."{name}"')


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
