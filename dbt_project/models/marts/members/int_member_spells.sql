{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- A security's bars on sessions in a row are one spell.
with numbered as (
    select
        security_no,
        session,
        session_no,
        session_no - row_number() over (partition by security_no order by session) as spell
    from {{ ref('int_member_bars') }}
)

select
    security_no,
    min(session) as first_session,
    max(session) as last_session,
    min(session_no) as first_no,
    max(session_no) as last_no,
    count(*) as bars
from numbered
group by security_no, spell
