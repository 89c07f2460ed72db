-- The calendar is known in advance: its sessions extend beyond the last price.
with sessions as (
    select
        session,
        session_no,
        opens_at,
        closes_at,
        is_half_day,
        cast(extract(year from session) as integer) as session_year,
        cast(extract(month from session) as integer) as session_month
    from {{ ref('stg_sessions') }}
)

select
    session,
    cast(session_no as integer) as session_no,
    session_year,
    cast(extract(quarter from session) as integer) as session_quarter,
    session_month,
    session = max(session) over (partition by session_year, session_month) as is_month_end,
    is_half_day,
    opens_at,
    closes_at
from sessions
