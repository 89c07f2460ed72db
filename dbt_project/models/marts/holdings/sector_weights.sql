with snapshots as (
    select distinct
        fund,
        as_of
    from {{ ref('holdings') }}
),

sectors as (
    {% for sector in gics_sectors() + ['Cash and Other', 'Unclassified'] -%}
    select '{{ sector }}' as sector
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

weighed as (
    select
        fund,
        as_of,
        case when holdings_class = 'equity' then coalesce(gics_sector, 'Unclassified') else 'Cash and Other' end as sector,
        sum(weight) as weight,
        count(*) as lines
    from {{ ref('holdings') }}
    group by 1, 2, 3
)

select
    snapshots.fund,
    snapshots.as_of,
    sectors.sector,
    coalesce(weighed.weight, 0) as weight,
    cast(coalesce(weighed.lines, 0) as integer) as lines
from snapshots
cross join sectors
left join weighed
    on snapshots.fund = weighed.fund and snapshots.as_of = weighed.as_of and sectors.sector = weighed.sector
order by snapshots.fund, snapshots.as_of, sectors.sector
