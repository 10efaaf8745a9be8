-- Nobody of the lowest fit band is offered a meeting, whatever they did (R33).
select offered.contact_id, scores.fit_score, scores.fit_band
from {{ ref("list_offer_meeting") }} as offered
inner join {{ ref("fct_contact_scores") }} as scores on offered.contact_id = scores.contact_id
inner join
    {{ ref("score_bands") }} as bands
    on scores.fit_band = bands.band
    and bands.entity = 'contact'
    and bands.dimension = 'fit'
where bands.lo is null
