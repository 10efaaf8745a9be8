"""Block keys borne by more records than seeds/identity_settings.csv allows: they propose no pairs."""

from identity import load_spec
from identity.warehouse import blocks_over_limit, connection_of, setting


def model(dbt, session):  # type: ignore[no-untyped-def]
    dbt.config(materialized="table")
    dbt.ref("int_identity_nodes")
    dbt.ref("int_identity_blocks")
    values = dict(dbt.ref("identity_settings").select("setting", "value").fetchall())
    here = f'"{dbt.this.database}"."{dbt.this.schema}"'
    return blocks_over_limit(
        connection_of(session),
        load_spec(),
        nodes=f"{here}.int_identity_nodes",
        blocks=f"{here}.int_identity_blocks",
        max_records=int(setting(values, "max_block_records")),
    )
