{{ config(meta={'signals': ['clock']}) }}
{% set p = signal_parameters('clock', ['final_bar_minutes']) -%}
-- The latest session whose closing bar is final at the run's clock: ages of data and countdowns are measured from it.
with final_sessions as (
    select
        session,
        session_no,
        row_number() over (order by session desc) as recency
    from {{ ref('stg_sessions') }}
    where {{ dbt.dateadd('minute', p.final_bar_minutes | int, 'closes_at') }} <= {{ clock() }}
)

select
    session,
    session_no,
    cast({{ clock() }} as date) as clock_date
from final_sessions
where recency = 1
