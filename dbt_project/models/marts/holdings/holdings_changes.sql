{{ config(
    materialized='incremental',
    pre_hook="{{ forget_changed_snapshots(ref('int_snapshot_pairs'),
        'sum(case when weight is not null then hash(security_id, previous_as_of, weight) end),
        sum(case when weight_before is not null then hash(security_id, previous_as_of, weight_before) end)') }}"
) }}
-- depends_on: {{ ref('signal_parameters') }}
{%- set p = signal_parameters('holdings_changes', ['reconstitution_days']) %}
-- Every equity of two consecutive snapshots, by security: a change of ticker is not a change.
with compared as (
    select
        pairs.fund,
        pairs.as_of,
        pairs.security_id,
        max(pairs.previous_as_of) as previous_as_of,
        max(pairs.weight) as weight,
        max(pairs.weight_before) as weight_before
    from {{ ref('int_snapshot_pairs') }} as pairs
    where {{ is_missing('pairs', ref('int_equity_positions')) }}
    group by pairs.fund, pairs.as_of, pairs.security_id
),

-- An index fund trades additions and deletions on the effective day and for some time after, so a change between the two
-- snapshots can be due to the reconstitution.
reconstituted as (
    select
        snapshots.fund,
        snapshots.as_of,
        max(events.event) as reconstitution
    from (select distinct fund, as_of, previous_as_of from compared) as snapshots
    inner join {{ ref('funds') }} as funds on snapshots.fund = funds.fund and funds.index_name like 'Russell%'
    inner join {{ ref('reconstitutions') }} as events
        on snapshots.as_of >= events.effective
        and {{ dbt.datediff('events.effective', 'snapshots.previous_as_of', 'day') }} < {{ p.reconstitution_days }}
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
    '{{ p.params_id }}' as params_id
from compared
left join reconstituted on compared.fund = reconstituted.fund and compared.as_of = reconstituted.as_of
order by compared.fund, compared.as_of, compared.security_id
