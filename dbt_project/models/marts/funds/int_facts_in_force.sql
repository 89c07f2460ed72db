{{ config(schema='intermediate', contract={'enforced': false}) }}
-- The current value of each fact, next to the guide's. Among several origins, the one closest to the source: the issuer, our own
-- computation, our seeds, Yahoo.
with facts as (
    select
        fund,
        fact,
        origin,
        as_of,
        value_number,
        value_text,
        coalesce(value_number, value_low) as low,
        coalesce(value_number, value_high) as high,
        row_number() over (
            partition by fund, fact, origin = 'guide'
            order by case origin when 'issuer' then 1 when 'computed' then 2 when 'hand_kept' then 3 else 4 end
        ) as preference
    from {{ ref('fund_facts') }}
    where valid_to is null
),

measured as (
    select * from facts
    where origin <> 'guide' and preference = 1
),

guide as (
    select * from facts
    where origin = 'guide'
)

select
    coalesce(measured.fund, guide.fund) as fund,
    coalesce(measured.fact, guide.fact) as fact,
    measured.origin,
    measured.as_of,
    measured.value_number,
    measured.value_text,
    guide.value_text as guide_text,
    guide.low as guide_low,
    guide.high as guide_high,
    case
        when measured.value_number < guide.low then measured.value_number - guide.low
        when measured.value_number > guide.high then measured.value_number - guide.high
        when measured.fund is not null and guide.fund is not null then 0
    end as difference
from measured
full outer join guide on measured.fund = guide.fund and measured.fact = guide.fact
