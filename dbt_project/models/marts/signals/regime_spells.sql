with spells as (
    {{ spells(ref('regime_daily'), 'regime', partition='pair') }}
)

select
    spells.pair,
    cast(spells.spell_no as integer) as spell_no,
    spells.regime,
    spells.first_session,
    spells.last_session,
    cast(spells.sessions as integer) as sessions,
    spells.is_open,
    last_ratio.ratio / first_ratio.ratio - 1 as ratio_change,
    {{ params_id() }} as params_id
from spells
inner join {{ ref('ratio_daily') }} as first_ratio
    on spells.pair = first_ratio.pair and spells.first_session = first_ratio.session
inner join {{ ref('ratio_daily') }} as last_ratio
    on spells.pair = last_ratio.pair and spells.last_session = last_ratio.session
