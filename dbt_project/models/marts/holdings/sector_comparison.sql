{{ config(meta={'signals': ['sector_comparison']}) }}
{%- set p = signal_parameters('sector_comparison', ['most_days_apart']) %}
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

-- A sector that only one of the two funds holds still gets the dates.
dates as (
    select
        max(iwm_as_of) as iwm_as_of,
        max(spy_as_of) as spy_as_of,
        abs({{ days_between('max(spy_as_of)', 'max(iwm_as_of)') }}) as days_apart
    from side_by_side
)

select
    funds.sector,
    funds.iwm_weight,
    funds.spy_weight,
    funds.qqq_weight,
    funds.iwm_weight - funds.spy_weight as iwm_minus_spy,
    cast(dates.days_apart as integer) as days_apart,
    dates.days_apart <= {{ p.most_days_apart | int }} as is_comparable,
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
