-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters('core_satellite', ['resamples', 'coverage']) -%}
-- The annual growth of each portfolio in excess of the static middle one, with its uncertainty: calendar years are resampled
-- whole, with replacement (a block bootstrap with percentile interval).
with daily as (
    select
        strategy,
        session,
        {{ dbt.datediff('lag(session) over (partition by strategy order by session)', 'session', 'day') }} as days,
        ln(value / lag(value) over (partition by strategy order by session)) as log_return
    from {{ ref('core_satellite_daily') }}
),

years as (
    select
        daily.strategy,
        extract(year from daily.session) as year,
        sum(daily.log_return - middle.log_return) as log_gap,
        sum(daily.days) / cast(365.25 as double) as length
    from daily
    inner join daily as middle on daily.session = middle.session and middle.strategy = 'static_middle'
    where daily.log_return is not null
    group by daily.strategy, extract(year from daily.session)
),

numbered as (
    select
        strategy,
        log_gap,
        length,
        row_number() over (partition by strategy order by year) as year_no,
        count(*) over (partition by strategy) as years
    from years
),

draw_numbers as (
    {{ whole_numbers(p.resamples) }}
),

-- The same years are drawn for every strategy.
drawn as (
    select
        numbered.strategy,
        draw_numbers.number as draw_no,
        1 + cast(floor({{ pseudo_random('draw_numbers.number', 'numbered.year_no') }} * numbered.years) as bigint) as year_no
    from numbered
    cross join draw_numbers
),

resampled as (
    select
        drawn.strategy,
        drawn.draw_no,
        sum(numbered.log_gap) / sum(numbered.length) as gap_a_year
    from drawn
    inner join numbered on drawn.strategy = numbered.strategy and drawn.year_no = numbered.year_no
    group by drawn.strategy, drawn.draw_no
),

intervals as (
    select
        strategy,
        quantile_cont(gap_a_year, {{ (1 - p.coverage) / 2 }}) as interval_low,
        quantile_cont(gap_a_year, {{ (1 + p.coverage) / 2 }}) as interval_high
    from resampled
    group by strategy
),

gaps as (
    select
        strategy,
        sum(log_gap) / sum(length) as gap_a_year,
        count(*) as years
    from years
    group by strategy
)

select
    gaps.strategy,
    gaps.years,
    gaps.gap_a_year,
    intervals.interval_low,
    intervals.interval_high
from gaps
inner join intervals on gaps.strategy = intervals.strategy
