{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['option_depth']}) }}
{% set p = signal_parameters('option_depth', ['skew_delta', 'widest_delta_gap']) -%}
-- Each expiration of a chain: its contracts counted and summed, the contracts nearest the money, and the volatilities.
with expirations as (
    select
        expirations.fund,
        expirations.session,
        expirations.phase,
        expirations.expiration,
        expirations.cycle,
        expirations.is_read,
        expirations.forward,
        {{ days_between('expirations.session', 'expirations.expiration') }} as days
    from {{ ref('stg_option_expirations') }} as expirations
    inner join {{ ref('int_option_chains') }} as chains
        on expirations.fund = chains.fund and expirations.session = chains.session and expirations.phase = chains.phase
),

quotes as (
    select
        quotes.*,
        quotes.bid > 0 and quotes.ask >= quotes.bid as is_two_sided,
        abs(quotes.delta) as size_of_delta,
        max(quotes.ask) over (partition by quotes.fund, quotes.session) > 0 as is_quoted,
        row_number() over (
            partition by quotes.fund, quotes.session, quotes.expiration, quotes.option_type
            order by abs(quotes.strike - expirations.forward), quotes.strike
        ) as nearness,
        expirations.forward is not null as has_forward
    from {{ ref('stg_option_quotes') }} as quotes
    inner join expirations
        on quotes.fund = expirations.fund
        and quotes.session = expirations.session
        and quotes.phase = expirations.phase
        and quotes.expiration = expirations.expiration
    where expirations.is_read
),

-- The deltas on either side of the one that is looked for.
brackets as (
    select
        fund,
        session,
        expiration,
        option_type,
        max(case when size_of_delta <= {{ p.skew_delta }} then size_of_delta end) as low_delta,
        min(case when size_of_delta >= {{ p.skew_delta }} then size_of_delta end) as high_delta
    from quotes
    where implied_volatility is not null
    group by fund, session, expiration, option_type
),

bracketed as (
    select
        brackets.fund,
        brackets.session,
        brackets.expiration,
        brackets.option_type,
        brackets.low_delta,
        brackets.high_delta,
        max(case when quotes.size_of_delta = brackets.low_delta then quotes.implied_volatility end) as low_volatility,
        max(case when quotes.size_of_delta = brackets.high_delta then quotes.implied_volatility end) as high_volatility
    from brackets
    inner join quotes
        on brackets.fund = quotes.fund
        and brackets.session = quotes.session
        and brackets.expiration = quotes.expiration
        and brackets.option_type = quotes.option_type
    where brackets.high_delta - brackets.low_delta <= {{ p.widest_delta_gap }}
    group by
        brackets.fund, brackets.session, brackets.expiration, brackets.option_type, brackets.low_delta, brackets.high_delta
),

wings as (
    select
        fund,
        session,
        expiration,
        sum(
            case option_type when 'put' then 1 else -1 end * (
                low_volatility
                + (high_volatility - low_volatility)
                * coalesce(({{ p.skew_delta }} - low_delta) / nullif(high_delta - low_delta, 0), 0)
            )
        ) as skew
    from bracketed
    group by fund, session, expiration
    having count(*) = 2
),

counted as (
    select
        fund,
        session,
        expiration,
        count(*) as contracts,
        -- A whole chain without an ask is the vendor's placeholder, not a market without quotes.
        case when max(is_quoted) then sum(case when is_two_sided then 1 else 0 end) end as contracts_quoted,
        case when max(is_quoted) then count(distinct case when is_two_sided then strike end) end as strikes_quoted,
        -- Unknown only if the vendor has no figure of any contract; without calls, none were traded.
        {%- for column, name in [('volume', 'volume'), ('open_interest', 'interest')] %}
        {%- for type in ['call', 'put'] %}
        case
            when count({{ column }}) > 0 then sum(case when option_type = '{{ type }}' then coalesce({{ column }}, 0) else 0 end)
        end as {{ type }}_{{ name }},
        {%- endfor %}
        {%- endfor %}
        avg(case when nearness = 1 and has_forward and is_two_sided then (ask - bid) / ((ask + bid) / 2) end) as near_spread,
        count(case when nearness = 1 then implied_volatility end) as near_volatilities,
        avg(case when nearness = 1 then implied_volatility end) as near_volatility,
        count(case when nearness = 1 then vendor_implied_volatility end) as vendor_volatilities,
        avg(case when nearness = 1 then vendor_implied_volatility end) as vendor_volatility
    from quotes
    group by fund, session, expiration
)

select
    expirations.fund,
    expirations.session,
    expirations.expiration,
    cast(expirations.days as integer) as days,
    expirations.cycle,
    expirations.is_read,
    counted.contracts,
    counted.contracts_quoted,
    counted.strikes_quoted,
    counted.call_volume,
    counted.put_volume,
    counted.call_interest,
    counted.put_interest,
    counted.near_spread,
    -- At the money: the mean of the call's and the put's.
    case when counted.near_volatilities = 2 then counted.near_volatility end as atm_volatility,
    case when counted.near_volatilities = 2 and counted.vendor_volatilities = 2 then counted.vendor_volatility end as vendor_volatility,
    wings.skew
from expirations
left join counted
    on expirations.fund = counted.fund
    and expirations.session = counted.session
    and expirations.expiration = counted.expiration
left join wings
    on expirations.fund = wings.fund
    and expirations.session = wings.session
    and expirations.expiration = wings.expiration
