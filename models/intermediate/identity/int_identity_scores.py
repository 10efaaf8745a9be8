"""Match weights of candidate pairs by Splink, kept from the weight on at which a person may look at them, and the marks
that tell the next build which records it need not compare again."""

from identity import load_spec, load_trained
from identity.warehouse import connection_of, setting, update_scores


def model(dbt, session):  # type: ignore[no-untyped-def]
    dbt.config(materialized="incremental", incremental_strategy="append")
    dbt.ref("int_identity_nodes")
    dbt.ref("int_identity_components")
    dbt.ref("int_identity_component_facts")
    dbt.ref("int_identity_blocks")
    dbt.ref("int_identity_blocks_over_limit")
    values = dict(dbt.ref("identity_settings").select("setting", "value").fetchall())
    here = f'"{dbt.this.database}"."{dbt.this.schema}"'
    spec = load_spec()
    return update_scores(
        connection_of(session),
        spec,
        load_trained(spec),
        nodes=f"{here}.int_identity_nodes",
        components=f"{here}.int_identity_components",
        component_facts=f"{here}.int_identity_component_facts",
        blocks=f"{here}.int_identity_blocks",
        over_limit=f"{here}.int_identity_blocks_over_limit",
        scores=str(dbt.this) if dbt.is_incremental else None,
        min_weight=setting(values, "review_match_weight"),
    )
