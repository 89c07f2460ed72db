{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The calendar of the factors, numbered, with what was earned on each session and the indexes that it makes.
with numbered as (
    select
        session,
        row_number() over (order by session) as session_no,
        market_excess + risk_free as market_return,
        small_minus_large,
        risk_free
    from {{ ref('stg_factors') }}
)

select
    session,
    cast(session_no as integer) as session_no,
    market_return,
    small_minus_large,
    risk_free,
    sum(ln(1 + market_return)) over (order by session rows between unbounded preceding and current row) as market_log_index,
    sum(ln(1 + small_minus_large)) over (order by session rows between unbounded preceding and current row) as size_log_index
from numbered
