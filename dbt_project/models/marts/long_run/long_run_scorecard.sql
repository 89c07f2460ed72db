{{ config(meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', [
    'significance', 'least_clusters', 'least_history', 'practical_a_year', 'sessions_a_year'
]) -%}
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
        statistics.clusters >= {{ p.least_clusters | int }} as has_clusters,
        case when statistics.difference > 0 then 'higher' else 'lower' end as found
    from {{ ref('int_long_run_statistics') }} as statistics
    left join signs using (signal, series, label, horizon, target)
    cross join eras_of_history
),

decided as (
    select
        *,
        {{ evidence_verdict(p.significance, "'significant'") }} as verdict
    from judged
),

in_words as (
    select
        *,
        {{ evidence_in_words(p, text('null')) }} as verdict_in_words
    from decided
)

select
    in_words.signal,
    in_words.series,
    in_words.label,
    cast(in_words.horizon as integer) as horizon,
    in_words.target,
    in_words.family,
    first_day.session as first_session,
    last_day.session as last_session,
    cast(in_words.sessions as integer) as sessions,
    cast(in_words.rest_sessions as integer) as rest_sessions,
    cast(in_words.spells as integer) as spells,
    cast(in_words.clusters as integer) as clusters,
    in_words.mean_return,
    in_words.median_return,
    in_words.hit_rate,
    in_words.rest_return,
    in_words.rest_hit_rate,
    in_words.difference,
    in_words.interval_low,
    in_words.interval_high,
    in_words.p_value,
    in_words.p_family,
    in_words.q_value,
    in_words.min_detectable,
    in_words.busiest_two_years_share,
    in_words.has_one_sign,
    in_words.verdict,
    in_words.verdict_in_words,
    {{ params_id() }} as params_id
from in_words
inner join {{ ref('int_long_run_sessions') }} as first_day on in_words.first_no = first_day.session_no
inner join {{ ref('int_long_run_sessions') }} as last_day on in_words.last_no = last_day.session_no
