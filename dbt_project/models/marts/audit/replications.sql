{{ config(meta={'signals': ['replications']}) }}
{% set p = signal_parameters('replications', ['tolerance']) -%}
with ours as (
    select
        study,
        figure,
        -- A mean over events counts only with all of them.
        case when count(total_return) = count(*) then avg(total_return) end as our_value,
        count(total_return) as observations
    from {{ ref('int_replicated_returns') }}
    group by study, figure
    union all
    select
        study,
        figure,
        our_value,
        observations
    from {{ ref('int_replicated_months') }}
)

select
    figures.study,
    figures.figure,
    figures.statement,
    figures.unit,
    figures.published_value,
    ours.our_value,
    ours.our_value - figures.published_value as difference,
    case
        when ours.our_value is null then null
        when figures.expected = 'same' then abs(ours.our_value - figures.published_value) <= {{ p.tolerance }}
        when figures.expected = 'same_sign' then ours.our_value * figures.published_value > 0
        when figures.expected = 'positive' then ours.our_value > 0
        when figures.expected = 'not_positive' then ours.our_value <= 0
        when figures.expected = 'significant' then abs(ours.our_value) >= 2
        when figures.expected = 'most_of_16' then ours.our_value > 8
    end as agrees,
    cast(coalesce(ours.observations, 0) as integer) as observations,
    figures.reason,
    figures.source,
    {{ params_id() }} as params_id
from {{ ref('published_figures') }} as figures
left join ours on figures.study = ours.study and figures.figure = ours.figure
