{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Each member without a bar on each session from the first to the last on which any member has one, and why.
with span as (
    select
        min(first_bar) as first_session,
        max(last_bar) as last_session
    from {{ ref('int_member_spans') }}
),

expected as (
    select
        sessions.universe,
        sessions.session,
        sessions.as_of,
        members.security_no
    from {{ ref('int_breadth_sessions') }} as sessions
    inner join span on sessions.session between span.first_session and span.last_session
    inner join {{ ref('int_universe_members') }} as members
        on sessions.universe = members.universe and sessions.as_of = members.as_of
    where sessions.basis = 'point_in_time'
),

missing as (
    select expected.*
    from expected
    left join {{ ref('int_member_bars') }} as bars
        on expected.security_no = bars.security_no and expected.session = bars.session
    where bars.security_no is null
)

select
    missing.universe,
    missing.session,
    members.security_id,
    members.weight,
    case
        when members.ticker is null then 'no_symbol'
        when rejected.security_id is not null then 'bar_rejected'
        when spans.security_no is null then 'never_priced'
        else 'no_bar'
    end as reason
from missing
inner join {{ ref('int_universe_members') }} as members
    on missing.universe = members.universe and missing.as_of = members.as_of and missing.security_no = members.security_no
left join {{ ref('int_rejected_member_bars') }} as rejected
    on members.security_id = rejected.security_id and missing.session = rejected.session
left join {{ ref('int_member_spans') }} as spans on missing.security_no = spans.security_no
