{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The difference of each label within each era of the long run.
{{ label_eras(ref('int_long_run_labels'), ref('int_long_run_returns'), 'long_run', subject='series') }}

select
    labelled.signal,
    labelled.series,
    labelled.label,
    labelled.horizon,
    labelled.target,
    labelled.era,
    labelled.total_return / labelled.sessions
    - (every_session.total_return - labelled.total_return) / nullif(every_session.sessions - labelled.sessions, 0) as difference
from labelled
inner join every_session using (signal, series, era, target, horizon)
