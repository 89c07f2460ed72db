{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Whole months of IWM and SPY, numbered, with the direction of the Fed's last move at their end. The newest month may still run.
with months as (
    select
        iwm.month_start,
        iwm.session,
        iwm.total_return_index as iwm_index,
        spy.total_return_index as spy_index,
        max(iwm.month_start) over () as newest_month
    from {{ ref('int_month_ends') }} as iwm
    inner join {{ ref('int_month_ends') }} as spy on iwm.month_start = spy.month_start and iwm.session = spy.session
    where iwm.fund = 'IWM' and spy.fund = 'SPY'
)

select
    months.month_start,
    months.session,
    row_number() over (order by months.month_start) as month_no,
    months.iwm_index,
    months.spy_index,
    case when rates.last_move < 0 then 'easing' when rates.last_move > 0 then 'tightening' end as stance
from months
left join {{ ref('rate_regime_daily') }} as rates on months.session = rates.session
where months.month_start < months.newest_month
