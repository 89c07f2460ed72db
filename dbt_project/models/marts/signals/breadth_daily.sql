{{ config(meta={'signals': ['breadth']}) }}
{% set p = signal_parameters('breadth', ['return_sessions', 'advance']) -%}
-- From close to close over a fixed number of sessions; a fund without a bar at either end has no return.
with returns as (
    select
        later.session,
        later.fund,
        -- A difference in the sixteenth digit is neither a gain nor a loss.
        {{ rounded('later.total_return_index / earlier.total_return_index - 1', 12) }} as total_return
    from {{ ref('int_daily_returns') }} as later
    inner join {{ ref('int_daily_returns') }} as earlier
        on later.fund = earlier.fund and later.session_no = earlier.session_no + {{ p.return_sessions | int }}
    where later.fund in ('IWM', 'SPY', 'QQQ')
),

side_by_side as (
    select
        session,
        max(case when fund = 'IWM' then total_return end) as iwm_return,
        max(case when fund = 'SPY' then total_return end) as spy_return,
        max(case when fund = 'QQQ' then total_return end) as qqq_return
    from returns
    group by session
)

select
    session,
    iwm_return,
    spy_return,
    qqq_return,
    case
        when iwm_return is null or spy_return is null or qqq_return is null then null
        when least(iwm_return, spy_return, qqq_return) > {{ p.advance }} then 'broad_advance'
        when least(spy_return, qqq_return) > {{ p.advance }} and iwm_return <= 0 then 'narrow_advance'
        when iwm_return > {{ p.advance }} and greatest(spy_return, qqq_return) <= {{ p.advance }} then 'small_cap_led'
        when greatest(iwm_return, spy_return, qqq_return) < -{{ p.advance }} then 'broad_decline'
        else 'mixed'
    end as breadth,
    {{ params_id() }} as params_id
from side_by_side
