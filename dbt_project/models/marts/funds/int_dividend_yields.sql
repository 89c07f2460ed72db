{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['fund_facts']}) }}
{% set p = signal_parameters('fund_facts', ['dividend_spacings']) -%}
{% set early, off_schedule, close = 0.75, 'cast(1 as double) / 3', 0.5 -%}
-- The annual payout of a fund at each month end, from the payments known by then: the last n regular dividends, where n is the
-- number its ex-dates are spaced for. Ex-dates drift by weeks, so twelve months can contain one too many or too few.
with first_sessions as (
    select
        fund,
        min(session) as first_session
    from {{ ref('int_daily_returns') }}
    group by fund
),

month_ends as (
    select
        month_ends.fund,
        month_ends.session,
        month_ends.close,
        first_sessions.first_session,
        cast({{ dbt.dateadd('year', -1, 'month_ends.session') }} as date) as year_before
    from {{ ref('int_month_ends') }} as month_ends
    inner join first_sessions on month_ends.fund = first_sessions.fund
),

payments as (
    select
        fund,
        ex_date,
        dividend,
        {{ days_between('lag(ex_date) over (partition by fund order by ex_date)', 'ex_date') }} as days_before
    from {{ ref('int_distributions') }}
    where dividend > 0
),

-- Four years contain the latest spacings of every schedule and the anniversaries of all payments that can count.
known as (
    select
        month_ends.fund,
        month_ends.session,
        month_ends.year_before,
        month_ends.close,
        payments.ex_date,
        payments.dividend,
        payments.days_before,
        row_number() over (partition by month_ends.fund, month_ends.session order by payments.ex_date desc) as recency
    from month_ends
    inner join payments
        on month_ends.fund = payments.fund
        and month_ends.session >= payments.ex_date
        and {{ days_between('payments.ex_date', 'month_ends.session') }} < 4 * 366
),

-- The median of the latest spacings: a special payment, which makes two short ones, does not change it.
spacings as (
    select
        *,
        median(case when recency <= {{ p.dividend_spacings | int }} then days_before end) over (partition by fund, session) as days
    from known
),

schedules as (
    select
        *,
        -- The limits are the geometric means between the schedules.
        case when days < 53 then 12 when days < 129 then 4 when days < 258 then 2 else 1 end as payments_a_year
    from spacings
),

scheduled as (
    select
        *,
        365.25e0 / payments_a_year as spacing
    from schedules
),

-- Days between a payment and the anniversary of an earlier one; NULL if none was paid about a year before.
anniversaries as (
    select
        later.fund,
        later.session,
        later.ex_date,
        min(abs({{ days_between('earlier.ex_date', 'later.ex_date') }} - 365)) as days_off
    from scheduled as later
    inner join scheduled as earlier
        on later.fund = earlier.fund
        and later.session = earlier.session
        and abs({{ days_between('earlier.ex_date', 'later.ex_date') }} - 365) <= later.spacing * {{ p.dividend_neighbour }}
    group by later.fund, later.session, later.ex_date
),

placed as (
    select
        scheduled.*,
        anniversaries.days_off,
        row_number() over (
            partition by scheduled.fund, scheduled.session order by anniversaries.days_off nulls last, scheduled.ex_date
        ) as fit
    from scheduled
    left join anniversaries
        on scheduled.fund = anniversaries.fund
        and scheduled.session = anniversaries.session
        and scheduled.ex_date = anniversaries.ex_date
),

-- A payment next to one that fits the schedule better, or one that is both early and off schedule, is special.
specials as (
    select distinct
        one.fund,
        one.session,
        one.ex_date
    from placed as one
    left join placed as other
        on one.fund = other.fund
        and one.session = other.session
        and one.ex_date <> other.ex_date
        and abs({{ days_between('one.ex_date', 'other.ex_date') }}) < one.spacing * {{ p.dividend_neighbour }}
        and one.fit > other.fit
    where other.ex_date is not null
        or (one.days_before < one.spacing * {{ p.dividend_early }} and one.days_off > one.spacing * {{ p.dividend_drift }})
),

judged as (
    select
        placed.*,
        specials.ex_date is not null as is_special,
        row_number() over (
            partition by placed.fund, placed.session, specials.ex_date is not null order by placed.ex_date desc
        ) as turn
    from placed
    left join specials
        on placed.fund = specials.fund and placed.session = specials.session and placed.ex_date = specials.ex_date
),

-- A payment older than a year and half a spacing no longer counts: the fund has stopped paying.
summed as (
    select
        fund,
        session,
        max(payments_a_year) as payments_a_year,
        sum(
            case
                when not is_special and turn <= payments_a_year
                    and {{ days_between('ex_date', 'session') }} < 365 + spacing * {{ p.dividend_neighbour }} then dividend
            end
        ) as regular,
        sum(case when is_special and ex_date > year_before then dividend end) as special
    from judged
    group by fund, session
)

select
    month_ends.fund,
    month_ends.session,
    summed.payments_a_year,
    coalesce(summed.regular, 0) / month_ends.close as dividend_yield,
    coalesce(summed.special, 0) / month_ends.close as special_dividend_yield
from month_ends
left join summed on month_ends.fund = summed.fund and month_ends.session = summed.session
where month_ends.year_before >= month_ends.first_session
