{{ config(materialized='view', schema='intermediate', access='private', contract={'enforced': false}) }}
-- The bars of each security: of all observations of a session, the newest; none of a session that the newest calendar no longer has.
-- A view, because writing millions of bars again costs more than joining them to the few answers wherever they are read.
select
    answers.security_no,
    observations.session,
    sessions.session_no,
    observations.high,
    observations.low,
    observations.close,
    observations.volume
from {{ ref('stg_member_observations') }} as observations
inner join {{ ref('int_member_answers') }} as answers
    on observations.symbol = answers.symbol
    and observations.observed_at = answers.observed_at
    and observations.document_id = answers.document_id
inner join {{ ref('stg_sessions') }} as sessions on observations.session = sessions.session
left join {{ ref('int_member_restatements') }} as restatements
    on answers.security_no = restatements.security_no and observations.session = restatements.session
where answers.answer_no = coalesce(restatements.newest_answer_no, 1)
