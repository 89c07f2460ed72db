{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The ratio of each pair on every session since both funds trade; NULL on a session on which either bar is missing.
with legs as (
    select
        pairs.pair,
        sessions.session,
        numerator.close / denominator.close as ratio,
        numerator.total_return_index / denominator.total_return_index as index_ratio
    from {{ ref('pairs') }} as pairs
    cross join {{ ref('stg_sessions') }} as sessions
    left join {{ ref('int_daily_returns') }} as numerator
        on pairs.numerator = numerator.fund and sessions.session = numerator.session
    left join {{ ref('int_daily_returns') }} as denominator
        on pairs.denominator = denominator.fund and sessions.session = denominator.session
),

spans as (
    select
        pair,
        min(session) as first_session,
        max(session) as last_session
    from legs
    where ratio is not null
    group by pair
),

bases as (
    select
        legs.pair,
        legs.index_ratio as first_index_ratio
    from legs
    inner join spans on legs.pair = spans.pair and legs.session = spans.first_session
)

select
    legs.pair,
    legs.session,
    legs.ratio,
    legs.index_ratio / bases.first_index_ratio as ratio_total_return,
    ln(legs.ratio) as log_ratio,
    -- Numbers the sessions with a ratio: windows are measured in these, so that a gap does not shift them.
    case
        when legs.ratio is not null then cast(sum(case when legs.ratio is not null then 1 else 0 end) over (
            partition by legs.pair order by legs.session rows between unbounded preceding and current row
        ) as bigint)
    end as ratio_no
from legs
inner join spans on legs.pair = spans.pair and legs.session between spans.first_session and spans.last_session
inner join bases on legs.pair = bases.pair
