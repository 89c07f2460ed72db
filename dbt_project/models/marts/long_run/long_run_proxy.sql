{{ config(meta={'signals': ['relative_risk']}) }}
{% set year = signal_parameters('relative_risk', ['sessions_a_year']).sessions_a_year -%}
-- How well the factors stand for the funds, where both are known.
with funds as (
    select
        session,
        max(case when fund = 'SPY' then total_return end) as spy,
        max(case when fund = 'IWM' then total_return end) as iwm
    from {{ ref('int_daily_returns') }}
    where fund in ('IWM', 'SPY') and sessions_spanned = 1
    group by session
),

sessions as (
    select
        factors.session,
        cast({{ dbt.date_trunc('month', 'factors.session') }} as date) as month_start,
        factors.market_return as market,
        factors.small_minus_large,
        funds.spy,
        funds.iwm
    from {{ ref('int_long_run_sessions') }} as factors
    inner join funds on factors.session = funds.session
    where funds.spy is not null and funds.iwm is not null
),

month_span as (
    select
        min(month_start) as first_month,
        max(month_start) as last_month
    from sessions
),

-- Whole months alone: the first and the last one that both know may be cut.
months as (
    select
        sessions.month_start,
        min(sessions.session) as first_session,
        max(sessions.session) as last_session,
        exp(sum(ln(1 + sessions.market))) - 1 as market,
        exp(sum(ln(1 + sessions.small_minus_large))) - 1 as small_minus_large,
        exp(sum(ln(1 + sessions.spy))) - 1 as spy,
        exp(sum(ln(1 + sessions.iwm))) - 1 as iwm
    from sessions
    inner join month_span
        on sessions.month_start > month_span.first_month and sessions.month_start < month_span.last_month
    group by sessions.month_start
),

periods as (
    select
        'small minus large' as proxy,
        'IWM - SPY' as subject,
        'session' as frequency,
        {{ year }} as periods_a_year,
        session as first_session,
        session as last_session,
        small_minus_large as of_proxy,
        iwm - spy as of_subject
    from sessions
    union all
    select 'market', 'SPY', 'session', {{ year }}, session, session, market, spy
    from sessions
    union all
    select 'small minus large', 'IWM - SPY', 'month', 12, first_session, last_session, small_minus_large, iwm - spy
    from months
    union all
    select 'market', 'SPY', 'month', 12, first_session, last_session, market, spy
    from months
),

agreement as (
    select avg(case when labels.label = regimes.regime then 1.0e0 else 0.0e0 end) as label_agreement
    from {{ ref('long_run_labels') }} as labels
    inner join {{ ref('regime_daily') }} as regimes on labels.session = regimes.session and regimes.pair = 'IWM/SPY'
    where labels.signal = 'regime' and labels.label is not null and regimes.regime is not null
),

figures as (
    select
        proxy,
        subject,
        frequency,
        min(first_session) as first_session,
        max(last_session) as last_session,
        count(*) as periods,
        -- Of values that do not differ there is neither.
        case
            when min(of_proxy) < max(of_proxy) and min(of_subject) < max(of_subject) then corr(of_subject, of_proxy)
        end as correlation,
        case when min(of_proxy) < max(of_proxy) then regr_slope(of_subject, of_proxy) end as beta,
        (avg(of_subject) - avg(of_proxy)) * max(periods_a_year) as mean_gap
    from periods
    group by proxy, subject, frequency
)

select
    figures.proxy,
    figures.subject,
    figures.frequency,
    figures.first_session,
    figures.last_session,
    cast(figures.periods as integer) as periods,
    figures.correlation,
    figures.beta,
    figures.mean_gap,
    case when figures.proxy = 'small minus large' then agreement.label_agreement end as label_agreement,
    {{ params_id() }} as params_id
from figures
cross join agreement
