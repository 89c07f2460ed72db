{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['core_satellite']}) }}
{% set p = signal_parameters('core_satellite', ['resamples', 'coverage']) -%}
-- The annual growth of each portfolio in excess of the static middle one, with its uncertainty: calendar years are resampled
-- whole, with replacement (a block bootstrap with percentile interval).
with daily as (
    select
        strategy,
        session,
        {{ days_between('lag(session) over (partition by strategy order by session)', 'session') }} as days,
        ln(value / lag(value) over (partition by strategy order by session)) as log_return
    from {{ ref('core_satellite_daily') }}
),

years as (
    select
        daily.strategy,
        extract(year from daily.session) as year,
        sum(daily.log_return - middle.log_return) as log_gap,
        sum(daily.days) / 365.25e0 as length
    from daily
    inner join daily as middle on daily.session = middle.session and middle.strategy = 'static_middle'
    where daily.log_return is not null
    group by daily.strategy, extract(year from daily.session)
),

-- The same years are drawn for every strategy.
intervals as (
    {{ bootstrap_of_mean('years', 'strategy', 'year', 'log_gap', 'length', p.resamples, p.coverage) }}
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
