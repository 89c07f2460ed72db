{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['fund_facts']}) }}
{% set p = signal_parameters('fund_facts', [
    'dollar_volume_month_sessions', 'dollar_volume_quarter_sessions', 'least_coverage', 'smallest_tick'
]) -%}
with bars as (
    select
        prices.fund,
        prices.session,
        prices.close,
        count(*) over month_window as month_bars,
        avg(prices.close * prices.volume) over month_window as month_dollars,
        count(*) over quarter_window as quarter_bars,
        avg(prices.close * prices.volume) over quarter_window as quarter_dollars,
        avg(prices.volume) over quarter_window as quarter_shares
    from {{ ref('int_bars_on_current_basis') }} as prices
    inner join {{ ref('stg_sessions') }} as sessions on prices.session = sessions.session
    window
        month_window as (
            partition by prices.fund order by sessions.session_no
            range between {{ p.dollar_volume_month_sessions | int - 1 }} preceding and current row
        ),
        quarter_window as (
            partition by prices.fund order by sessions.session_no
            range between {{ p.dollar_volume_quarter_sessions | int - 1 }} preceding and current row
        )
),

taken as (
    select bars.*
    from bars
    inner join {{ ref('int_month_ends') }} as month_ends on bars.fund = month_ends.fund and bars.session = month_ends.session
),

-- A tick is one cent of the price as it was quoted, and a vendor states shares as they were traded: both are on the split basis of
-- their own day, which a later split does not change.
later_splits as (
    select
        taken.fund,
        taken.session,
        exp(sum(ln(splits.ratio))) as factor
    from taken
    inner join {{ ref('funds') }} as funds on taken.fund = funds.fund
    inner join {{ ref('int_splits') }} as splits on funds.price_symbol = splits.symbol and taken.session < splits.ex_date
    group by taken.fund, taken.session
)

select
    taken.fund,
    taken.session,
    yields.dividend_yield,
    yields.special_dividend_yield,
    case
        when taken.month_bars >= {{ p.least_coverage }} * {{ p.dollar_volume_month_sessions }} then taken.month_dollars
    end as dollar_volume_month,
    case
        when taken.quarter_bars >= {{ p.least_coverage }} * {{ p.dollar_volume_quarter_sessions }} then taken.quarter_dollars
    end as dollar_volume_quarter,
    case
        when taken.quarter_bars >= {{ p.least_coverage }} * {{ p.dollar_volume_quarter_sessions }}
            then taken.quarter_shares / coalesce(later_splits.factor, 1)
    end as average_volume,
    quotes.quoted_spread,
    quotes.spread_session,
    quotes.options_session,
    quotes.option_open_interest,
    quotes.option_volume,
    {{ p.smallest_tick }} / (taken.close * coalesce(later_splits.factor, 1)) as tick_spread
from taken
left join later_splits on taken.fund = later_splits.fund and taken.session = later_splits.session
left join {{ ref('int_quote_facts') }} as quotes on taken.fund = quotes.fund and taken.session = quotes.session
left join {{ ref('int_dividend_yields') }} as yields on taken.fund = yields.fund and taken.session = yields.session
