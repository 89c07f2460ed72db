-- A bar observed before a split is on the old split basis until the vendor sends it again: restate each bar to today's basis. Bars of
-- a session that the newest calendar no longer has are dropped.
with bars as (
    select
        prices.symbol,
        prices.session,
        prices.open,
        prices.high,
        prices.low,
        prices.close,
        prices.volume,
        prices.observed_at
    from {{ ref('stg_price_bars') }} as prices
    inner join {{ ref('stg_sessions') }} as sessions on prices.session = sessions.session
),

later_splits as (
    select
        bars.symbol,
        bars.session,
        exp(sum(ln(splits.ratio))) as factor
    from bars
    inner join {{ ref('int_splits') }} as splits
        on bars.symbol = splits.symbol
        and bars.session < splits.ex_date
        and bars.observed_at < splits.effective_at
    group by bars.symbol, bars.session
)

select
    funds.fund,
    bars.session,
    bars.open / coalesce(later_splits.factor, 1) as open,
    bars.high / coalesce(later_splits.factor, 1) as high,
    bars.low / coalesce(later_splits.factor, 1) as low,
    bars.close / coalesce(later_splits.factor, 1) as close,
    bars.volume * coalesce(later_splits.factor, 1) as volume,
    bars.observed_at
from bars
inner join {{ ref('funds') }} as funds on bars.symbol = funds.price_symbol
left join later_splits on bars.symbol = later_splits.symbol and bars.session = later_splits.session
