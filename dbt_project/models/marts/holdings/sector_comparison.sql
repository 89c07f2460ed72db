-- The newest snapshot of each of the three funds side by side, with the change since the snapshot before.
with ranked as (
    select
        fund,
        as_of,
        sector,
        weight,
        weight - lag(weight) over (partition by fund, sector order by as_of) as drift,
        row_number() over (partition by fund, sector order by as_of desc) as recency
    from {{ ref('sector_weights') }}
    where fund in ('IWM', 'SPY', 'QQQ')
),

newest as (
    select * from ranked where recency = 1
)

select
    newest.sector,
    max(case when newest.fund = 'IWM' then newest.weight end) as iwm_weight,
    max(case when newest.fund = 'SPY' then newest.weight end) as spy_weight,
    max(case when newest.fund = 'QQQ' then newest.weight end) as qqq_weight,
    max(case when newest.fund = 'IWM' then newest.weight end)
    - max(case when newest.fund = 'SPY' then newest.weight end) as iwm_minus_spy,
    max(guide.iwm_weight) as guide_iwm_weight,
    max(guide.spy_weight) as guide_spy_weight,
    max(guide.iwm_weight) - max(guide.spy_weight) as guide_iwm_minus_spy,
    max(case when newest.fund = 'IWM' then newest.drift end) as iwm_drift,
    max(case when newest.fund = 'SPY' then newest.drift end) as spy_drift,
    max(case when newest.fund = 'QQQ' then newest.drift end) as qqq_drift,
    max(case when newest.fund = 'IWM' then newest.as_of end) as iwm_as_of,
    max(case when newest.fund = 'SPY' then newest.as_of end) as spy_as_of,
    max(case when newest.fund = 'QQQ' then newest.as_of end) as qqq_as_of
from newest
left join {{ ref('guide_sectors') }} as guide on newest.sector = guide.sector
group by newest.sector
order by newest.sector
