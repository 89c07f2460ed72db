{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Forward returns of each spell's sessions: sum, count and number of gains, so that whole spells can be resampled and added up.
with spell_sessions as (
    select
        labels.signal,
        labels.subject,
        labels.label,
        labels.spell_no,
        forward.horizon,
        forward.session_no,
        forward.spy,
        forward.iwm,
        forward.qqq,
        forward.iwm_minus_spy
    from {{ ref('int_signal_labels') }} as labels
    inner join {{ ref('int_forward_returns') }} as forward on labels.session_no = forward.session_no
)

select
    signal,
    subject,
    label,
    spell_no,
    horizon,
    min(session_no) as first_no,
    max(session_no) as last_no
    {%- for target in scorecard_targets().values() %},
    coalesce(sum({{ target }}), 0) as {{ target }}_sum,
    count({{ target }}) as {{ target }}_sessions,
    count(case when {{ target }} > 0 then 1 end) as {{ target }}_gains
    {%- endfor %}
from spell_sessions
group by signal, subject, label, spell_no, horizon
