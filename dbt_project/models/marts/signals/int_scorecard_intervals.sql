{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', ['resamples', 'coverage']) -%}
-- Uncertainty of the difference from the base rate: each label's spells are resampled whole, with replacement (a stratified block
-- bootstrap with the percentile interval of Efron 1979), and so are those of the sessions without a label.
with numbered as (
    select
        *,
        row_number() over (partition by signal, subject, horizon order by spell_no) as slot_no,
        -- Numbers instead of names: millions of draws are joined and grouped by them.
        row_number() over (order by signal, subject, horizon, label, spell_no) as spell_id,
        dense_rank() over (order by signal, subject, horizon) as history_no,
        dense_rank() over (order by signal, subject, horizon, label) as label_no
    from {{ ref('int_spell_returns') }}
    -- A spell without a known return at a horizon is not resampled.
    where {{ scorecard_targets().values() | join('_sessions + ') }}_sessions > 0
),

labels as (
    select
        label_no,
        signal,
        subject,
        label,
        horizon,
        min(spell_id) as first_spell_id,
        count(*) as spells
    from numbered
    group by label_no, signal, subject, label, horizon
),

draw_numbers as (
    {{ whole_numbers(p.resamples) }}
),

-- One row per slot and draw.
drawn as (
    select
        numbered.history_no,
        numbered.label_no,
        draw_numbers.number as draw_no,
        labels.first_spell_id
        + cast(floor({{ pseudo_random('draw_numbers.number', 'numbered.slot_no') }} * labels.spells) as bigint) as spell_id
    from numbered
    inner join labels on numbered.label_no = labels.label_no
    cross join draw_numbers
),

resampled as (
    select
        drawn.history_no,
        drawn.label_no,
        drawn.draw_no
        {%- for target in scorecard_targets().values() %},
        sum(numbered.{{ target }}_sum) as {{ target }}_sum,
        sum(numbered.{{ target }}_sessions) as {{ target }}_sessions
        {%- endfor %}
    from drawn
    inner join numbered on drawn.spell_id = numbered.spell_id
    group by drawn.history_no, drawn.label_no, drawn.draw_no
),

differences as (
    select
        label_no
        {%- for target in scorecard_targets().values() %},
        {{ target }}_sum / nullif({{ target }}_sessions, 0)
        - sum({{ target }}_sum) over all_labels / nullif(sum({{ target }}_sessions) over all_labels, 0) as {{ target }}
        {%- endfor %}
    from resampled
    window all_labels as (partition by history_no, draw_no)
)

{% for name, target in scorecard_targets().items() -%}
select
    labels.signal,
    labels.subject,
    labels.label,
    labels.horizon,
    '{{ name }}' as target,
    percentile_cont({{ (1 - p.coverage) / 2 }}) within group (order by differences.{{ target }}) as interval_low,
    percentile_cont({{ (1 + p.coverage) / 2 }}) within group (order by differences.{{ target }}) as interval_high
from differences
inner join labels on differences.label_no = labels.label_no
where labels.label is not null
group by labels.signal, labels.subject, labels.label, labels.horizon
{% if not loop.last %}union all
{% endif -%}
{% endfor %}
