-- Total return as CRSP defines it: (close + distributions since the last known close) / last known close. Over a missing session
-- the return spans more than one session and sessions_spanned says so; nothing is filled.
with bars as (
    select
        prices.fund,
        prices.session,
        sessions.session_no,
        prices.close,
        lag(prices.close) over fund_sessions as previous_close,
        lag(prices.session) over fund_sessions as previous_session,
        lag(sessions.session_no) over fund_sessions as previous_session_no
    from {{ ref('int_bars_on_current_basis') }} as prices
    inner join {{ ref('stg_sessions') }} as sessions on prices.session = sessions.session
    window fund_sessions as (partition by prices.fund order by prices.session)
),

distributed as (
    select
        bars.fund,
        bars.session,
        sum(distributions.amount) as amount
    from bars
    inner join {{ ref('int_distributions') }} as distributions
        on bars.fund = distributions.fund
        and distributions.ex_date > bars.previous_session
        and distributions.ex_date <= bars.session
    group by bars.fund, bars.session
),

returns as (
    select
        bars.fund,
        bars.session,
        bars.session_no,
        bars.close,
        coalesce(distributed.amount, 0) as distribution,
        bars.session_no - bars.previous_session_no as sessions_spanned,
        (bars.close + coalesce(distributed.amount, 0)) / bars.previous_close - 1 as total_return
    from bars
    left join distributed on bars.fund = distributed.fund and bars.session = distributed.session
)

select
    fund,
    session,
    session_no,
    close,
    distribution,
    sessions_spanned,
    total_return,
    exp(sum(ln(1 + coalesce(total_return, 0))) over (
        partition by fund order by session rows between unbounded preceding and current row
    )) as total_return_index
from returns
