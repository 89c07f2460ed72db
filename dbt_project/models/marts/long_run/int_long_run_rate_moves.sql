{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['long_run']}) }}
{% set p = signal_parameters('long_run', ['rate_step']) -%}
-- Moves of the policy rate since 1954. Where no target is known, a move is a change of the effective rate's mean from one month to
-- the next; it is known on the day after the month.
with target_begins as (
    select coalesce(min(session), date '9999-12-31') as first_session from {{ ref('policy_rate_daily') }}
),

effective as (
    select
        date,
        cast({{ dbt.date_trunc('month', 'date') }} as date) as month_start,
        value / 100 as rate
    from {{ ref('stg_rates') }}
    where series = 'DFF' and value is not null
),

months as (
    select
        month_start,
        cast({{ dbt.dateadd('month', 1, 'month_start') }} as date) as known_from,
        avg(rate) as rate,
        max(date) as last_day
    from effective
    group by month_start
),

-- A month is over once its last day, or a later one, is known.
whole_months as (
    select
        month_start,
        known_from,
        rate - lag(rate) over (order by month_start) as move,
        lag(known_from) over (order by month_start) as known_from_before
    from (
        select
            *,
            max(month_start) over () as newest_month
        from months
    ) as aged
    where last_day = known_from - 1 or month_start < newest_month
)

select
    whole_months.known_from as effective_from,
    whole_months.move
from whole_months
cross join target_begins
where whole_months.known_from_before = whole_months.month_start  -- no month is missing between the two
    and abs(whole_months.move) >= {{ p.rate_step }}
    and whole_months.known_from < target_begins.first_session
union all
select
    move_date as effective_from,
    move
from {{ ref('policy_rate_daily') }}
where move is not null
