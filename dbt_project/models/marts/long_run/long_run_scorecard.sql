{{ config(meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', ['significance', 'least_clusters', 'practical_a_year', 'sessions_a_year']) -%}
with eras_of_history as (
    select count(*) as eras from {{ ref('evidence_eras') }} where history = 'long_run'
),

signs as (
    select
        signal,
        series,
        label,
        horizon,
        target,
        count(distinct sign(difference)) as signs,
        count(difference) as eras
    from {{ ref('int_long_run_eras') }}
    group by signal, series, label, horizon, target
),

judged as (
    select
        statistics.*,
        -- A signal that begins late has fewer eras; it needs the same sign in two of them at least.
        coalesce(signs.signs = 1 and signs.eras >= 2 and signs.eras <= eras_of_history.eras, false) as has_one_sign,
        cast(statistics.horizon as double) * {{ p.practical_a_year }} / {{ p.sessions_a_year }} as practical,
        statistics.clusters >= {{ p.least_clusters | int }} as has_clusters
    from {{ ref('int_long_run_statistics') }} as statistics
    left join signs using (signal, series, label, horizon, target)
    cross join eras_of_history
),

decided as (
    select
        *,
        {{ evidence_verdict(p.significance, "'significant'") }} as verdict
    from judged
)

select
    decided.signal,
    decided.series,
    decided.label,
    cast(decided.horizon as integer) as horizon,
    decided.target,
    decided.family,
    first_day.session as first_session,
    last_day.session as last_session,
    cast(decided.sessions as integer) as sessions,
    cast(decided.rest_sessions as integer) as rest_sessions,
    cast(decided.spells as integer) as spells,
    cast(decided.clusters as integer) as clusters,
    decided.mean_return,
    decided.median_return,
    decided.hit_rate,
    decided.rest_return,
    decided.rest_hit_rate,
    decided.difference,
    decided.interval_low,
    decided.interval_high,
    decided.p_value,
    decided.p_family,
    decided.q_value,
    decided.min_detectable,
    decided.busiest_two_years_share,
    decided.has_one_sign,
    decided.verdict,
    {{ params_id() }} as params_id
from decided
inner join {{ ref('int_long_run_sessions') }} as first_day on decided.first_no = first_day.session_no
inner join {{ ref('int_long_run_sessions') }} as last_day on decided.last_no = last_day.session_no
