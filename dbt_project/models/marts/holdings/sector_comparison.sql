-- The latest snapshots of the three funds compared, with the change since the previous snapshot.
with snapshots as (
    select
        fund,
        as_of,
        lag(as_of) over (partition by fund order by as_of) as previous_as_of,
        row_number() over (partition by fund order by as_of desc) as recency
    from (select distinct fund, as_of from {{ ref('sector_weights') }} where fund in ('IWM', 'SPY', 'QQQ')) as dates
),

newest as (
    select
        today.fund,
        today.sector,
        today.weight,
        -- A sector that did not exist at the previous snapshot has no drift.
        today.weight - before.weight as drift,
        today.origin,
        snapshots.as_of,
        snapshots.previous_as_of
    from snapshots
    inner join {{ ref('sector_weights') }} as today on snapshots.fund = today.fund and snapshots.as_of = today.as_of
    left join {{ ref('sector_weights') }} as before
        on snapshots.fund = before.fund and snapshots.previous_as_of = before.as_of and today.sector = before.sector
    where snapshots.recency = 1
),

side_by_side as (
    select
        sector
        {%- for fund in ['iwm', 'spy', 'qqq'] %}
        {%- for column in ['weight', 'drift', 'origin', 'as_of', 'previous_as_of'] %},
        max(case when fund = '{{ fund | upper }}' then {{ column }} end) as {{ fund }}_{{ column }}
        {%- endfor %}
        {%- endfor %}
    from newest
    group by sector
),

-- The same in every row, also of a sector that only one of the two funds holds; NULL without a snapshot of either.
dates as (
    select
        max(days_apart) as days_apart,
        max(case when is_comparable then 1 else 0 end) = 1 as is_comparable
    from {{ ref('sector_gaps') }}
    where fund_a = 'IWM' and fund_b = 'SPY'
)

select
    funds.sector,
    funds.iwm_weight,
    funds.spy_weight,
    funds.qqq_weight,
    funds.iwm_weight - funds.spy_weight as iwm_minus_spy,
    dates.days_apart,
    dates.is_comparable,
    guide.iwm_weight as guide_iwm_weight,
    guide.spy_weight as guide_spy_weight,
    guide.iwm_weight - guide.spy_weight as guide_iwm_minus_spy,
    funds.iwm_weight - guide.iwm_weight as iwm_minus_guide,
    funds.spy_weight - guide.spy_weight as spy_minus_guide,
    funds.iwm_weight - funds.spy_weight - (guide.iwm_weight - guide.spy_weight) as iwm_minus_spy_minus_guide,
    funds.iwm_drift,
    funds.spy_drift,
    funds.qqq_drift,
    funds.iwm_as_of,
    funds.spy_as_of,
    funds.qqq_as_of,
    funds.iwm_previous_as_of,
    funds.spy_previous_as_of,
    funds.qqq_previous_as_of,
    funds.iwm_origin,
    funds.spy_origin,
    funds.qqq_origin,
    {{ params_id() }} as params_id
from side_by_side as funds
cross join dates
left join {{ ref('guide_sectors') }} as guide on funds.sector = guide.sector
