"""How sure each channel's share of the credit is: conversions of the ROI window drawn again and again."""

from attribution.warehouse import intervals_table


def model(dbt, session):  # type: ignore[no-untyped-def]
    dbt.config(materialized="table")
    settings = dbt.ref("attribution_settings").select("setting", "value")
    credits = dbt.ref("int_window_credits").project(
        "conversion_kind, model, channel, conversion_number, cast(credit as double) as credit"
    )
    return intervals_table(credits.to_arrow_table(), dict(settings.fetchall()))
