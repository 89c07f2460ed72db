{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- From when to when each security has bars, and how many.
select
    security_no,
    min(session) as first_bar,
    max(session) as last_bar,
    count(*) as bars
from {{ ref('int_member_bars') }}
group by security_no
