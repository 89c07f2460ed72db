-- Dates at which slow-moving fund figures are computed: each month's last session with a bar; in the current month, the latest
-- session.
with months as (
    select
        fund,
        cast({{ dbt.date_trunc('month', 'session') }} as date) as month_start,
        max(session) as session
    from {{ ref('int_daily_returns') }}
    group by fund, cast({{ dbt.date_trunc('month', 'session') }} as date)
)

select
    months.fund,
    months.month_start,
    months.session,
    returns.session_no,
    returns.close,
    returns.total_return_index
from months
inner join {{ ref('int_daily_returns') }} as returns on months.fund = returns.fund and months.session = returns.session
