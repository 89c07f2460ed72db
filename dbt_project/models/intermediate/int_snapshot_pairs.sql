{{ config(materialized='view') }}
-- What a fund holds of each equity in a snapshot, and what it held in its snapshot before.
with snapshots as (
    select
        fund,
        as_of,
        lag(as_of) over (partition by fund order by as_of) as previous_as_of
    from (select distinct fund, as_of from {{ ref('int_equity_positions') }}) as dates
)

select
    snapshots.fund,
    snapshots.as_of,
    snapshots.previous_as_of,
    positions.security_id,
    false as is_before,
    positions.weight,
    null as weight_before
from snapshots
inner join {{ ref('int_equity_positions') }} as positions
    on snapshots.fund = positions.fund and snapshots.as_of = positions.as_of
where snapshots.previous_as_of is not null
union all
select
    snapshots.fund,
    snapshots.as_of,
    snapshots.previous_as_of,
    positions.security_id,
    true as is_before,
    null as weight,
    positions.weight as weight_before
from snapshots
inner join {{ ref('int_equity_positions') }} as positions
    on snapshots.fund = positions.fund and snapshots.previous_as_of = positions.as_of
