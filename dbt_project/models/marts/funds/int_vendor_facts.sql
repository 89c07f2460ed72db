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
        -- Vendors state a ratio; like every origin's, it is of a year.
        case when fact = 'expense_ratio' then 'fraction a year' else unit end as unit,
        vendor as source,
        document_id
    from {{ ref('stg_fund_facts') }}
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
