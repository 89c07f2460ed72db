{{ config(meta={'signals': ['sector_comparison']}) }}
{%- set p = signal_parameters('sector_comparison', ['most_days_apart']) %}
-- The latest snapshot of every fund against that of every other fund.
with newest as (
    select
        fund,
        max(as_of) as as_of
    from {{ ref('sector_weights') }}
    group by fund
),

pairs as (
    select
        one.fund as fund_a,
        other.fund as fund_b,
        one.as_of as as_of_a,
        other.as_of as as_of_b,
        abs({{ days_between('other.as_of', 'one.as_of') }}) as days_apart
    from newest as one
    inner join newest as other on one.fund <> other.fund
),

weights as (
    select
        weights.fund,
        weights.sector,
        weights.weight,
        weights.origin
    from {{ ref('sector_weights') }} as weights
    inner join newest on weights.fund = newest.fund and weights.as_of = newest.as_of
),

-- A sector that only one of the two funds states has a row, too.
sectors as (
    select pairs.fund_a, pairs.fund_b, weights.sector
    from pairs
    inner join weights on pairs.fund_a = weights.fund
    union
    select pairs.fund_a, pairs.fund_b, weights.sector
    from pairs
    inner join weights on pairs.fund_b = weights.fund
)

select
    sectors.fund_a,
    sectors.fund_b,
    sectors.sector,
    one.weight as weight_a,
    other.weight as weight_b,
    one.weight - other.weight as gap,
    pairs.as_of_a,
    pairs.as_of_b,
    cast(pairs.days_apart as integer) as days_apart,
    pairs.days_apart <= {{ p.most_days_apart | int }} as is_comparable,
    one.origin as origin_a,
    other.origin as origin_b,
    {{ params_id() }} as params_id
from sectors
inner join pairs on sectors.fund_a = pairs.fund_a and sectors.fund_b = pairs.fund_b
left join weights as one on sectors.fund_a = one.fund and sectors.sector = one.sector
left join weights as other on sectors.fund_b = other.fund and sectors.sector = other.sector
