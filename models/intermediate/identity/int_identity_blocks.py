"""Block keys of every record, as hashes: records that share one are worth comparing (identity/rules/contacts.yml)."""

from identity import load_spec
from identity.warehouse import connection_of, update_blocks


def model(dbt, session):  # type: ignore[no-untyped-def]
    dbt.config(materialized="incremental", incremental_strategy="append")
    dbt.ref("int_identity_nodes")
    here = f'"{dbt.this.database}"."{dbt.this.schema}"'
    return update_blocks(
        connection_of(session),
        load_spec(),
        nodes=f"{here}.int_identity_nodes",
        blocks=str(dbt.this) if dbt.is_incremental else None,
    )
