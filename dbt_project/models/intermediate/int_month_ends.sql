-- Dates at which slow-moving fund figures are computed: each month's last session with a bar; in the current month, the latest
-- session.
select
    fund,
    max(session) as session,
    max(session_no) as session_no
from {{ ref('int_daily_returns') }}
group by fund, {{ dbt.date_trunc('month', 'session') }}
