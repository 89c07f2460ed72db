{{ config(meta={'signals': ['option_depth']}) }}
{% set p = signal_parameters('option_depth', ['week_days', 'month_days', 'quarter_days']) -%}
-- A total over expirations of which one was not read, or is no longer in the list, would be too small: it is NULL.
with horizons as (
    select 'all' as horizon, cast(null as integer) as most_days, {{ p.month_days | int }} as target_days
    union all
    select 'week', {{ p.week_days | int }}, {{ p.week_days | int }}
    union all
    select 'month', {{ p.month_days | int }}, {{ p.month_days | int }}
    union all
    select 'quarter', {{ p.quarter_days | int }}, {{ p.quarter_days | int }}
),

within as (
    select
        chains.fund,
        chains.session,
        chains.phase,
        chains.observed_at,
        chains.has_every_expiration,
        horizons.horizon,
        expirations.expiration,
        expirations.days,
        expirations.cycle,
        expirations.is_read,
        expirations.contracts,
        expirations.contracts_quoted,
        expirations.strikes_quoted,
        expirations.call_volume,
        expirations.put_volume,
        expirations.call_interest,
        expirations.put_interest,
        expirations.near_spread,
        expirations.atm_volatility,
        expirations.vendor_volatility,
        expirations.skew,
        row_number() over (
            partition by chains.fund, chains.session, horizons.horizon
            order by
                case when expirations.atm_volatility is null then 1 else 0 end,
                abs(expirations.days - horizons.target_days),
                expirations.days
        ) as nearness
    from {{ ref('int_option_chains') }} as chains
    cross join horizons
    left join {{ ref('int_option_expirations') }} as expirations
        on chains.fund = expirations.fund
        and chains.session = expirations.session
        and (horizons.most_days is null or expirations.days <= horizons.most_days)
),

summed as (
    select
        fund,
        session,
        horizon,
        max(phase) as phase,
        max(observed_at) as observed_at,
        count(expiration) as expirations,
        count(case when cycle = 'monthly' then 1 end) as monthly_expirations,
        count(case when cycle = 'weekly' then 1 end) as weekly_expirations,
        count(case when cycle = 'daily' then 1 end) as daily_expirations,
        count(case when not is_read then 1 end) as unread_expirations,
        coalesce(sum(contracts), 0) as contracts,
        coalesce(sum(contracts_quoted), 0) as contracts_quoted,
        coalesce(sum(strikes_quoted), 0) as strikes_quoted,
        count(case when is_read and contracts_quoted is null then 1 end) as unknown_quotes,
        -- A chain without expirations within the horizon has one row, without an expiration.
        count(case when not has_every_expiration or not is_read then 1 end) as gaps,
        {%- for part in ['volume', 'interest'] %}
        count(case when is_read and call_{{ part }} is null then 1 end) as unknown_{{ part }},
        coalesce(sum(call_{{ part }}), 0) as call_{{ part }},
        coalesce(sum(put_{{ part }}), 0) as put_{{ part }},
        {%- endfor %}
        median(near_spread) as near_spread,
        max(case when nearness = 1 and atm_volatility is not null then expiration end) as volatility_expiration,
        max(case when nearness = 1 then atm_volatility end) as atm_implied_volatility,
        max(case when nearness = 1 then vendor_volatility end) as vendor_implied_volatility,
        max(case when nearness = 1 and atm_volatility is not null then skew end) as skew_25_delta
    from within
    group by fund, session, horizon
)

select
    fund,
    session,
    horizon,
    phase = 'regular' as is_regular,
    observed_at,
    cast(expirations as integer) as expirations,
    cast(monthly_expirations as integer) as monthly_expirations,
    cast(weekly_expirations as integer) as weekly_expirations,
    cast(daily_expirations as integer) as daily_expirations,
    cast(unread_expirations as integer) as unread_expirations,
    {%- for figure in ['contracts', 'contracts_quoted', 'strikes_quoted'] %}
    cast(
        case
            when gaps = 0 {%- if figure != 'contracts' %} and phase = 'regular' and unknown_quotes = 0 {%- endif %}
                then {{ figure }}
        end as integer
    ) as {{ figure }},
    {%- endfor %}
    {%- for total, part in [('open_interest', 'interest'), ('volume', 'volume')] %}
    cast(case when gaps = 0 and unknown_{{ part }} = 0 then call_{{ part }} + put_{{ part }} end as bigint) as {{ total }},
    {%- endfor %}
    {%- for ratio, part in [('put_call_volume', 'volume'), ('put_call_interest', 'interest')] %}
    case
        when gaps = 0 and unknown_{{ part }} = 0 then put_{{ part }} / nullif(cast(call_{{ part }} as double), 0)
    end as {{ ratio }},
    {%- endfor %}
    near_spread,
    volatility_expiration,
    atm_implied_volatility,
    vendor_implied_volatility,
    skew_25_delta,
    {{ params_id() }} as params_id
from summed
