-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters('guide_claims', ['liquidity_ratio', 'significance']) -%}
{% set card = signal_parameters('scorecard', ['horizon_year']) -%}
-- Each belief against the mart that tests it: what is measured, what decides, and as of when.
with by_scorecard as (
    select
        claims.claim,
        scorecard.difference as measured,
        'a year later ' || scorecard.target || ' ' || {{ signed_percent('scorecard.mean_return') }} || ', usually '
        || {{ signed_percent('scorecard.base_return') }} || ', p ' || cast(cast(scorecard.p_value as decimal(4, 3)) as varchar) as reason,
        case scorecard.verdict when 'supports' then 'holds' when 'contradicts' then 'contradicted' else 'noise' end as verdict,
        scorecard.last_session as as_of,
        'scorecard' as read_from
    from {{ ref('guide_beliefs') }} as claims
    inner join {{ ref('scorecard') }} as scorecard
        on claims.signal = scorecard.signal
        and claims.subject = scorecard.subject
        and claims.label = scorecard.label
        and claims.target = scorecard.target
        and scorecard.horizon = {{ card.horizon_year | int }}
),

low_rates as (
    select
        max(case when fund = 'QQQ' then annual_return end) as qqq_return,
        max(case when fund <> 'QQQ' then annual_return end) as best_other_return,
        max(spells) as spells
    from {{ ref('rate_regime_performance') }}
    where rate_regime = 'hold_after_cuts' and fund in ('IWM', 'SPY', 'QQQ')
),

last_session as (
    select max(session) as session from {{ ref('int_daily_returns') }}
),

regional_banks as (
    select
        max(case when fund = 'IWM' then total_return end) as iwm_return,
        max(case when fund = 'SPY' then total_return end) as spy_return,
        max(end_session) as end_session
    from {{ ref('market_events') }}
    where event = 'regional_banks_2023' and fund in ('IWM', 'SPY')
),

events_this_year as (
    select
        count(*) as events,
        max(last_session.session) as session
    from {{ ref('reconstitution_calendar') }} as calendar
    inner join last_session on extract(year from calendar.effective) = extract(year from last_session.session)
),

fees as (
    select
        case cheaper_fund when 'VTWO' then 'fee_gap_to_vtwo' else 'fee_gap_to_scha' end as claim,
        fee_gap,
        cost_subtracted,
        cost_compounded,
        as_of
    from {{ ref('fee_drag') }}
    where fund = 'IWM' and cheaper_fund in ('VTWO', 'SCHA') and fees_from = 'guide' and horizon_years = 30 and abs(growth - 0.08) < 1e-9
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
),

decades as (
    select
        avg(case when iwm_return > spy_return then 1.0 else 0.0 end) as share,
        count(*) as windows,
        max(last_session) as as_of
    from {{ ref('int_rolling_decades') }}
),

volatilities as (
    select
        max(case when fund = 'IWM' then volatility end) as iwm_volatility,
        max(case when fund = 'SPY' then volatility end) as spy_volatility,
        max(end_session) as as_of
    from {{ ref('performance') }}
    where "window" = '10y' and fund in ('IWM', 'SPY')
)

select claim, measured, reason, verdict, as_of, read_from from by_scorecard
union all
select 'qqq_leads_at_low_rates', low_rates.qqq_return - low_rates.best_other_return,
    'QQQ a year against the better of IWM and SPY while rates stay low, over ' || cast(low_rates.spells as varchar) || ' spells',
    case when low_rates.qqq_return > low_rates.best_other_return then 'holds' else 'contradicted' end, last_session.session,
    'rate_regime_performance'
from low_rates
cross join last_session
where low_rates.qqq_return is not null
union all
select 'regional_banks_hit_iwm', iwm_return - spy_return,
    'IWM ' || {{ signed_percent('iwm_return') }} || ', SPY ' || {{ signed_percent('spy_return') }},
    case when iwm_return < spy_return then 'holds' else 'contradicted' end, end_session, 'market_events'
from regional_banks
where iwm_return is not null and spy_return is not null
union all
select 'buying_before_reconstitution', mean_gap,
    'mean of ' || cast(events as varchar) || ' events, median ' || {{ signed_percent('median_gap', 2) }} || ', p '
    || cast(cast(p_value as decimal(4, 3)) as varchar),
    case
        when p_value <= {{ p.significance }} and interval_low > 0 then 'holds'
        when p_value <= {{ p.significance }} and interval_high < 0 then 'contradicted'
        else 'noise'
    end, last_session.session, 'reconstitution_summary'
from {{ ref('reconstitution_summary') }}
cross join last_session
where "window" = 'list_to_effective'
union all
select 'reconstitution_every_june', events, 'reconstitutions in the year of the last session',
    case when events = 1 then 'holds' else 'stale' end, session, 'reconstitution_calendar'
from events_this_year
where events > 0
union all
select claim, cost_subtracted,
    'dollars with growth less fee; ' || cast(cast(cost_compounded as decimal(12, 0)) as varchar) || ' with the fee taken from what has grown',
    case when cost_compounded < 40000 or cost_subtracted > 60000 then 'contradicted' else 'holds' end, as_of, 'fee_drag'
from fees
union all
select lower(fund) || '_is_near_identical', overlap, 'shared weight with IWM where both are known; it follows ' || index_name,
    case when is_same_index then 'holds' else 'contradicted' end, as_of, 'fund_overlap'
from shared_weights
where recency = 1
union all
select 'nothing_as_liquid', iwm_volume / next_volume, 'dollars traded a day in IWM for each in the next small-cap fund we follow',
    case when iwm_volume >= {{ p.liquidity_ratio }} * next_volume then 'holds' else 'contradicted' end, as_of, 'fund_comparison'
from liquidity
where iwm_volume is not null and next_volume is not null
union all
select 'qqq_is_top_heavy', top_10_weight, 'weight of the ten largest', case when top_10_weight > 0.5 then 'holds' else 'stale' end,
    as_of, 'concentration'
from qqq_top
where recency = 1
union all
select 'small_caps_win_long_periods', share,
    'share of ' || cast(windows as varchar) || ' windows of ten years from month to month in which IWM beat SPY',
    case when share > 0.5 then 'holds' else 'contradicted' end, as_of, 'performance'
from decades
where windows > 0
union all
select 'small_caps_are_volatile', iwm_volatility - spy_volatility,
    'volatility over ten years: IWM ' || {{ percent('iwm_volatility') }} || ', SPY ' || {{ percent('spy_volatility') }},
    case when iwm_volatility > spy_volatility then 'holds' else 'contradicted' end, as_of, 'performance'
from volatilities
where iwm_volatility is not null and spy_volatility is not null
union all
select 'timed_satellite_pays', gap_to_static,
    'a year against the static satellite, ' || {{ signed_percent('gap_low', 2) }} || ' to ' || {{ signed_percent('gap_high', 2) }},
    case when gap_low > 0 then 'holds' when gap_high < 0 then 'contradicted' else 'noise' end, last_session, 'core_satellite_summary'
from {{ ref('core_satellite_summary') }}
where strategy = 'timed'
