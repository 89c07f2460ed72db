{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Yahoo's own sector weights of funds without any known holdings. They describe the invested part: cash is not given, and the
-- remainder to 1 is Unclassified.
with facts as (
    select
        facts.fund,
        facts.as_of,
        sectors.gics_sector,
        facts.value_number
    from {{ ref('stg_fund_facts') }} as facts
    left join {{ ref('yahoo_sectors') }} as sectors on facts.fact = 'sector_weight:' || sectors.yahoo_sector
    where facts.vendor = 'yahoo'
        and facts.fact like 'sector_weight:%'
        and facts.value_number is not null
        and not exists (select 1 from {{ ref('holdings') }} as held where facts.fund = held.fund)
),

snapshots as (
    select
        fund,
        as_of,
        1 - sum(case when gics_sector is null then 0 else value_number end) as unclassified
    from facts
    group by fund, as_of
)

select
    snapshots.fund,
    snapshots.as_of,
    sectors.gics_sector as sector,
    coalesce(facts.value_number, 0) as weight
from snapshots
cross join {{ ref('yahoo_sectors') }} as sectors
left join facts
    on snapshots.fund = facts.fund and snapshots.as_of = facts.as_of and sectors.gics_sector = facts.gics_sector
union all
select
    fund,
    as_of,
    'Unclassified' as sector,
    unclassified as weight
from snapshots
