{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Shares outstanding as issuers state them, beside those of the snapshot before on the same split basis. Splits come with prices: a
-- fund without prices up to the snapshot has no row, because a split would look like a flow.
with stated as (
    select
        fund,
        as_of,
        max(case when fact = 'shares_outstanding' then value_number end) as shares,
        max(case when fact = 'net_assets' then value_number end) as net_assets,
        max(case when fact in ('shares_outstanding', 'net_assets') then observed_at end) as observed_at
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
        observed_at,
        lag(observed_at) over (partition by fund order by as_of) as from_observed_at,
        lag(as_of) over (partition by fund order by as_of) as from_as_of,
        lag(shares) over (partition by fund order by as_of) as from_shares,
        lag(net_assets) over (partition by fund order by as_of) as from_net_assets
    from stated
    where shares > 0
),

priced as (
    select
        funds.fund,
        funds.price_symbol,
        max(bars.session) as last_session
    from {{ ref('funds') }} as funds
    inner join {{ ref('stg_price_bars') }} as bars on funds.price_symbol = bars.symbol
    group by funds.fund, funds.price_symbol
),

snapshot_sessions as (
    select
        pairs.fund,
        pairs.as_of,
        max(sessions.session) as session
    from pairs
    inner join {{ ref('stg_sessions') }} as sessions on pairs.as_of >= sessions.session
    group by pairs.fund, pairs.as_of
),

splits as (
    select
        pairs.fund,
        pairs.as_of,
        exp(sum(ln(splits.ratio))) as ratio
    from pairs
    inner join priced on pairs.fund = priced.fund
    inner join {{ ref('int_splits') }} as splits
        on priced.price_symbol = splits.symbol and pairs.from_as_of < splits.ex_date and splits.ex_date <= pairs.as_of
    group by pairs.fund, pairs.as_of
)

select
    pairs.fund,
    pairs.from_as_of,
    pairs.as_of,
    pairs.shares,
    pairs.net_assets,
    pairs.from_shares * coalesce(splits.ratio, 1) as from_shares,
    pairs.from_net_assets,
    greatest(pairs.observed_at, pairs.from_observed_at) as observed_at
from pairs
inner join snapshot_sessions on pairs.fund = snapshot_sessions.fund and pairs.as_of = snapshot_sessions.as_of
inner join priced on pairs.fund = priced.fund and snapshot_sessions.session <= priced.last_session
left join splits on pairs.fund = splits.fund and pairs.as_of = splits.as_of
where pairs.from_as_of is not null
