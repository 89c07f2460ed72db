{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The members whose bar is beyond the extremes of their 251 bars before it. Beside int_counted_changes, so that both are computed at
-- the same time.
with windows as (
    select
        security_id,
        session,
        high,
        low,
        close,
        row_number() over bars_so_far as bar_no,
        max(close) over year_before as highest_close,
        min(close) over year_before as lowest_close,
        max(high) over year_before as highest_high,
        min(low) over year_before as lowest_low
    from {{ ref('int_member_bars') }}
    window
        bars_so_far as (partition by security_id order by session),
        year_before as (partition by security_id order by session rows between 251 preceding and 1 preceding)
),

measures as (
    select
        security_id,
        session,
        close > highest_close as is_high_close,
        close < lowest_close as is_low_close,
        high > highest_high as is_high_intraday,
        low < lowest_low as is_low_intraday
    from windows
    where bar_no >= 252
)

select
    sessions.universe,
    sessions.basis,
    sessions.session,
    count(case when measures.is_high_close then 1 end) as new_highs_close,
    count(case when measures.is_low_close then 1 end) as new_lows_close,
    count(case when measures.is_high_intraday then 1 end) as new_highs_intraday,
    count(case when measures.is_low_intraday then 1 end) as new_lows_intraday
from measures
inner join {{ ref('int_breadth_sessions') }} as sessions on measures.session = sessions.session
inner join {{ ref('int_universe_members') }} as members
    on sessions.universe = members.universe
    and sessions.as_of = members.as_of
    and measures.security_id = members.security_id
where measures.is_high_close or measures.is_low_close or measures.is_high_intraday or measures.is_low_intraday
group by sessions.universe, sessions.basis, sessions.session
