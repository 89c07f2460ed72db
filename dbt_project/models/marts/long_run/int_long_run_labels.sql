{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The labels as the evidence reads them: known ones only, with the spell they belong to. A day without a label ends a spell.
with labels as (
    select
        signal,
        series,
        label,
        session,
        session_no,
        lag(label) over signal_sessions as label_before,
        lag(session_no) over signal_sessions as session_no_before
    from {{ ref('long_run_labels') }}
    where label is not null
    window signal_sessions as (partition by signal, series order by session_no)
)

select
    signal,
    series,
    label,
    session,
    session_no,
    -- As in int_signal_labels: the spells of one rate cycle are one piece of evidence.
    case
        when signal = 'rate_regime'
            then cast(sum(case when label = 'hiking' and label_before in ('cutting', 'hold_after_cuts') then 1 else 0 end) over (
                partition by signal, series order by session_no rows between unbounded preceding and current row
            ) as integer)
    end as cycle_no,
    cast(sum(case when session_no = session_no_before + 1 and label = label_before then 0 else 1 end) over (
        partition by signal, series order by session_no rows between unbounded preceding and current row
    ) as integer) as spell_no
from labels
