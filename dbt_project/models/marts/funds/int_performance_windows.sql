{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['performance']}) }}
{% set p = signal_parameters('performance', ['inception_days']) -%}
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
    {% for name, part, count in [
        ('1w', 'day', 7), ('1m', 'month', 1), ('3m', 'month', 3),
        ('1y', 'year', 1), ('3y', 'year', 3), ('5y', 'year', 5), ('10y', 'year', 10)
    ] -%}
    select
        fund,
        '{{ name }}' as window_name,
        cast({{ dbt.dateadd(part, -count, 'last_session') }} as date) as from_date,
        last_session as to_date,
        {{ 'true' if name == '1y' else 'false' }} as is_one_year,
        {{ 'false' if part == 'year' else 'true' }} as is_short,
        true as is_complete
    from history
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

-- A return over a session without a bar is not that of a day.
latest_day as (
    select
        history.fund,
        '1d' as window_name,
        history.last_session - 1 as from_date,
        history.last_session as to_date,
        false as is_one_year,
        true as is_short,
        true as is_complete
    from history
    inner join {{ ref('int_daily_returns') }} as returns on history.fund = returns.fund and history.last_session = returns.session
    where returns.sessions_spanned = 1
),

year_to_date as (
    select
        fund,
        'ytd' as window_name,
        cast({{ dbt.date_trunc('year', 'last_session') }} as date) - 1 as from_date,
        last_session as to_date,
        false as is_one_year,
        true as is_short,
        true as is_complete
    from history
),

whole as (
    select
        fund,
        'all' as window_name,
        first_session as from_date,
        last_session as to_date,
        false as is_one_year,
        false as is_short,
        true as is_complete
    from history
),

-- Closes that begin later than the fund say nothing about its first years.
since_inception as (
    select
        whole.fund,
        'inception' as window_name,
        whole.from_date,
        whole.to_date,
        whole.is_one_year,
        whole.is_short,
        whole.is_complete
    from whole
    inner join {{ ref('funds') }} as funds on whole.fund = funds.fund
    where {{ days_between('funds.inception', 'whole.from_date') }} between 0 and {{ p.inception_days | int }}
),

calendar_years as (
    select distinct
        returns.fund,
        {{ text('extract(year from returns.session)') }} as window_name,
        cast({{ dbt.date_trunc('year', 'returns.session') }} as date) - 1 as from_date,
        cast({{ dbt.dateadd('year', 1, dbt.date_trunc('year', 'returns.session')) }} as date) - 1 as to_date
    from {{ ref('int_daily_returns') }} as returns
),

-- A year is complete once a session after its last one is known.
judged_years as (
    select
        calendar_years.fund,
        calendar_years.window_name,
        calendar_years.from_date,
        calendar_years.to_date,
        history.last_session > calendar_years.to_date as is_one_year,
        history.last_session <= calendar_years.to_date as is_short,
        history.last_session > calendar_years.to_date as is_complete
    from calendar_years
    inner join history on calendar_years.fund = history.fund
),

windows as (
    select * from rolling
    union all
    select * from latest_day
    union all
    select * from year_to_date
    union all
    select * from whole
    union all
    select * from since_inception
    union all
    select * from judged_years
),

bounds as (
    select
        windows.fund,
        windows.window_name,
        windows.is_one_year,
        windows.is_short,
        windows.is_complete,
        max(case when returns.session <= windows.from_date then returns.session end) as start_session,
        max(returns.session) as end_session
    from windows
    inner join {{ ref('int_daily_returns') }} as returns
        on windows.fund = returns.fund and returns.session <= windows.to_date
    inner join history on windows.fund = history.fund and windows.from_date >= history.first_session
    group by windows.fund, windows.window_name, windows.is_one_year, windows.is_short, windows.is_complete
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
        when not is_short then {{ days_between('start_session', 'end_session') }} / 365.25e0
    end as years
from bounds
