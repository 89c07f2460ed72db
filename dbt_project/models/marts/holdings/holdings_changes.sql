{{ config(meta={'signals': ['holdings_changes']}) }}
{%- set p = signal_parameters('holdings_changes', ['reconstitution_days']) %}
-- Every equity of two consecutive snapshots, by security: a change of ticker is not a change.
with snapshots as (
    select
        fund,
        as_of,
        lag(as_of) over (partition by fund order by as_of) as previous_as_of
    from (select distinct fund, as_of from {{ ref('int_equity_positions') }}) as dates
),

sides as (
    select
        snapshots.fund,
        snapshots.as_of,
        snapshots.previous_as_of,
        positions.security_id,
        positions.weight,
        cast(null as double) as weight_before
    from snapshots
    inner join {{ ref('int_equity_positions') }} as positions
        on snapshots.fund = positions.fund and snapshots.as_of = positions.as_of
    where snapshots.previous_as_of is not null
    union all
    select snapshots.fund, snapshots.as_of, snapshots.previous_as_of, positions.security_id, null, positions.weight
    from snapshots
    inner join {{ ref('int_equity_positions') }} as positions
        on snapshots.fund = positions.fund and snapshots.previous_as_of = positions.as_of
),

compared as (
    select
        fund,
        as_of,
        security_id,
        previous_as_of,
        max(weight) as weight,
        max(weight_before) as weight_before
    from sides
    group by fund, as_of, security_id, previous_as_of
),

-- An index fund trades additions and deletions on the effective day and for some time after, so a change between the two
-- snapshots can be due to the reconstitution.
reconstituted as (
    select
        snapshots.fund,
        snapshots.as_of,
        max(events.event) as reconstitution
    from snapshots
    inner join {{ ref('funds') }} as funds on snapshots.fund = funds.fund and funds.index_name like 'Russell%'
    inner join {{ ref('reconstitutions') }} as events
        on snapshots.as_of >= events.effective
        and {{ days_between('events.effective', 'snapshots.previous_as_of') }} < {{ p.reconstitution_days }}
    group by snapshots.fund, snapshots.as_of
)

select
    compared.fund,
    compared.as_of,
    compared.security_id,
    compared.previous_as_of,
    case when compared.weight_before is null then 'added' when compared.weight is null then 'removed' else 'kept' end as change,
    compared.weight,
    compared.weight_before,
    coalesce(compared.weight, 0) - coalesce(compared.weight_before, 0) as weight_change,
    reconstituted.reconstitution,
    reconstituted.reconstitution is not null and (compared.weight is null or compared.weight_before is null)
        as is_reconstitution,
    {{ params_id() }} as params_id
from compared
left join reconstituted on compared.fund = reconstituted.fund and compared.as_of = reconstituted.as_of
