with spells as (
    {{ spells(ref('rate_regime_daily'), 'rate_regime') }}
)

select
    cast(spells.spell_no as integer) as spell_no,
    spells.rate_regime,
    spells.first_session,
    spells.last_session,
    cast(spells.sessions as integer) as sessions,
    spells.is_open,
    first_day.policy_rate as first_policy_rate,
    last_day.policy_rate as last_policy_rate,
    {{ params_id() }} as params_id
from spells
inner join {{ ref('rate_regime_daily') }} as first_day on spells.first_session = first_day.session
inner join {{ ref('rate_regime_daily') }} as last_day on spells.last_session = last_day.session
