-- IWM and SPY side by side on the sessions on which both have a bar.
select
    iwm.session,
    iwm.session_no,
    iwm.total_return_index as iwm_index,
    spy.total_return_index as spy_index
from {{ ref('int_daily_returns') }} as iwm
inner join {{ ref('int_daily_returns') }} as spy on iwm.session = spy.session and spy.fund = 'SPY'
where iwm.fund = 'IWM'
