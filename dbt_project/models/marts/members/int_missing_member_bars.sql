{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Each member without a bar on each session, and why.
with expected as (
    select
        sessions.universe,
        sessions.session,
        members.security_id,
        members.ticker,
        members.weight
    from {{ ref('int_breadth_sessions') }} as sessions
    inner join {{ ref('int_universe_members') }} as members
        on sessions.universe = members.universe and sessions.as_of = members.as_of
    where sessions.basis = 'point_in_time'
),

missing as (
    select expected.*
    from expected
    left join {{ ref('int_member_measures') }} as measures
        on expected.security_id = measures.security_id and expected.session = measures.session
    where measures.security_id is null
),

priced_securities as (
    select distinct security_id from {{ ref('int_member_measures') }}
)

select
    missing.universe,
    missing.session,
    missing.security_id,
    missing.weight,
    case
        when missing.ticker is null then 'no_symbol'
        when rejected.security_id is not null then 'bar_rejected'
        when priced_securities.security_id is null then 'never_priced'
        else 'no_bar'
    end as reason
from missing
left join {{ ref('int_rejected_member_bars') }} as rejected
    on missing.security_id = rejected.security_id and missing.session = rejected.session
left join priced_securities on missing.security_id = priced_securities.security_id
