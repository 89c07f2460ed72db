-- Days on which slowly moving figures of a fund are taken: each month's last session with a bar. The running month's is its newest.
select
    fund,
    max(session) as session,
    max(session_no) as session_no
from {{ ref('int_daily_returns') }}
group by fund, {{ dbt.date_trunc('month', 'session') }}
