-- Grain: conversion and contact. Whose touches make a journey at contact level: the contact that reached the stage, or
-- the people on the opportunity.
with
    conversions as (select * from {{ ref("int_conversions") }} where journey_level = 'contact'),
    opportunities as (select * from {{ ref("fct_opportunities") }}),
    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),

    final as (
        select conversion_id, contact_id
        from conversions
        where contact_id is not null

        union distinct

        select conversions.conversion_id, opportunities.contact_id
        from conversions
        inner join opportunities on conversions.opportunity_id = opportunities.opportunity_id
        where opportunities.contact_id is not null

        union distinct

        select conversions.conversion_id, opportunity_contacts.contact_id
        from conversions
        inner join opportunity_contacts on conversions.opportunity_id = opportunity_contacts.opportunity_id
    )

select *
from final
