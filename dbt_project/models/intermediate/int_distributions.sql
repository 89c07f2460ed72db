-- Dividends and capital gains on today's split basis: one observed before a split is still in old shares.
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
)

select
    funds.fund,
    rebased.ex_date,
    sum(rebased.amount) as amount,
    sum(case when rebased.kind = 'dividend' then rebased.amount else 0 end) as dividend
from rebased
inner join {{ ref('funds') }} as funds on rebased.symbol = funds.price_symbol
group by funds.fund, rebased.ex_date
