{{ config(meta={'signals': ['reconstitution']}) }}
{% set p = signal_parameters('reconstitution', ['resamples', 'coverage']) -%}
{% set low, high = double_literal((1 - p.coverage | float) / 2), double_literal((1 + p.coverage | float) / 2) -%}
with events as (
    select
        window_name,
        event,
        iwm_minus_spy,
        volume_ratio
    from {{ ref('reconstitution_study') }}
),

figures as (
    select
        window_name,
        min(event) as first_event,
        max(event) as last_event,
        count(*) as events,
        avg(iwm_minus_spy) as mean_gap,
        median(iwm_minus_spy) as median_gap,
        avg(case when iwm_minus_spy > 0 then 1.0e0 else 0.0e0 end) as hit_rate,
        median(volume_ratio) as median_volume_ratio
    from events
    group by window_name
),

intervals as (
    {{ bootstrap_of_mean('events', 'window_name', 'event', 'iwm_minus_spy', '1', p.resamples, p.coverage) }}
),

placebo_means as (
    select
        window_name,
        avg(mean_iwm_minus_spy) as placebo_mean
    from {{ ref('int_reconstitution_placebos') }}
    group by window_name
),

placebos as (
    select
        moved.window_name,
        placebo_means.placebo_mean,
        percentile_cont({{ low }}) within group (order by moved.mean_iwm_minus_spy) as placebo_low,
        percentile_cont({{ high }}) within group (order by moved.mean_iwm_minus_spy) as placebo_high,
        count(*) as shifts,
        count(case
            when abs(moved.mean_iwm_minus_spy - placebo_means.placebo_mean)
                >= abs(figures.mean_gap - placebo_means.placebo_mean) - 1e-12 then 1
        end) as as_far
    from {{ ref('int_reconstitution_placebos') }} as moved
    inner join placebo_means on moved.window_name = placebo_means.window_name
    inner join figures on moved.window_name = figures.window_name
    group by moved.window_name, placebo_means.placebo_mean
)

select
    figures.window_name,
    figures.first_event,
    figures.last_event,
    cast(figures.events as integer) as events,
    figures.mean_gap,
    figures.median_gap,
    figures.hit_rate,
    intervals.interval_low,
    intervals.interval_high,
    placebos.placebo_mean,
    placebos.placebo_low,
    placebos.placebo_high,
    (1.0e0 + placebos.as_far) / (1 + placebos.shifts) as p_value,
    figures.median_volume_ratio,
    {{ params_id() }} as params_id
from figures
inner join intervals on figures.window_name = intervals.window_name
left join placebos on figures.window_name = placebos.window_name
