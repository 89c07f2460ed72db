{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['settled_days', 'outcome_days']) -%}
-- Who was in the Russell 2000 and the Russell 3000 after an event, by the first snapshot of each fund some days later and before the next
-- event. Without the Russell 2000 fund's nothing is judged; the last date that is used is the one by which the event is judged.
with events as (
    select
        event,
        effective,
        lead(effective) over (order by effective) as next_effective
    from {{ ref('reconstitutions') }}
),

holders as (
    select
        lines.fund,
        funds.index_name,
        lines.as_of
    from {{ ref('int_security_lines') }} as lines
    inner join {{ ref('funds') }} as funds on lines.fund = funds.fund
    where funds.index_name in ('Russell 2000', 'Russell 3000') and funds.role <> 'compared'
    group by lines.fund, funds.index_name, lines.as_of
),

snapshots as (
    select
        events.event,
        holders.index_name,
        holders.fund,
        holders.as_of,
        row_number() over (partition by events.event, holders.index_name order by holders.as_of) as turn
    from events
    inner join holders
        on {{ days_between('events.effective', 'holders.as_of') }} between {{ p.settled_days | int }} and {{ p.outcome_days | int }}
        and (holders.as_of < events.next_effective or events.next_effective is null)
),

held as (
    select
        snapshots.event,
        snapshots.index_name,
        snapshots.as_of,
        lines.security_id,
        lines.ticker
    from snapshots
    inner join {{ ref('int_security_lines') }} as lines on snapshots.fund = lines.fund and snapshots.as_of = lines.as_of
    where snapshots.turn = 1 and lines.holdings_class = 'equity'
)

select
    event,
    security_id,
    max(case when index_name = 'Russell 2000' then ticker end) as symbol,
    case
        when max(max(case when index_name = 'Russell 2000' then 1 else 0 end)) over (partition by event) = 1
            then max(max(as_of)) over (partition by event)
    end as judged_by,
    max(case when index_name = 'Russell 2000' then 1 else 0 end) = 1 as is_small,
    max(case when index_name = 'Russell 3000' then 1 else 0 end) = 1 as is_broad,
    max(max(case when index_name = 'Russell 3000' then 1 else 0 end)) over (partition by event) = 1 as is_broad_known
from held
group by event, security_id
