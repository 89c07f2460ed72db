-- The calendar is known in advance: it is not cut at `known_at`.
with newest as (
    select
        session,
        opens_at,
        closes_at,
        is_half_day,
        row_number() over (partition by session order by observed_at desc, document_id desc) as recency
    from {{ source('raw', 'sessions') }}
)

select
    session,
    opens_at,
    closes_at,
    is_half_day,
    row_number() over (order by session) as session_no
from newest
-- The newest calendar no longer has a session without trading time.
where recency = 1 and closes_at > opens_at
