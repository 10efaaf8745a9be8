{#
    Kendall's tau-b over pairs of channels: with s the sign of the difference of two channels under a model (0 = tied),
    tau-b = sum(s_a s_b) / sqrt(sum(s_a^2) sum(s_b^2)).
#}
with
    ranks as (select * from {{ ref("int_channel_ranks") }}),

    signs as (
        select
            ranks.conversion_kind,
            ranks.model,
            ranks.channel,
            others.channel as other_channel,
            cast(sign(ranks.conversions - others.conversions) as integer) as direction
        from ranks
        inner join
            ranks as others
            on ranks.conversion_kind = others.conversion_kind
            and ranks.model = others.model
            and ranks.channel < others.channel
    ),

    channels as (select conversion_kind, count(distinct channel) as channels from ranks group by conversion_kind),

    compared as (
        select
            signs.conversion_kind,
            signs.model as model_a,
            others.model as model_b,
            sum(signs.direction * others.direction) as agreeing,
            sum(signs.direction * signs.direction) as decided_a,
            sum(others.direction * others.direction) as decided_b
        from signs
        inner join
            signs as others
            on signs.conversion_kind = others.conversion_kind
            and signs.channel = others.channel
            and signs.other_channel = others.other_channel
        group by signs.conversion_kind, signs.model, others.model
    ),

    final as (
        select
            compared.conversion_kind,
            compared.model_a,
            compared.model_b,
            cast(
                cast(
                    compared.agreeing as double
                ) / nullif(sqrt(cast(compared.decided_a as double) * cast(compared.decided_b as double)), 0) as decimal(
                    9, 6
                )
            ) as rank_correlation,
            cast(channels.channels as bigint) as channels
        from compared
        inner join channels on compared.conversion_kind = channels.conversion_kind
    )

select *
from final
