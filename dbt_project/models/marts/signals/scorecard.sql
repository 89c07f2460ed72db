{{ config(meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', [
    'significance', 'least_clusters', 'least_history', 'practical_a_year', 'sessions_a_year'
]) -%}
with recent_eras as (
    select count(*) as eras from {{ ref('evidence_eras') }} where history = 'recent'
),

signs as (
    select
        signal,
        subject,
        label,
        horizon,
        target,
        count(distinct sign(difference)) as signs,
        count(difference) as eras
    from {{ ref('scorecard_eras') }}
    group by signal, subject, label, horizon, target
),

judged as (
    select
        statistics.*,
        expectations.expected,
        coalesce(signs.signs = 1 and signs.eras = recent_eras.eras, false) as has_one_sign,
        case when statistics.difference > 0 then 'higher' else 'lower' end as found,
        cast(statistics.horizon as double) * {{ p.practical_a_year }} / {{ p.sessions_a_year }} as practical,
        -- Few clusters decide nothing, however small the p-value.
        statistics.clusters >= {{ p.least_clusters | int }} as has_clusters
    from {{ ref('int_scorecard_statistics') }} as statistics
    left join {{ ref('guide_expectations') }} as expectations using (signal, subject, label, target)
    left join signs using (signal, subject, label, horizon, target)
    cross join recent_eras
),

decided as (
    select
        *,
        {{ evidence_verdict(
            p.significance, "case when expected is null then 'significant' when expected = found then 'supported' else 'contradicted' end"
        ) }} as verdict
    from judged
)

select
    decided.signal,
    decided.subject,
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
    decided.expected,
    decided.verdict,
    case decided.verdict
        when 'supported' then 'supported: ' || decided.found || ' than after the rest, as the guide says'
        when 'contradicted' then 'contradicted: ' || decided.found || ' than after the rest; the guide says ' || decided.expected
        when 'significant' then 'significant: ' || decided.found || ' than after the rest; the guide makes no claim'
        when 'bounded' then 'bounded: no effect larger than ' || {{ percent('decided.practical') }}
        when 'suggestive' then 'suggestive: not significant once all tests of its family are counted'
        else case
            when decided.p_value is null
                then 'undecided: the signal has fewer than {{ p.least_history | int }} sessions of history'
            when not decided.has_clusters
                then 'undecided: fewer than {{ p.least_clusters | int }} independent clusters of spells'
            else 'undecided: only a difference above ' || {{ percent('decided.min_detectable') }} || ' could have been seen'
        end
    end as verdict_in_words,
    {{ params_id() }} as params_id
from decided
inner join {{ ref('stg_sessions') }} as first_day on decided.first_no = first_day.session_no
inner join {{ ref('stg_sessions') }} as last_day on decided.last_no = last_day.session_no
