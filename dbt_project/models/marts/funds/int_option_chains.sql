{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- One chain a fund and session: that of regular hours if there is one. A fund without options has a chain without expirations.
with chains as (
    select fund, session, phase, observed_at from {{ ref('stg_fund_quotes') }}
    union
    select distinct fund, session, phase, observed_at from {{ ref('stg_option_expirations') }}
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
    fund,
    session,
    phase,
    observed_at
from preferred
where preference = 1
