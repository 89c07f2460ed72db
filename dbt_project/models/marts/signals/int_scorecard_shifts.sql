{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', ['shifts']) -%}
-- The placebo: all labels of a signal are shifted along its history by evenly spaced steps, the last ones wrapping around to the
-- start, so that they keep their lengths and their order (a circular shift).
with spells as (
    select
        signal,
        subject,
        label,
        min(session_no) as first_no,
        max(session_no) as last_no
    from {{ ref('int_signal_labels') }}
    group by signal, subject, label, spell_no
),

histories as (
    select
        signal,
        subject,
        min(first_no) as history_first,
        max(last_no) as history_last,
        max(last_no) - min(first_no) + 1 as history_sessions
    from spells
    group by signal, subject
),

shifts as (
    {{ whole_numbers(p.shifts) }}
),

steps as (
    select
        histories.*,
        shifts.number as shift_no,
        cast(floor(shifts.number * histories.history_sessions / {{ p.shifts | int + 1 }}) as bigint) as step
    from histories
    cross join shifts
),

turned as (
    select
        spells.signal,
        spells.subject,
        spells.label,
        steps.shift_no,
        steps.history_first,
        steps.history_last,
        steps.history_first + (spells.first_no - steps.history_first + steps.step) % steps.history_sessions as first_no,
        steps.history_first + (spells.last_no - steps.history_first + steps.step) % steps.history_sessions as last_no
    from spells
    inner join steps on spells.signal = steps.signal and spells.subject = steps.subject
    where spells.label is not null
),

stretches as (
    select signal, subject, label, shift_no, first_no, last_no from turned where first_no <= last_no
    union all
    select signal, subject, label, shift_no, first_no, history_last from turned where first_no > last_no
    union all
    select signal, subject, label, shift_no, history_first, last_no from turned where first_no > last_no
),

-- Running sums up to each session, starting before the first: a stretch of any length is the difference of two of them.
running as (
    select
        session_no,
        horizon
        {%- for target in scorecard_targets().values() %},
        coalesce(sum({{ target }}) over up_to, 0) as {{ target }}_sum,
        count({{ target }}) over up_to as {{ target }}_sessions
        {%- endfor %}
    from {{ ref('int_forward_returns') }}
    window up_to as (partition by horizon order by session_no rows between unbounded preceding and current row)
),

edges as (
    select signal, subject, label, shift_no, last_no as session_no, 1 as sign from stretches
    union all
    select signal, subject, label, shift_no, first_no - 1 as session_no, -1 as sign from stretches
)

select
    edges.signal,
    edges.subject,
    edges.label,
    edges.shift_no,
    running.horizon
    {%- for target in scorecard_targets().values() %},
    sum(edges.sign * running.{{ target }}_sum) / nullif(sum(edges.sign * running.{{ target }}_sessions), 0) as {{ target }}
    {%- endfor %}
from edges
-- Before the first session there is nothing to subtract.
inner join running on edges.session_no = running.session_no
group by edges.signal, edges.subject, edges.label, edges.shift_no, running.horizon
