{{ config(meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', ['significance', 'least_spells']) -%}
with shifted as (
    {% for name, target in scorecard_targets().items() -%}
    select signal, subject, label, horizon, '{{ name }}' as target, shift_no, {{ target }} as mean_return
    from {{ ref('int_scorecard_shifts') }}
    where {{ target }} is not null
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

-- The share of shifts at least as far from the base rate as the actual labels, which are included; a difference within rounding
-- is a tie.
chances as (
    select
        returns.signal,
        returns.subject,
        returns.label,
        returns.horizon,
        returns.target,
        (1.0e0 + count(case when abs(shifted.mean_return - returns.base_return) >= abs(returns.difference) - 1e-12 then 1 end))
        / (1 + count(*)) as p_value
    from {{ ref('int_label_returns') }} as returns
    inner join shifted
        on returns.signal = shifted.signal
        and returns.subject = shifted.subject
        and returns.label = shifted.label
        and returns.horizon = shifted.horizon
        and returns.target = shifted.target
    group by returns.signal, returns.subject, returns.label, returns.horizon, returns.target
),

judged as (
    select
        returns.*,
        intervals.interval_low,
        intervals.interval_high,
        chances.p_value,
        expectations.expected,
        case when returns.difference > 0 then 'higher' else 'lower' end as found,
        coalesce(
            chances.p_value <= {{ p.significance }}
            and returns.independent_spells >= {{ p.least_spells | int }}
            and (intervals.interval_low > 0 or intervals.interval_high < 0),
            false
        ) as is_told_from_noise
    from {{ ref('int_label_returns') }} as returns
    left join chances using (signal, subject, label, horizon, target)
    left join {{ ref('int_scorecard_intervals') }} as intervals using (signal, subject, label, horizon, target)
    left join {{ ref('guide_expectations') }} as expectations using (signal, subject, label, target)
)

select
    signal,
    subject,
    label,
    cast(horizon as integer) as horizon,
    target,
    first_session,
    last_session,
    cast(sessions as integer) as sessions,
    cast(spells as integer) as spells,
    cast(independent_spells as integer) as independent_spells,
    mean_return,
    median_return,
    hit_rate,
    base_return,
    base_hit_rate,
    difference,
    interval_low,
    interval_high,
    p_value,
    expected,
    case
        when not is_told_from_noise then 'noise'
        when expected is null then 'unclaimed'
        when expected = found then 'supports'
        else 'contradicts'
    end as verdict,
    case
        when independent_spells < {{ p.least_spells | int }}
            then 'not statistically significant: fewer than {{ p.least_spells | int }} independent spells'
        when not is_told_from_noise then 'not statistically significant'
        when expected is null then 'statistically significant: ' || found || ' than the base rate; the guide makes no claim'
        when expected = found then 'supports the guide: ' || found || ' than the base rate, as the guide expects'
        else 'contradicts the guide: ' || found || ' than the base rate, where the guide expects ' || expected
    end as verdict_in_words,
    {{ params_id() }} as params_id
from judged
