-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters('scorecard', ['resamples', 'coverage']) -%}
-- How far the difference from the base rate would move with other spells: each label's spells are drawn anew, whole and with
-- replacement (a stratified block bootstrap, the percentile interval of Efron 1979), and so are those of the sessions without label.
with spells as (
    select
        *,
        row_number() over (partition by signal, subject, horizon order by spell_no) as slot_no,
        row_number() over (partition by signal, subject, label, horizon order by spell_no) as spell_in_label,
        count(*) over (partition by signal, subject, label, horizon) as spells_of_label
    from {{ ref('int_spell_returns') }}
    -- A spell of which nothing is known yet at a horizon is no evidence to draw.
    where {{ scorecard_targets().values() | join('_sessions + ') }}_sessions > 0
),

draw_numbers as (
    select distinct session_no as draw_no
    from {{ ref('stg_sessions') }}
    where session_no <= {{ p.resamples | int }}
),

-- One row a slot and draw.
drawn as (
    select
        spells.signal,
        spells.subject,
        spells.label,
        spells.horizon,
        draw_numbers.draw_no,
        1 + cast(floor({{ pseudo_random('draw_numbers.draw_no', 'spells.slot_no') }} * spells.spells_of_label) as bigint) as spell_in_label
    from spells
    cross join draw_numbers
),

resampled as (
    select
        drawn.signal,
        drawn.subject,
        drawn.label,
        drawn.horizon,
        drawn.draw_no
        {%- for target in scorecard_targets().values() %},
        sum(spells.{{ target }}_sum) as {{ target }}_sum,
        sum(spells.{{ target }}_sessions) as {{ target }}_sessions
        {%- endfor %}
    from drawn
    inner join spells
        on drawn.signal = spells.signal
        and drawn.subject = spells.subject
        and drawn.label is not distinct from spells.label
        and drawn.horizon = spells.horizon
        and drawn.spell_in_label = spells.spell_in_label
    group by drawn.signal, drawn.subject, drawn.label, drawn.horizon, drawn.draw_no
),

differences as (
    select
        signal,
        subject,
        label,
        horizon
        {%- for target in scorecard_targets().values() %},
        {{ target }}_sum / nullif({{ target }}_sessions, 0)
        - sum({{ target }}_sum) over all_labels / nullif(sum({{ target }}_sessions) over all_labels, 0) as {{ target }}
        {%- endfor %}
    from resampled
    window all_labels as (partition by signal, subject, horizon, draw_no)
)

{% for name, target in scorecard_targets().items() -%}
select
    signal,
    subject,
    label,
    horizon,
    '{{ name }}' as target,
    quantile_cont({{ target }}, {{ (1 - p.coverage) / 2 }}) as interval_low,
    quantile_cont({{ target }}, {{ (1 + p.coverage) / 2 }}) as interval_high
from differences
where label is not null
group by signal, subject, label, horizon
{% if not loop.last %}union all
{% endif -%}
{% endfor %}
