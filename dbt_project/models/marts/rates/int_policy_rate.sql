{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The federal funds target on every calendar day: a single rate until 2008-12-15, then the midpoint of the range. A day with only
-- one bound has no rate.
with series as (
    select
        date,
        max(case when series = 'DFEDTAR' then value end) as target,
        max(case when series = 'DFEDTARL' then value end) as lower_bound,
        max(case when series = 'DFEDTARU' then value end) as upper_bound
    from {{ ref('stg_rates') }}
    where series in ('DFEDTAR', 'DFEDTARL', 'DFEDTARU')
    group by date
),

rates as (
    select
        date,
        case when date <= date '2008-12-15' then target else (lower_bound + upper_bound) / 2 end / 100 as policy_rate,
        case when date <= date '2008-12-15' then target else lower_bound end / 100 as lower_bound,
        case when date <= date '2008-12-15' then target else upper_bound end / 100 as upper_bound
    from series
),

known as (
    select
        *,
        policy_rate - lag(policy_rate) over (order by date) as move
    from rates
    where policy_rate is not null
)

select
    date,
    policy_rate,
    lower_bound,
    upper_bound,
    -- Rates are quoted in quarters of a percent: a difference below a hundredth of that is floating-point noise.
    case when abs(move) > 2.5e-5 then move end as move
from known
