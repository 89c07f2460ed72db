{{ config(meta={'signals': ['scorecard']}) }}
-- The difference within each era: the label's mean forward return there minus that of the rest of the signal's history there.
{{ label_eras(ref('int_signal_labels'), ref('int_forward_returns'), 'recent') }}

select
    labelled.signal,
    labelled.subject,
    labelled.label,
    cast(labelled.horizon as integer) as horizon,
    labelled.target,
    cast(labelled.era as integer) as era,
    labelled.era_name,
    cast(labelled.sessions as integer) as sessions,
    labelled.total_return / labelled.sessions as mean_return,
    (every_session.total_return - labelled.total_return) / nullif(every_session.sessions - labelled.sessions, 0) as rest_return,
    labelled.total_return / labelled.sessions
    - (every_session.total_return - labelled.total_return) / nullif(every_session.sessions - labelled.sessions, 0) as difference,
    {{ params_id() }} as params_id
from labelled
inner join every_session using (signal, subject, era, target, horizon)
