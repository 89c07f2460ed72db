{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The sessions of a security that a later answer than its first one restates or adds, with the newest such answer.
select
    answers.security_no,
    observations.session,
    max(answers.answer_no) as newest_answer_no
from {{ ref('stg_member_observations') }} as observations
inner join {{ ref('int_member_answers') }} as answers
    on observations.symbol = answers.symbol
    and observations.observed_at = answers.observed_at
    and observations.document_id = answers.document_id
where answers.answer_no > 1
group by answers.security_no, observations.session
