-- A split takes effect when its ex-date's session opens: what was observed before lies on the old basis.
select
    actions.symbol,
    actions.ex_date,
    actions.value as ratio,
    sessions.opens_at as effective_at
from {{ ref('stg_corporate_actions') }} as actions
inner join {{ ref('stg_sessions') }} as sessions on actions.ex_date = sessions.session
where actions.kind = 'split'
