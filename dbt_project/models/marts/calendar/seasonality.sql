-- depends_on: {{ ref('signal_parameters') }}
{%- set p = signal_parameters('seasonality', ['chance']) %}
-- Complete calendar months only: from the last close of the previous month to the last close of the month, once a later close is
-- known.
with month_ends as (
    select
        fund,
        cast({{ dbt.date_trunc('month', 'session') }} as date) as month_start,
        max(session) as session
    from {{ ref('int_daily_returns') }}
    group by fund, month_start
),

closes as (
    select
        month_ends.fund,
        month_ends.month_start,
        returns.total_return_index,
        lag(returns.total_return_index) over by_month as index_before,
        lag(month_ends.month_start) over by_month as month_before,
        lead(month_ends.month_start) over by_month as month_after
    from month_ends
    inner join {{ ref('int_daily_returns') }} as returns
        on month_ends.fund = returns.fund and month_ends.session = returns.session
    window by_month as (partition by month_ends.fund order by month_ends.month_start)
),

monthly as (
    select
        fund,
        cast(extract(month from month_start) as integer) as month,
        -- An unchanged month is not a gain: the index can differ in the sixteenth digit.
        round(total_return_index / index_before - 1, 12) as total_return
    from closes
    where month_after is not null and month_before = cast({{ dbt.dateadd('month', -1, 'month_start') }} as date)
),

counted as (
    select
        fund,
        month,
        avg(total_return) as mean_return,
        median(total_return) as median_return,
        count(*) as months,
        sum(case when total_return > 0 then 1 else 0 end) as gains
    from monthly
    group by fund, month
),

likely as (
    select
        fund,
        sum(gains) / cast(sum(months) as double) as gain_rate
    from counted
    group by fund
),

-- Binomial probability of every number of gains if each calendar month were as likely to gain as the fund's months overall.
odds as (
    select
        counted.fund,
        counted.month,
        counts.number - 1 as gains,
        case
            when likely.gain_rate in (0, 1) then case when counts.number - 1 = counted.months * likely.gain_rate then 1 else 0 end
            else exp(
                lgamma(counted.months + 1) - lgamma(counts.number) - lgamma(counted.months - counts.number + 2)
                + (counts.number - 1) * ln(likely.gain_rate)
                + (counted.months - counts.number + 1) * ln(1 - likely.gain_rate)
            )
        end as odds
    from counted
    inner join likely on counted.fund = likely.fund
    inner join ({{ whole_numbers(200) }}) as counts on counts.number <= counted.months + 1
),

tails as (
    select
        fund,
        month,
        gains,
        coalesce(
            sum(odds) over (
                partition by fund, month order by gains rows between unbounded preceding and 1 preceding
            ), 0
        ) as fewer,
        coalesce(
            sum(odds) over (
                partition by fund, month order by gains rows between 1 following and unbounded following
            ), 0
        ) as more
    from odds
),

bands as (
    select
        fund,
        month,
        max(case when fewer <= (1 - {{ p.chance }}) / 2 then gains end) as fewest,
        min(case when more <= (1 - {{ p.chance }}) / 2 then gains end) as most
    from tails
    group by fund, month
)

select
    counted.fund,
    counted.month,
    counted.mean_return,
    counted.median_return,
    counted.gains / cast(counted.months as double) as hit_rate,
    bands.fewest / cast(counted.months as double) as chance_low,
    bands.most / cast(counted.months as double) as chance_high,
    counted.gains not between bands.fewest and bands.most as is_beyond_chance,
    cast(counted.months as integer) as months,
    '{{ p.params_id }}' as params_id
from counted
inner join bands on counted.fund = bands.fund and counted.month = bands.month
order by counted.fund, counted.month
