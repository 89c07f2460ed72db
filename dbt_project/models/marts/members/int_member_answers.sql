{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The member that each answer of the vendor is about: the security that had the symbol when the vendor was asked. The answers of a
-- security are numbered in the order of the questions.
with questions as (
    select distinct
        symbol,
        ticker,
        observed_at,
        document_id
    from {{ ref('stg_member_observations') }}
),

members as (
    select distinct
        security_id,
        security_no
    from {{ ref('int_universe_members') }}
)

select
    questions.symbol,
    questions.observed_at,
    questions.document_id,
    members.security_no,
    row_number() over (
        partition by members.security_no order by questions.observed_at, questions.document_id, questions.symbol
    ) as answer_no
from questions
inner join {{ ref('int_symbol_holders') }} as holders
    on questions.ticker = holders.ticker
    and holders.first_day <= cast(questions.observed_at as date)
    and holders.last_day >= cast(questions.observed_at as date)
inner join members on holders.security_id = members.security_id
