{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The windows that each fund's history covers: from one close to another, both with a bar.
with history as (
    select
        fund,
        min(session) as first_session,
        max(session) as last_session
    from {{ ref('int_daily_returns') }}
    group by fund
),

rolling as (
    {% for years in [1, 3, 5, 10] -%}
    select
        fund,
        '{{ years }}y' as window_name,
        cast({{ dbt.dateadd('year', -years, 'last_session') }} as date) as from_date,
        last_session as to_date,
        {{ 'true' if years == 1 else 'false' }} as is_one_year,
        true as is_complete
    from history
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

whole as (
    select
        fund,
        'all' as window_name,
        first_session as from_date,
        last_session as to_date,
        false as is_one_year,
        true as is_complete
    from history
),

calendar_years as (
    select distinct
        returns.fund,
        {{ text('extract(year from returns.session)') }} as window_name,
        cast({{ dbt.date_trunc('year', 'returns.session') }} as date) - 1 as from_date,
        cast({{ dbt.dateadd('year', 1, dbt.date_trunc('year', 'returns.session')) }} as date) - 1 as to_date,
        true as is_one_year
    from {{ ref('int_daily_returns') }} as returns
),

-- A year is complete once a session after its last one is known.
judged_years as (
    select
        calendar_years.fund,
        calendar_years.window_name,
        calendar_years.from_date,
        calendar_years.to_date,
        calendar_years.is_one_year,
        history.last_session > calendar_years.to_date as is_complete
    from calendar_years
    inner join history on calendar_years.fund = history.fund
),

windows as (
    select * from rolling
    union all
    select * from whole
    union all
    select * from judged_years
),

bounds as (
    select
        windows.fund,
        windows.window_name,
        windows.is_one_year,
        windows.is_complete,
        max(case when returns.session <= windows.from_date then returns.session end) as start_session,
        max(returns.session) as end_session
    from windows
    inner join {{ ref('int_daily_returns') }} as returns
        on windows.fund = returns.fund and returns.session <= windows.to_date
    inner join history on windows.fund = history.fund and windows.from_date >= history.first_session
    group by windows.fund, windows.window_name, windows.is_one_year, windows.is_complete
)

select
    fund,
    window_name,
    is_complete,
    start_session,
    end_session,
    -- A one-year window counts as one year, whether its closes are 364 or 366 days apart.
    case
        when is_one_year then cast(1 as double)
        else {{ days_between('start_session', 'end_session') }} / 365.25e0
    end as years
from bounds
