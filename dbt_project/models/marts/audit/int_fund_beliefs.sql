{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['guide_claims']}) }}
{% set p = signal_parameters('guide_claims', ['liquidity_ratio', 'least_quotes']) -%}
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

liquidity as (
    select
        max(case when fund = 'IWM' then dollar_volume_quarter end) as iwm_volume,
        max(case when fund <> 'IWM' then dollar_volume_quarter end) as next_volume,
        max(dollar_volume_quarter_as_of) as as_of
    from {{ ref('fund_comparison') }}
    where segment = 'small_cap'
),

trading as (
    select
        max(case when fund = 'IWM' then option_open_interest end) as iwm_interest,
        max(case when fund <> 'IWM' then option_open_interest end) as next_interest,
        max(case when fund = 'IWM' then quoted_spread end) as iwm_spread,
        max(case when fund = 'IWM' then tick_spread end) as iwm_tick,
        min(case when fund <> 'IWM' then quoted_spread end) as next_spread,
        max(option_open_interest_as_of) as interest_as_of,
        max(quoted_spread_as_of) as spread_as_of
    from {{ ref('fund_comparison') }}
    where segment = 'small_cap'
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
    where fund = 'IWM' and horizon = 'quarter'
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
select 'nothing_as_liquid', iwm_volume / next_volume, 'ratio', 'average daily dollar volume of IWM over that of the next small-cap fund',
    case when iwm_volume >= {{ p.liquidity_ratio }} * next_volume then 'holds' else 'contradicted' end, as_of, 'fund_comparison'
from liquidity
where iwm_volume is not null and next_volume is not null
union all
select 'options_are_deep', iwm_interest, 'contracts',
    'open interest up to a quarter ahead: IWM ' || {{ text('cast(iwm_interest as bigint)') }} || ' contracts, the next small-cap fund '
    || {{ text('cast(next_interest as bigint)') }},
    case when iwm_interest > 0 and iwm_interest >= {{ p.liquidity_ratio }} * next_interest then 'holds' else 'contradicted' end,
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
    'median of ' || {{ counted('iwm_quotes.sessions', 'quote') }} || '; one tick is '
    || {{ text('cast(10000 * trading.iwm_tick as decimal(9, 2))') }} || ', the next small-cap fund is quoted '
    || {{ text('cast(10000 * trading.next_spread as decimal(9, 2))') }} || ' wide',
    case
        when iwm_quotes.sessions < {{ p.least_quotes | int }} then 'undecided'
        when trading.iwm_spread < trading.next_spread then 'holds'
        else 'contradicted'
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
