{{ config(meta={'dagster': {'ref': {'name': 'regime_spells'}}}) }}
select days.pair, days.session, count(spells.spell_no) as spells
from {{ ref('regime_daily') }} as days
left join {{ ref('regime_spells') }} as spells
    on days.pair = spells.pair
    and days.regime = spells.regime
    and days.session between spells.first_session and spells.last_session
where days.regime is not null
group by days.pair, days.session
having count(spells.spell_no) <> 1
