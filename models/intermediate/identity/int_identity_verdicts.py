"""What became of each piece of evidence about contested records: linked, refused with the reason, or up to a person."""

from identity.warehouse import connection_of, resolve_settings, update_verdicts


def model(dbt, session):  # type: ignore[no-untyped-def]
    dbt.config(materialized="incremental", incremental_strategy="append")
    dbt.ref("int_identity_contested_records")
    dbt.ref("int_identity_memberships")
    dbt.ref("int_identity_pairs")
    dbt.ref("int_identity_decisions")
    values = dict(dbt.ref("identity_settings").select("setting", "value").fetchall())
    here = f'"{dbt.this.database}"."{dbt.this.schema}"'
    return update_verdicts(
        connection_of(session),
        resolve_settings(values),
        records=f"{here}.int_identity_contested_records",
        memberships=f"{here}.int_identity_memberships",
        pairs=f"{here}.int_identity_pairs",
        decisions=f"(select * from {here}.int_identity_decisions where is_in_force)",
        verdicts=str(dbt.this) if dbt.is_incremental else None,
    )
