-- Mailboxes that mail came back from: who writes from them is not proven to own them any more.
with
    bounces as (select distinct email_raw from {{ ref("stg_hubspot__email_events") }} where event_type = 'BOUNCE'),

    emails as (select * from {{ ref("int_clean_emails") }}),

    final as (
        select distinct emails.email_canonical
        from bounces
        inner join emails on bounces.email_raw = emails.email_raw
        where emails.email_canonical is not null
    )

select *
from final
