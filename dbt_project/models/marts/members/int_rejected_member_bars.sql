{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The members' bars that were rejected, by the symbol and the session at the beginning of the line.
with lines as (
    select
        {{ normalised_ticker("split_part(rejects.content, ',', 1)") }} as ticker,
        split_part(rejects.content, ',', 2) as session,
        cast(documents.retrieved_at as date) as asked_on
    from {{ ref('stg_rejects') }} as rejects
    inner join {{ ref('stg_documents') }} as documents on rejects.document_id = documents.document_id
    where documents.kind = 'member_prices' and rejects.line is not null
),

dated as (
    select
        ticker,
        case when {{ matches('session', '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') }} then cast(session as date) end as session,
        asked_on
    from lines
)

select distinct
    holders.security_id,
    dated.session
from dated
inner join {{ ref('int_symbol_holders') }} as holders
    on dated.ticker = holders.ticker and holders.first_day <= dated.asked_on and holders.last_day >= dated.asked_on
where dated.session is not null
