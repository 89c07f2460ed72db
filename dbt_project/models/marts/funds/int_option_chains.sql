{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- One chain a fund and session: that of regular hours if there is one. A fund without options has a chain without expirations.
with chains as (
    select fund, session, phase, observed_at from {{ ref('stg_fund_quotes') }}
    union
    select distinct fund, session, phase, observed_at from {{ ref('stg_option_expirations') }}
),

lists as (
    select fund, session, phase, min(expiration) as first_expiration
    from {{ ref('stg_option_expirations') }}
    group by fund, session, phase
),

preferred as (
    select
        fund,
        session,
        phase,
        max(observed_at) as observed_at,
        row_number() over (partition by fund, session order by case phase when 'regular' then 1 else 2 end) as preference
    from chains
    group by fund, session, phase
)

select
    preferred.fund,
    preferred.session,
    preferred.phase,
    preferred.observed_at,
    -- Contracts that expired on the session leave the list on the next day in New York, which begins at 4 or 5 o'clock UTC.
    lists.fund is null
    or cast({{ dbt.dateadd('hour', -4, 'preferred.observed_at') }} as date) <= preferred.session
    or lists.first_expiration <= preferred.session as has_every_expiration
from preferred
left join lists
    on preferred.fund = lists.fund and preferred.session = lists.session and preferred.phase = lists.phase
where preferred.preference = 1
