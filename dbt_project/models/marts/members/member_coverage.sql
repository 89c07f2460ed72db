{{ config(meta={'signals': ['member_coverage']}) }}
{% set p = signal_parameters('member_coverage', ['stopped_sessions']) -%}
with newest_lines as (
    select
        universe,
        security_id,
        security_no,
        ticker,
        name,
        as_of,
        weight,
        row_number() over (partition by universe, security_id order by as_of desc) as recency
    from {{ ref('int_universe_members') }}
),

session_counts as (
    select
        universe,
        as_of,
        count(*) as sessions
    from {{ ref('int_member_counts') }}
    where basis = 'point_in_time'
    group by universe, as_of
),

expected as (
    select
        members.universe,
        members.security_id,
        sum(session_counts.sessions) as sessions
    from {{ ref('int_universe_members') }} as members
    inner join session_counts on members.universe = session_counts.universe and members.as_of = session_counts.as_of
    group by members.universe, members.security_id
),

missing as (
    select
        universe,
        security_id,
        count(*) as sessions,
        count(case when reason = 'bar_rejected' then 1 end) as rejected_sessions,
        max(session) as last_missing
    from {{ ref('int_missing_member_bars') }}
    group by universe, security_id
),

bars as (
    select
        security_no,
        min(first_session) as first_bar,
        max(last_session) as last_bar,
        max(last_no) as last_bar_no,
        sum(bars) as bars
    from {{ ref('int_member_spells') }}
    group by security_no
),

newest as (
    select max(last_bar_no) as session_no from bars
)

select
    newest_lines.universe,
    newest_lines.security_id,
    newest_lines.ticker,
    newest_lines.name,
    newest_lines.as_of as last_held_on,
    newest_lines.weight,
    bars.first_bar,
    bars.last_bar,
    cast(coalesce(bars.bars, 0) as integer) as bars,
    cast(coalesce(expected.sessions, 0) as integer) as sessions_expected,
    cast(coalesce(missing.sessions, 0) as integer) as sessions_missing,
    cast(coalesce(missing.rejected_sessions, 0) as integer) as sessions_rejected,
    missing.last_missing,
    case
        when newest_lines.ticker is null then 'no_symbol'
        when bars.security_no is null then 'never_priced'
        when newest.session_no - bars.last_bar_no >= {{ p.stopped_sessions | int }} then 'stopped'
        when bars.bars < 252 then 'short_history'
        when missing.sessions > 0 then 'gaps'
        else 'complete'
    end as coverage,
    {{ params_id() }} as params_id
from newest_lines
cross join newest
left join bars on newest_lines.security_no = bars.security_no
left join expected on newest_lines.universe = expected.universe and newest_lines.security_id = expected.security_id
left join missing on newest_lines.universe = missing.universe and newest_lines.security_id = missing.security_id
where newest_lines.recency = 1
