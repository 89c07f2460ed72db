{#-
    Counts the members with a bar by what it says beside the security's own earlier bars. `half` 0: securities with an even number; 1:
    with an odd one. Both halves are computed at the same time: a model has one processor.

    Windows are counted in bars of the security. The bars go from the windows into the counts: writing what each of millions says costs
    more than computing it. Weights and returns are summed as exact numbers, so that a sum is the same to the last digit whatever the
    order of the rows.
-#}
{% macro counted_members(half) -%}
with windows as (
    select
        security_no,
        session,
        high,
        low,
        close,
        volume,
        row_number() over bars_so_far as bar_no,
        lag(close) over bars_so_far as previous_close,
        avg(close) over last_50 as mean_50,
        avg(close) over last_200 as mean_200,
        max(close) over year_before as highest_close,
        min(close) over year_before as lowest_close,
        max(high) over year_before as highest_high,
        min(low) over year_before as lowest_low
    from {{ ref('int_member_bars') }}
    where security_no % 2 = {{ half }}
    window
        bars_so_far as (partition by security_no order by session),
        last_50 as (partition by security_no order by session rows between 49 preceding and current row),
        last_200 as (partition by security_no order by session rows between 199 preceding and current row),
        year_before as (partition by security_no order by session rows between 251 preceding and 1 preceding)
),

measures as (
    select
        security_no,
        session,
        bar_no,
        volume,
        cast(close / nullif(previous_close, 0) - 1 as decimal(38, 14)) as price_return,
        case when close > previous_close then 1 when close < previous_close then -1 when close = previous_close then 0 end
            as direction,
        -- A difference in the twelfth digit is none: a mean of equal prices is not exactly that price.
        case when bar_no >= 50 then close > mean_50 * (1 + 1e-12) end as is_above_50,
        case when bar_no >= 200 then close > mean_200 * (1 + 1e-12) end as is_above_200,
        bar_no >= 252 and close > highest_close as is_high_close,
        bar_no >= 252 and close < lowest_close as is_low_close,
        bar_no >= 252 and high > highest_high as is_high_intraday,
        bar_no >= 252 and low < lowest_low as is_low_intraday
    from windows
)

select
    sessions.breadth_session_no,
    count(*) as priced,
    sum(members.whole_weight) as priced_weight,
    sum(case when measures.bar_no < 252 then members.whole_weight else 0 end) as short_weight,
    count(measures.is_above_50) as eligible_50,
    count(measures.is_above_200) as eligible_200,
    count(case when measures.bar_no >= 252 then 1 end) as eligible_252,
    count(case when measures.is_above_50 then 1 end) as members_above_50,
    count(case when measures.is_above_200 then 1 end) as members_above_200,
    count(case when measures.is_high_close then 1 end) as new_highs_close,
    count(case when measures.is_low_close then 1 end) as new_lows_close,
    count(case when measures.is_high_intraday then 1 end) as new_highs_intraday,
    count(case when measures.is_low_intraday then 1 end) as new_lows_intraday,
    count(case when measures.direction = 1 then 1 end) as advances,
    count(case when measures.direction = -1 then 1 end) as declines,
    count(case when measures.direction = 0 then 1 end) as unchanged,
    sum(case when measures.direction = 1 then measures.volume else 0 end) as up_volume,
    sum(case when measures.direction = -1 then measures.volume else 0 end) as down_volume,
    count(measures.price_return) as returns,
    sum(measures.price_return) as sum_of_returns
from measures
-- A left join, which engines do not reorder: joined to the members of every snapshot first, the bars would become many times as many.
left join {{ ref('int_breadth_sessions') }} as sessions on measures.session = sessions.session
inner join {{ ref('int_universe_members') }} as members
    on sessions.universe = members.universe
    and sessions.as_of = members.as_of
    and measures.security_no = members.security_no
group by sessions.breadth_session_no
{%- endmacro %}
