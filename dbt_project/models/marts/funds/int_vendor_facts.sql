{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Facts that vendors state about a fund, the issuer's separate from Yahoo's, and figures computed from one vendor's facts.
with stated as (
    select
        fund,
        fact,
        case when vendor = 'yahoo' then 'yahoo' else 'issuer' end as origin,
        as_of,
        value_number,
        value_text,
        unit,
        vendor as source,
        document_id
    from {{ ref('stg_fund_facts') }}
),

-- A spread needs both sides, with the ask at or above the bid.
quoted_spreads as (
    select
        bids.fund,
        'quoted_spread' as fact,
        bids.origin,
        bids.as_of,
        case
            when bids.value_number > 0 and asks.value_number >= bids.value_number
                then (asks.value_number - bids.value_number) / ((asks.value_number + bids.value_number) / 2)
        end as value_number,
        {{ text('null') }} as value_text,
        'fraction' as unit,
        bids.source || ': ask minus bid over their midpoint' as source,
        bids.document_id
    from stated as bids
    left join stated as asks
        on bids.fund = asks.fund and bids.origin = asks.origin and bids.as_of = asks.as_of and asks.fact = 'ask'
    where bids.fact = 'bid'
),

largest_weights as (
    select
        fund,
        'largest_holding_weight' as fact,
        origin,
        as_of,
        max(value_number) as value_number,
        {{ text('null') }} as value_text,
        'fraction' as unit,
        source || ': the largest of its top holdings' as source,
        max(document_id) as document_id
    from stated
    where fact like 'top_holding:%'
    group by fund, origin, as_of, source
),

facts as (
    select * from stated
    union all
    select * from quoted_spreads
    union all
    select * from largest_weights
)

select
    fund,
    fact,
    origin,
    as_of,
    value_number,
    value_text,
    unit,
    source,
    document_id
from facts
