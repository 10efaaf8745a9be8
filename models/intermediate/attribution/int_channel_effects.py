"""What each channel does for each kind of conversion, by Markov removal and by Shapley value."""

from attribution.warehouse import effects_table


def model(dbt, session):  # type: ignore[no-untyped-def]
    dbt.config(materialized="table")
    moves = dbt.ref("int_channel_transitions").select("conversion_kind", "from_state", "to_state", "moves")
    settings = dbt.ref("attribution_settings").select("setting", "value")
    return effects_table(moves.fetchall(), dict(settings.fetchall()))
