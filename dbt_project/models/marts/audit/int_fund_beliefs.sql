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
        -- Weights move by more in a month than funds differ: snapshots of one date if there are any, the newest of them.
        row_number() over (
            partition by funds.fund
            order by abs({{ days_between('shared.as_of_a', 'shared.as_of_b') }}), shared.as_of desc
        ) as preference
    from {{ ref('funds') }} as funds
    inner join {{ ref('funds') }} as iwm on iwm.fund = 'IWM'
    left join {{ ref('fund_overlap') }} as shared
        on (shared.fund_a = 'IWM' and funds.fund = shared.fund_b) or (shared.fund_b = 'IWM' and funds.fund = shared.fund_a)
    where funds.fund in ('VTWO', 'SCHA')
),

-- The other small-cap funds beside IWM, each figure as old as the oldest of them. One that is unknown could be the largest.
trading as (
    select
        max(case when comparison.fund = 'IWM' then comparison.dollar_volume_quarter end) as iwm_volume,
        max(case when comparison.fund <> 'IWM' then comparison.dollar_volume_quarter end) as next_volume,
        min(case when comparison.dollar_volume_quarter is null then comparison.fund end) as unknown_volume,
        min(comparison.dollar_volume_quarter_as_of) as volume_as_of,
        max(case when comparison.fund = 'IWM' then comparison.option_open_interest end) as iwm_interest,
        max(case when comparison.fund <> 'IWM' then comparison.option_open_interest end) as next_interest,
        min(case when comparison.option_open_interest is null then comparison.fund end) as unknown_interest,
        min(comparison.option_open_interest_as_of) as interest_as_of,
        max(case when comparison.fund = 'IWM' then comparison.quoted_spread end) as iwm_spread,
        max(case when comparison.fund = 'IWM' then comparison.tick_spread end) as iwm_tick,
        min(case when comparison.fund <> 'IWM' then comparison.quoted_spread end) as next_spread,
        min(case when comparison.quoted_spread is null then comparison.fund end) as unknown_spread,
        min(comparison.quoted_spread_as_of) as spread_as_of
    from {{ ref('fund_comparison') }} as comparison
    inner join {{ ref('funds') }} as funds on comparison.fund = funds.fund
    where comparison.segment = 'small_cap' and funds.price_symbol is not null
),

iwm_quotes as (
    select count(*) as sessions
    from {{ ref('quoted_spreads') }}
    where fund = 'IWM' and spread_bp is not null
),

iwm_expirations as (
    select
        session,
        weekly_expirations,
        daily_expirations,
        row_number() over (order by session desc) as recency
    from {{ ref('option_depth') }}
    where fund = 'IWM' and horizon = 'quarter' and expirations > 0
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
where preference = 1
union all
select 'nothing_as_liquid', iwm_volume / nullif(next_volume, 0), 'ratio',
    'average daily dollar volume of IWM over that of the next small-cap fund'
    || coalesce('; that of ' || unknown_volume || ' is not known', ''),
    case
        when iwm_volume < {{ p.liquidity_ratio }} * next_volume then 'contradicted'
        when unknown_volume is not null then 'undecided'
        else 'holds'
    end,
    volume_as_of, 'fund_comparison'
from trading
where iwm_volume is not null and next_volume is not null
union all
select 'options_are_deep', iwm_interest, 'contracts',
    'open interest up to a quarter ahead: IWM ' || {{ text('cast(iwm_interest as bigint)') }} || ' contracts, the next small-cap fund '
    || {{ text('cast(next_interest as bigint)') }} || ' contracts' || coalesce('; that of ' || unknown_interest || ' is not known', ''),
    case
        when iwm_interest = 0 or iwm_interest < {{ p.liquidity_ratio }} * next_interest then 'contradicted'
        when unknown_interest is not null then 'undecided'
        else 'holds'
    end,
    interest_as_of, 'option_depth'
from trading
where iwm_interest is not null and next_interest is not null
union all
select 'weekly_contracts', weekly_expirations, 'expirations',
    'weekly expirations up to a quarter ahead, beside ' || {{ text('daily_expirations') }} || ' daily ones',
    case when weekly_expirations > 0 then 'holds' else 'contradicted' end, session, 'option_depth'
from iwm_expirations
where recency = 1
union all
select 'spreads_are_tight', 10000 * trading.iwm_spread, 'basis points',
    'median of ' || {{ counted('iwm_quotes.sessions', 'quote') }} || '; in basis points, one tick is '
    || {{ text('cast(10000 * trading.iwm_tick as decimal(9, 2))') }} || ', the next small-cap fund is quoted '
    || {{ text('cast(10000 * trading.next_spread as decimal(9, 2))') }} || ' wide'
    || coalesce('; the spread of ' || trading.unknown_spread || ' is not known', ''),
    case
        when trading.iwm_spread >= trading.next_spread then 'contradicted'
        when trading.unknown_spread is not null then 'undecided'
        else 'holds'
    end,
    trading.spread_as_of, 'quoted_spreads'
from trading
cross join iwm_quotes
where trading.iwm_spread is not null and trading.next_spread is not null
union all
select 'qqq_is_top_heavy', top_10_weight, 'fraction', 'weight of the ten largest holdings',
    case when top_10_weight > 0.5e0 then 'holds' else 'stale' end,
    as_of, 'concentration'
from qqq_top
where recency = 1
