{{ config(meta={'signals': ['scorecard']}) }}
-- The difference within each era: the label's mean forward return there minus that of the rest of the signal's history there.
with spans as (
    select
        signal,
        subject,
        min(session_no) as first_no,
        max(session_no) as last_no
    from {{ ref('int_signal_labels') }}
    group by signal, subject
),

eras as (
    select
        era,
        name as era_name,
        first_day,
        last_day
    from {{ ref('evidence_eras') }}
    where history = 'recent'
),

returns as (
    select
        eras.era,
        eras.era_name,
        forward.target,
        forward.horizon,
        forward.session_no,
        forward.forward_return
    from {{ ref('int_forward_returns') }} as forward
    inner join eras on forward.session between eras.first_day and eras.last_day
),

every_session as (
    select
        spans.signal,
        spans.subject,
        returns.era,
        returns.target,
        returns.horizon,
        sum(returns.forward_return) as total_return,
        count(*) as sessions
    from returns
    inner join spans on returns.session_no between spans.first_no and spans.last_no
    group by spans.signal, spans.subject, returns.era, returns.target, returns.horizon
),

labelled as (
    select
        labels.signal,
        labels.subject,
        labels.label,
        returns.era,
        returns.era_name,
        returns.target,
        returns.horizon,
        sum(returns.forward_return) as total_return,
        count(*) as sessions
    from {{ ref('int_signal_labels') }} as labels
    inner join returns on labels.session_no = returns.session_no
    where labels.label is not null
    group by labels.signal, labels.subject, labels.label, returns.era, returns.era_name, returns.target, returns.horizon
)

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
