-- Dividends and capital gains on today's split basis: an amount observed before a split is still per old share.
with paid as (
    select
        symbol,
        ex_date,
        kind,
        value,
        observed_at
    from {{ ref('stg_corporate_actions') }}
    where kind in ('dividend', 'capital_gain')
),

rebased as (
    select
        paid.symbol,
        paid.ex_date,
        paid.kind,
        paid.value / coalesce(exp(sum(ln(splits.ratio))), 1) as amount
    from paid
    left join {{ ref('int_splits') }} as splits
        on paid.symbol = splits.symbol
        and paid.ex_date < splits.ex_date
        and paid.observed_at < splits.effective_at
    group by paid.symbol, paid.ex_date, paid.kind, paid.value, paid.observed_at
),

by_day as (
    select
        symbol,
        ex_date,
        coalesce(max(case when kind = 'dividend' then amount end), 0) as stated_dividend,
        coalesce(max(case when kind = 'capital_gain' then amount end), 0) as capital_gain
    from rebased
    group by symbol, ex_date
),

-- Yahoo's dividends include the day's capital gain where they are at least as large; a difference below a millionth is floating-
-- point noise.
judged as (
    select
        *,
        stated_dividend >= capital_gain * (1 - 1.0e-6) as holds_the_gain
    from by_day
)

select
    funds.fund,
    judged.ex_date,
    case when judged.holds_the_gain then judged.stated_dividend else judged.stated_dividend + judged.capital_gain end as amount,
    case
        when judged.holds_the_gain then greatest(judged.stated_dividend - judged.capital_gain, 0) else judged.stated_dividend
    end as dividend,
    judged.capital_gain
from judged
inner join {{ ref('funds') }} as funds on judged.symbol = funds.price_symbol
