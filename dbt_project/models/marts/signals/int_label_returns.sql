{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Forward returns after the sessions of each label, compared with those after all sessions of the signal's history.
with sessions as (
    {% for name, target in scorecard_targets().items() -%}
    select
        labels.signal,
        labels.subject,
        labels.label,
        labels.session,
        labels.session_no,
        labels.spell_no,
        forward.horizon,
        '{{ name }}' as target,
        forward.{{ target }} as forward_return
    from {{ ref('int_signal_labels') }} as labels
    inner join {{ ref('int_forward_returns') }} as forward on labels.session_no = forward.session_no
    where forward.{{ target }} is not null
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

base_rates as (
    select
        signal,
        subject,
        horizon,
        target,
        avg(forward_return) as base_return,
        avg(case when forward_return > 0 then 1.0e0 else 0.0e0 end) as base_hit_rate
    from sessions
    group by signal, subject, horizon, target
),

spell_starts as (
    select
        signal,
        subject,
        horizon,
        target,
        spell_no,
        min(session_no) as first_no
    from sessions
    group by signal, subject, horizon, target, spell_no
),

labels as (
    select
        sessions.signal,
        sessions.subject,
        sessions.label,
        sessions.horizon,
        sessions.target,
        min(sessions.session) as first_session,
        max(sessions.session) as last_session,
        count(*) as sessions,
        count(distinct sessions.spell_no) as spells,
        -- Spells that begin within the same stretch of one horizon share most of what follows them.
        count(distinct cast(floor(spell_starts.first_no / sessions.horizon) as bigint)) as independent_spells,
        avg(sessions.forward_return) as mean_return,
        median(sessions.forward_return) as median_return,
        avg(case when sessions.forward_return > 0 then 1.0e0 else 0.0e0 end) as hit_rate
    from sessions
    inner join spell_starts
        on sessions.signal = spell_starts.signal
        and sessions.subject = spell_starts.subject
        and sessions.horizon = spell_starts.horizon
        and sessions.target = spell_starts.target
        and sessions.spell_no = spell_starts.spell_no
    where sessions.label is not null
    group by sessions.signal, sessions.subject, sessions.label, sessions.horizon, sessions.target
)

select
    labels.*,
    base_rates.base_return,
    base_rates.base_hit_rate,
    labels.mean_return - base_rates.base_return as difference
from labels
inner join base_rates
    on labels.signal = base_rates.signal
    and labels.subject = base_rates.subject
    and labels.horizon = base_rates.horizon
    and labels.target = base_rates.target
