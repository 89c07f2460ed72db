{{ config(meta={'signals': ['ratio']}) }}
{% set p = signal_parameters('ratio', ['trend_sessions', 'slope_sessions', 'score_sessions', 'channel_sessions', 'sessions_a_year']) -%}
{% set trend, slope, score, channel = p.trend_sessions | int, p.slope_sessions | int, p.score_sessions | int, p.channel_sessions | int -%}
with ratios as (
    select * from {{ ref('int_pair_ratios') }}
),

windows as (
    select
        pair,
        session,
        ratio,
        ratio_total_return,
        ratio_no,
        case when ratio_no >= {{ trend }} then log_ratio - avg(log_ratio) over last_trend end as trend_gap,
        case when ratio_no >= {{ slope }} then regr_slope(log_ratio, ratio_no) over last_slope * {{ p.sessions_a_year }} end as slope,
        case
            when ratio_no >= {{ score }}
                then (log_ratio - avg(log_ratio) over last_score) / nullif(stddev_samp(log_ratio) over last_score, 0)
        end as zscore,
        case when ratio_no > {{ channel }} then max(ratio) over last_channel end as channel_high,
        case when ratio_no > {{ channel }} then min(ratio) over last_channel end as channel_low
    from ratios
    where ratio is not null
    window
        last_trend as (partition by pair order by ratio_no rows between {{ trend - 1 }} preceding and current row),
        last_slope as (partition by pair order by ratio_no rows between {{ slope - 1 }} preceding and current row),
        last_score as (partition by pair order by ratio_no rows between {{ score - 1 }} preceding and current row),
        last_channel as (partition by pair order by ratio_no rows between {{ channel }} preceding and 1 preceding)
),

-- Each ratio is compared with those of its own stretch of sessions and of the previous one: these include its whole window, and
-- the cost grows with the number of sessions, not with its square.
stretches as (
    select pair, ratio_no, ratio, cast(floor(ratio_no / {{ score }}) as integer) as stretch from windows
),

comparable as (
    select pair, ratio_no, ratio, stretch from stretches
    union all
    select pair, ratio_no, ratio, stretch + 1 as stretch from stretches
),

percentiles as (
    select
        this.pair,
        this.ratio_no,
        avg(case when earlier.ratio <= this.ratio then 1.0e0 else 0.0e0 end) as percentile
    from stretches as this
    inner join comparable as earlier
        on this.pair = earlier.pair
        and this.stretch = earlier.stretch
        and earlier.ratio_no between this.ratio_no - {{ score - 1 }} and this.ratio_no
    where this.ratio_no >= {{ score }}
    group by this.pair, this.ratio_no
),

beyond_channel as (
    select
        pair,
        session,
        case when ratio > channel_high then 'break_up' else 'break_down' end as side
    from windows
    where ratio > channel_high or ratio < channel_low
),

sides as (
    select
        pair,
        session,
        side,
        lag(side) over (partition by pair order by session) as side_before
    from beyond_channel
),

-- Only the first close on the other side is a break; later closes confirm it.
breaks as (
    select
        pair,
        session,
        side as trend_break
    from sides
    where side_before is null or side <> side_before
)

select
    ratios.pair,
    ratios.session,
    ratios.ratio,
    ratios.ratio_total_return,
    windows.trend_gap,
    windows.slope,
    windows.zscore,
    percentiles.percentile,
    windows.channel_high,
    windows.channel_low,
    breaks.trend_break,
    {{ params_id() }} as params_id
from ratios
left join windows on ratios.pair = windows.pair and ratios.session = windows.session
left join percentiles on ratios.pair = percentiles.pair and ratios.ratio_no = percentiles.ratio_no
left join breaks on ratios.pair = breaks.pair and ratios.session = breaks.session
