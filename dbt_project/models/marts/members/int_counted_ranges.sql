{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The members whose high or low is beyond those of their own 251 bars before. Apart from int_counted_closes, so that both are computed
-- at the same time: a model has one processor.
with windows as (
    select
        security_no,
        session,
        high,
        low,
        row_number() over bars_so_far as bar_no,
        max(high) over year_before as highest_high,
        min(low) over year_before as lowest_low
    from {{ ref('int_member_bars') }}
    window
        bars_so_far as (partition by security_no order by session),
        year_before as (partition by security_no order by session rows between 251 preceding and 1 preceding)
),

measures as (
    select
        security_no,
        session,
        high > highest_high as is_high,
        low < lowest_low as is_low
    from windows
    where bar_no >= 252
)

select
    sessions.universe,
    sessions.basis,
    sessions.session,
    count(case when measures.is_high then 1 end) as new_highs_intraday,
    count(case when measures.is_low then 1 end) as new_lows_intraday
from measures
-- A left join, which engines do not reorder: joined to the members of every snapshot first, the bars would become many times as many.
left join {{ ref('int_breadth_sessions') }} as sessions on measures.session = sessions.session
inner join {{ ref('int_universe_members') }} as members
    on sessions.universe = members.universe
    and sessions.as_of = members.as_of
    and measures.security_no = members.security_no
where measures.is_high or measures.is_low
group by sessions.universe, sessions.basis, sessions.session
