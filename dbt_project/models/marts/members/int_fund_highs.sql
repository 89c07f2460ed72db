{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['member_breadth']}) }}
{% set p = signal_parameters('member_breadth', ['fund_high_sessions']) -%}
-- Each universe's fund beside its own bars: its price return and its distance from its highest close.
with followed as (
    select distinct universe from {{ ref('universes') }}
),

bars as (
    select
        prices.fund,
        prices.session,
        prices.close,
        lag(prices.close) over fund_bars as previous_close,
        row_number() over fund_bars as bar_no,
        max(prices.close) over last_bars as highest_close
    from {{ ref('int_bars_on_current_basis') }} as prices
    inner join followed on prices.fund = followed.universe
    window
        fund_bars as (partition by prices.fund order by prices.session),
        last_bars as (
            partition by prices.fund order by prices.session rows between {{ p.fund_high_sessions | int - 1 }} preceding and current row
        )
)

select
    fund as universe,
    session,
    close / previous_close - 1 as fund_return,
    case when bar_no >= {{ p.fund_high_sessions | int }} then close / highest_close end as share_of_high
from bars
