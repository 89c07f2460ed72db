with snapshots as (
    select distinct
        fund,
        as_of
    from {{ ref('holdings') }}
),

sectors as (
    select gics_sector as sector, first_day, last_day from {{ ref('gics_sectors') }}
    union all
    select sector, date '1900-01-01' as first_day, date '9999-12-31' as last_day
    from (values ('Cash and Other'), ('Unclassified')) as others (sector) -- noqa: AL05
),

weighed as (
    select
        fund,
        as_of,
        case when holdings_class = 'equity' then coalesce(gics_sector, 'Unclassified') else 'Cash and Other' end as sector,
        sum(weight) as weight,
        count(*) as lines
    from {{ ref('holdings') }}
    group by fund, as_of, sector
),

held as (
    select
        snapshots.fund,
        snapshots.as_of,
        sectors.sector,
        coalesce(weighed.weight, 0) as weight,
        cast(coalesce(weighed.lines, 0) as integer) as lines,
        'holdings' as origin
    from snapshots
    inner join sectors on snapshots.as_of between sectors.first_day and sectors.last_day
    left join weighed
        on snapshots.fund = weighed.fund and snapshots.as_of = weighed.as_of and sectors.sector = weighed.sector
),

stated as (
    select
        fund,
        as_of,
        sector,
        weight,
        cast(null as integer) as lines,
        'yahoo' as origin
    from {{ ref('int_vendor_sector_weights') }}
)

select fund, as_of, sector, weight, lines, origin, {{ params_id() }} as params_id from held
union all
select fund, as_of, sector, weight, lines, origin, {{ params_id() }} from stated
