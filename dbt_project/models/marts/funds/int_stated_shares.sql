{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Shares outstanding as issuers state them, beside those of the snapshot before on the same split basis.
with stated as (
    select
        fund,
        as_of,
        max(case when fact = 'shares_outstanding' then value_number end) as shares,
        max(case when fact = 'net_assets' then value_number end) as net_assets
    from {{ ref('stg_fund_facts') }}
    where vendor <> 'yahoo'
    group by fund, as_of
),

pairs as (
    select
        fund,
        as_of,
        shares,
        net_assets,
        lag(as_of) over (partition by fund order by as_of) as from_as_of,
        lag(shares) over (partition by fund order by as_of) as from_shares,
        lag(net_assets) over (partition by fund order by as_of) as from_net_assets
    from stated
    where shares > 0
),

splits as (
    select
        pairs.fund,
        pairs.as_of,
        exp(sum(ln(splits.ratio))) as ratio
    from pairs
    inner join {{ ref('funds') }} as funds on pairs.fund = funds.fund
    inner join {{ ref('int_splits') }} as splits
        on funds.price_symbol = splits.symbol and pairs.from_as_of < splits.ex_date and splits.ex_date <= pairs.as_of
    group by pairs.fund, pairs.as_of
)

select
    pairs.fund,
    pairs.from_as_of,
    pairs.as_of,
    pairs.shares,
    pairs.net_assets,
    pairs.from_shares * coalesce(splits.ratio, 1) as from_shares,
    pairs.from_net_assets
from pairs
left join splits on pairs.fund = splits.fund and pairs.as_of = splits.as_of
where pairs.from_as_of is not null
