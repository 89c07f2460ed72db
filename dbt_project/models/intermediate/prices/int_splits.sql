-- A split takes effect at the open of its ex-date: what was observed before is on the old basis.
select
    actions.symbol,
    actions.ex_date,
    actions.value as ratio,
    sessions.opens_at as effective_at
from {{ ref('stg_corporate_actions') }} as actions
inner join {{ ref('stg_sessions') }} as sessions on actions.ex_date = sessions.session
where actions.kind = 'split'
