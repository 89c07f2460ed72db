{{ config(meta={'signals': ['guide_claims']}) }}
{% set p = signal_parameters('guide_claims', ['sector_tolerance']) -%}
with fund_figures as (
    select
        claim,
        'fund figures' as topic,
        statement,
        guide_says,
        coalesce(guide_low, guide_high) as guide_value,
        measured,
        unit,
        reason,
        verdict,
        as_of,
        'fund_comparison' as read_from
    from {{ ref('int_fund_claims') }}
),

sectors as (
    select sector, 'iwm' as fund, guide_iwm_weight as guide_weight, iwm_weight as weight, iwm_as_of as as_of
    from {{ ref('sector_comparison') }}
    union all
    select sector, 'spy', guide_spy_weight, spy_weight, spy_as_of
    from {{ ref('sector_comparison') }}
),

sector_figures as (
    select
        fund || '_' || lower(replace(sector, ' ', '_')) as claim,
        'sector weights' as topic,
        upper(fund) || ': weight of ' || sector as statement,
        {{ percent('guide_weight', 0) }} as guide_says,
        guide_weight as guide_value,
        weight as measured,
        'fraction' as unit,
        {{ text('null') }} as reason,
        case
            when weight is null then 'untestable'
            when abs(weight - guide_weight) <= {{ p.sector_tolerance }} then 'holds'
            else 'stale'
        end as verdict,
        as_of,
        'sector_comparison' as read_from
    from sectors
    where guide_weight is not null
),

-- A claim that no mart can measure keeps its row, as untestable.
beliefs as (
    select
        claims.claim,
        claims.topic,
        claims.statement,
        claims.guide_says,
        cast(null as double) as guide_value,
        measures.measured,
        measures.unit,
        coalesce(measures.reason, claims.known_reason, 'the available data do not cover this claim') as reason,
        coalesce(claims.known_verdict, measures.verdict, 'untestable') as verdict,
        measures.as_of,
        measures.read_from
    from {{ ref('guide_beliefs') }} as claims
    left join {{ ref('int_belief_claims') }} as measures on claims.claim = measures.claim
),

all_claims as (
    select * from fund_figures
    union all
    select * from sector_figures
    union all
    select * from beliefs
)

select
    claim,
    topic,
    statement,
    guide_says,
    guide_value,
    cast(measured as double) as measured_value,
    case when measured is not null then unit end as unit,
    verdict,
    case
        when reason is not null then reason
        when verdict = 'untestable' then 'no available document gives this figure'
        when verdict = 'holds' then 'within the tolerance of the guide''s figure'
        else 'outside the tolerance of the guide''s figure'
    end as reason,
    as_of,
    read_from,
    {{ params_id() }} as params_id
from all_claims
