-- What each fund did in dated stress windows: from the last close on or before the first day to the last close on or before the
-- last day.
with bounds as (
    select
        events.event,
        events.description,
        returns.fund,
        events.first_day,
        events.last_day,
        max(case when returns.session <= events.first_day then returns.session end) as start_session,
        max(returns.session) as end_session
    from {{ ref('market_stress') }} as events
    inner join {{ ref('int_daily_returns') }} as returns on returns.session <= events.last_day
    group by events.event, events.description, returns.fund, events.first_day, events.last_day
),

-- A fund has a row if its history covers the whole window.
covered as (
    select bounds.*
    from bounds
    inner join (
        select
            fund,
            max(session) as last_session
        from {{ ref('int_daily_returns') }}
        group by fund
    ) as history on bounds.fund = history.fund
    where bounds.start_session is not null and history.last_session >= bounds.last_day
),

paths as (
    select
        covered.event,
        covered.fund,
        returns.total_return_index / max(returns.total_return_index) over (
            partition by covered.event, covered.fund
            order by returns.session rows between unbounded preceding and current row
        ) - 1 as drawdown
    from covered
    inner join {{ ref('int_daily_returns') }} as returns
        on covered.fund = returns.fund and returns.session between covered.start_session and covered.end_session
),

depths as (
    select
        event,
        fund,
        min(drawdown) as max_drawdown
    from paths
    group by event, fund
),

changes as (
    select
        covered.event,
        covered.description,
        covered.fund,
        covered.start_session,
        covered.end_session,
        first_day.total_return_index as start_index,
        last_day.total_return_index / first_day.total_return_index - 1 as total_return
    from covered
    inner join {{ ref('int_daily_returns') }} as first_day
        on covered.fund = first_day.fund and covered.start_session = first_day.session
    inner join {{ ref('int_daily_returns') }} as last_day
        on covered.fund = last_day.fund and covered.end_session = last_day.session
),

recoveries as (
    select
        changes.event,
        changes.fund,
        min(returns.session) as recovery
    from changes
    inner join {{ ref('int_daily_returns') }} as returns
        on changes.fund = returns.fund
        and returns.session > changes.end_session
        -- Rounded as in int_drawdowns: floating-point noise must not decide a date.
        and {{ rounded('returns.total_return_index', 10) }} >= {{ rounded('changes.start_index', 10) }}
    where changes.total_return < 0
    group by changes.event, changes.fund
)

select
    changes.event,
    changes.fund,
    changes.description,
    changes.start_session,
    changes.end_session,
    changes.total_return,
    depths.max_drawdown,
    recoveries.recovery
from changes
inner join depths on changes.event = depths.event and changes.fund = depths.fund
left join recoveries on changes.event = recoveries.event and changes.fund = recoveries.fund
