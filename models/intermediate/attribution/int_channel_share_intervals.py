"""How sure each channel's share of the credit is: conversions of the ROI window drawn again and again."""

from attribution.warehouse import intervals_table


def model(dbt, session):  # type: ignore[no-untyped-def]
    dbt.config(materialized="table")
    settings = dbt.ref("attribution_settings").select("setting", "value")
    return intervals_table(dbt.ref("int_window_credits"), dict(settings.fetchall()))
