{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['guide_claims']}) }}
{% set p = signal_parameters('guide_claims', ['liquidity_ratio']) -%}
-- Claims of the guide about funds, each against the mart that tests it.
with fees as (
    select
        case cheaper_fund when 'VTWO' then 'fee_gap_to_vtwo' else 'fee_gap_to_scha' end as claim,
        fee_gap,
        cost_subtracted,
        cost_compounded,
        as_of
    from {{ ref('fee_drag') }}
    where fund = 'IWM' and cheaper_fund in ('VTWO', 'SCHA') and fees_from = 'guide' and horizon_years = 30 and abs(growth - 8.0e-2) < 1e-9
),

shared_weights as (
    select
        funds.fund,
        funds.index_name = iwm.index_name as is_same_index,
        funds.index_name,
        shared.overlap,
        shared.as_of,
        row_number() over (partition by funds.fund order by shared.as_of desc) as recency
    from {{ ref('funds') }} as funds
    inner join {{ ref('funds') }} as iwm on iwm.fund = 'IWM'
    left join {{ ref('fund_overlap') }} as shared
        on (shared.fund_a = 'IWM' and funds.fund = shared.fund_b) or (shared.fund_b = 'IWM' and funds.fund = shared.fund_a)
    where funds.fund in ('VTWO', 'SCHA')
),

liquidity as (
    select
        max(case when fund = 'IWM' then dollar_volume_quarter end) as iwm_volume,
        max(case when fund <> 'IWM' then dollar_volume_quarter end) as next_volume,
        max(dollar_volume_quarter_as_of) as as_of
    from {{ ref('fund_comparison') }}
    where segment = 'small_cap'
),

qqq_top as (
    select
        top_10_weight,
        as_of,
        row_number() over (order by as_of desc) as recency
    from {{ ref('concentration') }}
    where fund = 'QQQ'
)

select
    claim,
    cost_subtracted as measured,
    'USD' as unit,
    'with the fee subtracted from the growth rate; ' || {{ text('cast(cost_compounded as decimal(12, 0))') }}
    || ' dollars with the fee compounded' as reason,
    case when cost_compounded < 40000 or cost_subtracted > 60000 then 'contradicted' else 'holds' end as verdict,
    as_of,
    'fee_drag' as read_from
from fees
union all
select lower(fund) || '_is_near_identical', overlap, 'fraction', 'overlap with IWM by weight; the index is ' || index_name,
    case when is_same_index then 'holds' else 'contradicted' end, as_of, 'fund_overlap'
from shared_weights
where recency = 1
union all
select 'nothing_as_liquid', iwm_volume / next_volume, 'ratio', 'average daily dollar volume of IWM over that of the next small-cap fund',
    case when iwm_volume >= {{ p.liquidity_ratio }} * next_volume then 'holds' else 'contradicted' end, as_of, 'fund_comparison'
from liquidity
where iwm_volume is not null and next_volume is not null
union all
select 'qqq_is_top_heavy', top_10_weight, 'fraction', 'weight of the ten largest holdings',
    case when top_10_weight > 0.5e0 then 'holds' else 'stale' end,
    as_of, 'concentration'
from qqq_top
where recency = 1
