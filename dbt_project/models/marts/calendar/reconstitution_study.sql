{{ config(meta={'signals': ['reconstitution']}) }}
{% set p = signal_parameters('reconstitution', ['volume_sessions']) -%}
with volumes as (
    select
        sessions.session_no,
        bars.volume
    from {{ ref('int_bars_on_current_basis') }} as bars
    inner join {{ ref('stg_sessions') }} as sessions on bars.session = sessions.session
    where bars.fund = 'IWM'
),

returns as (
    select
        windows.event,
        windows.window_name,
        windows.start_no,
        windows.end_no,
        windows.sessions,
        first_close.session as start_session,
        last_close.session as end_session,
        last_close.iwm_index / first_close.iwm_index - 1 as iwm_return,
        last_close.spy_index / first_close.spy_index - 1 as spy_return
    from {{ ref('int_reconstitution_windows') }} as windows
    inner join {{ ref('int_iwm_and_spy') }} as first_close on windows.start_no = first_close.session_no
    inner join {{ ref('int_iwm_and_spy') }} as last_close on windows.end_no = last_close.session_no
),

volume_before as (
    select
        returns.event,
        returns.window_name,
        median(volumes.volume) as usual_volume
    from returns
    inner join volumes
        on volumes.session_no <= returns.start_no
        and volumes.session_no > returns.start_no - {{ p.volume_sessions | int }}
    group by returns.event, returns.window_name
    having count(*) = {{ p.volume_sessions | int }}
),

volume_within as (
    select
        returns.event,
        returns.window_name,
        avg(volumes.volume) as mean_volume
    from returns
    inner join volumes on volumes.session_no > returns.start_no and volumes.session_no <= returns.end_no
    group by returns.event, returns.window_name
)

select
    returns.event,
    returns.window_name,
    returns.start_session,
    returns.end_session,
    cast(returns.sessions as integer) as sessions,
    returns.iwm_return,
    returns.spy_return,
    returns.iwm_return - returns.spy_return as iwm_minus_spy,
    volume_within.mean_volume / volume_before.usual_volume as volume_ratio,
    {{ params_id() }} as params_id
from returns
left join volume_within on returns.event = volume_within.event and returns.window_name = volume_within.window_name
left join volume_before on returns.event = volume_before.event and returns.window_name = volume_before.window_name
