-- The bars of each fund with their returns. Index values equal to ten decimals count as equal, as in the max drawdown of a window:
-- a difference beyond them is floating-point noise and must not decide a date.
with bars as (
    select
        prices.fund,
        prices.session,
        prices.close,
        prices.volume,
        returns.distribution,
        case when returns.sessions_spanned = 1 then returns.total_return end as total_return,
        returns.total_return_index,
        {{ rounded('returns.total_return_index', 10) }} as plain_index
    from {{ ref('int_bars_on_current_basis') }} as prices
    inner join {{ ref('int_daily_returns') }} as returns on prices.fund = returns.fund and prices.session = returns.session
),

highs as (
    select
        *,
        max(plain_index) over (partition by fund order by session rows between unbounded preceding and current row) as high
    from bars
)

select
    fund,
    session,
    close,
    volume,
    close * volume as dollar_volume,
    distribution,
    total_return,
    total_return_index,
    {{ rounded('plain_index / high - 1', 10) }} as drawdown,
    max(case when plain_index = high then session end) over (
        partition by fund order by session rows between unbounded preceding and current row
    ) as drawdown_from
from highs
