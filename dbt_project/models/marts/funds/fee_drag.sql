{{ config(meta={'signals': ['fee_drag']}) }}
{% set p = signal_parameters('fee_drag', ['amount']) -%}
-- Current fees: hand-kept, else Yahoo's; and the guide's fees, whether or not they are still correct.
with stated as (
    select
        fund,
        case when origin = 'guide' then 'guide' else 'today' end as fees_from,
        origin,
        value_number as fee,
        as_of,
        row_number() over (
            partition by fund, case when origin = 'guide' then 'guide' else 'today' end
            order by case origin when 'hand_kept' then 1 when 'yahoo' then 2 else 3 end
        ) as preference
    from {{ ref('fund_facts') }}
    where fact = 'expense_ratio' and valid_to is null and value_number is not null
),

fees as (
    select
        stated.fund,
        stated.fees_from,
        stated.origin,
        stated.fee,
        stated.as_of,
        funds.index_name,
        segments.segment
    from stated
    inner join {{ ref('funds') }} as funds on stated.fund = funds.fund
    inner join {{ ref('index_segments') }} as segments on funds.index_name = segments.index_name
    where stated.preference = 1
),

pairs as (
    select
        dear.fund,
        cheap.fund as cheaper_fund,
        dear.fees_from,
        scenarios.horizon_years,
        scenarios.growth,
        dear.segment,
        dear.index_name = cheap.index_name as is_same_index,
        dear.fee as expense_ratio,
        cheap.fee as cheaper_expense_ratio,
        dear.origin as fee_origin,
        cheap.origin as cheaper_fee_origin,
        least(dear.as_of, cheap.as_of) as as_of
    from fees as dear
    inner join fees as cheap
        on dear.segment = cheap.segment and dear.fees_from = cheap.fees_from and dear.fee > cheap.fee
    cross join {{ ref('fee_scenarios') }} as scenarios
),

costs as (
    select
        *,
        {{ p.amount }} * (
            power((1 + growth) * (1 - cheaper_expense_ratio), horizon_years)
            - power((1 + growth) * (1 - expense_ratio), horizon_years)
        ) as cost_compounded,
        {{ p.amount }} * (
            power(1 + growth - cheaper_expense_ratio, horizon_years) - power(1 + growth - expense_ratio, horizon_years)
        ) as cost_subtracted
    from pairs
)

select
    fund,
    cheaper_fund,
    fees_from,
    horizon_years,
    growth,
    segment,
    is_same_index,
    expense_ratio,
    cheaper_expense_ratio,
    expense_ratio - cheaper_expense_ratio as fee_gap,
    fee_origin,
    cheaper_fee_origin,
    as_of,
    {{ rounded('cost_compounded', 2) }} as cost_compounded,
    {{ rounded('cost_subtracted', 2) }} as cost_subtracted,
    {{ params_id() }} as params_id
from costs
