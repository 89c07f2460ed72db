{{ config(meta={'signals': ['seasonality']}) }}
{%- set p = signal_parameters('seasonality', ['chance']) %}
-- Complete calendar months only: from the last close of the previous month to the last close of the month, once a later close is
-- known.
with closes as (
    select
        fund,
        month_start,
        total_return_index,
        lag(total_return_index) over by_month as index_before,
        lag(month_start) over by_month as month_before,
        lead(month_start) over by_month as month_after
    from {{ ref('int_month_ends') }}
    window by_month as (partition by fund order by month_start)
),

monthly as (
    select
        fund,
        cast(extract(month from month_start) as integer) as month,
        -- An unchanged month is not a gain: the index can differ in the sixteenth digit.
        {{ rounded('total_return_index / index_before - 1', 12) }} as total_return
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

counts as (
    {{ whole_numbers(200) }}
),

-- ln(n!) as a sum of logarithms, because not every engine has a gamma function.
log_factorials as (
    select
        number as n,
        sum(ln(cast(number as double))) over (order by number rows between unbounded preceding and current row) as log_factorial
    from counts
    union all
    select 0 as n, 0.0e0 as log_factorial
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
                of_months.log_factorial - of_gains.log_factorial - of_losses.log_factorial
                + (counts.number - 1) * ln(likely.gain_rate)
                + (counted.months - counts.number + 1) * ln(1 - likely.gain_rate)
            )
        end as odds
    from counted
    inner join likely on counted.fund = likely.fund
    inner join counts on counts.number <= counted.months + 1
    inner join log_factorials as of_months on counted.months = of_months.n
    inner join log_factorials as of_gains on counts.number - 1 = of_gains.n
    inner join log_factorials as of_losses on counted.months - counts.number + 1 = of_losses.n
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
        min(case when more <= (1 - {{ p.chance }}) / 2 then gains end) as most,
        -- Below the band and above it: less than the nominal share, because a count of gains is whole.
        max(case when fewer <= (1 - {{ p.chance }}) / 2 then fewer end)
            + max(case when more <= (1 - {{ p.chance }}) / 2 then more end) as chance_beyond
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
    {{ rounded('bands.chance_beyond', 12) }} as chance_beyond,
    cast(counted.months as integer) as months,
    {{ params_id() }} as params_id
from counted
inner join bands on counted.fund = bands.fund and counted.month = bands.month
