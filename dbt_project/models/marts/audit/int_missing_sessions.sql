{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Sessions without a bar between a fund's first and last bar. Listed, never filled.
with spans as (
    select
        fund,
        min(session) as first_session,
        max(session) as last_session
    from {{ ref('int_bars_on_current_basis') }}
    group by fund
)

select
    spans.fund,
    sessions.session
from spans
inner join {{ ref('stg_sessions') }} as sessions on sessions.session between spans.first_session and spans.last_session
left join {{ ref('int_bars_on_current_basis') }} as bars on spans.fund = bars.fund and sessions.session = bars.session
where bars.session is null
