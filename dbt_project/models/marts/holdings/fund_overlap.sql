-- What two funds have in common, on every date on which one of them has a new snapshot and both have one: the latest of each.
with positions as (
    select * from {{ ref('int_equity_positions') }}
),

snapshots as (
    select distinct
        fund,
        as_of
    from positions
),

pairs as (
    select
        one.fund as fund_a,
        other.fund as fund_b
    from (select distinct fund from snapshots) as one
    inner join (select distinct fund from snapshots) as other on one.fund < other.fund
),

paired as (
    select
        pairs.fund_a,
        pairs.fund_b,
        snapshots.as_of,
        max(max(case when snapshots.fund = pairs.fund_a then snapshots.as_of end)) over to_date as as_of_a,
        max(max(case when snapshots.fund = pairs.fund_b then snapshots.as_of end)) over to_date as as_of_b
    from pairs
    inner join snapshots on snapshots.fund in (pairs.fund_a, pairs.fund_b)
    group by pairs.fund_a, pairs.fund_b, snapshots.as_of
    window to_date as (
        partition by pairs.fund_a, pairs.fund_b order by snapshots.as_of
    )
),

common as (
    select
        paired.fund_a,
        paired.fund_b,
        paired.as_of,
        count(*) as names,
        sum(case when one.weight < other.weight then one.weight else other.weight end) as overlap,
        sum(one.weight) as weight_a,
        sum(other.weight) as weight_b
    from paired
    inner join positions as one on paired.fund_a = one.fund and paired.as_of_a = one.as_of
    inner join positions as other
        on paired.fund_b = other.fund and paired.as_of_b = other.as_of and one.security_id = other.security_id
    group by paired.fund_a, paired.fund_b, paired.as_of
)

select
    paired.fund_a,
    paired.fund_b,
    paired.as_of,
    paired.as_of_a,
    paired.as_of_b,
    cast(coalesce(common.names, 0) as integer) as names_in_common,
    coalesce(common.overlap, 0) as overlap,
    coalesce(common.weight_a, 0) as common_weight_a,
    coalesce(common.weight_b, 0) as common_weight_b,
    {{ params_id() }} as params_id
from paired
left join common
    on paired.fund_a = common.fund_a and paired.fund_b = common.fund_b and paired.as_of = common.as_of
where paired.as_of_a is not null and paired.as_of_b is not null
