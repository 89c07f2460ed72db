{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['fund_facts']}) }}
{% set p = signal_parameters('fund_facts', ['spread_sessions', 'least_coverage']) -%}
-- EDGE: Ardia, Guidotti and Kroencke, "Efficient estimation of bid-ask spreads from open, high, low, and close prices", Journal
-- of Financial Economics 161 (2024). The steps are named as in the paper; the tests compare the results with the authors'
-- package.
with logs as (
    select
        prices.fund,
        sessions.session_no,
        ln(prices.open) as o,
        ln(prices.high) as h,
        ln(prices.low) as l,
        ln(prices.close) as c
    from {{ ref('int_bars_on_current_basis') }} as prices
    inner join {{ ref('stg_sessions') }} as sessions on prices.session = sessions.session
),

-- After a missing session there is no previous bar.
steps as (
    select
        today.fund,
        today.session_no,
        (today.h + today.l) / 2 - today.o as r1,
        today.o - (before.h + before.l) / 2 as r2,
        (today.h + today.l) / 2 - before.c as r3,
        before.c - (before.h + before.l) / 2 as r4,
        today.o - before.c as r5,
        case when before.c is not null then case when today.h <> today.l or today.l <> before.c then 1.0e0 else 0.0e0 end end as tau,
        case when today.o <> today.h then 1.0e0 else 0.0e0 end + case when today.o <> today.l then 1.0e0 else 0.0e0 end as opens,
        case when before.c <> before.h then 1.0e0 else 0.0e0 end + case when before.c <> before.l then 1.0e0 else 0.0e0 end as closes
    from logs as today
    left join logs as before on today.fund = before.fund and today.session_no = before.session_no + 1
),

-- The first bar of a window serves only as the previous bar.
windows as (
    select
        month_ends.fund,
        month_ends.session,
        steps.r1,
        steps.r2,
        steps.r3,
        steps.r4,
        steps.r5,
        steps.tau,
        avg(steps.tau) over by_window as pt,
        avg(steps.tau * steps.opens) over by_window as po,
        avg(steps.tau * steps.closes) over by_window as pc,
        sum(steps.tau) over by_window as moves,
        avg(steps.r1) over by_window as mean_r1,
        avg(steps.r3) over by_window as mean_r3,
        avg(steps.r5) over by_window as mean_r5
    from {{ ref('int_month_ends') }} as month_ends
    inner join steps
        on month_ends.fund = steps.fund
        and steps.session_no between month_ends.session_no - {{ p.spread_sessions | int - 2 }} and month_ends.session_no
    window by_window as (partition by month_ends.fund, month_ends.session)
),

deviations as (
    select
        fund,
        session,
        pt,
        po,
        pc,
        moves,
        r2,
        r4,
        r5,
        r1 - mean_r1 / nullif(pt, 0) * tau as d1,
        r3 - mean_r3 / nullif(pt, 0) * tau as d3,
        r5 - mean_r5 / nullif(pt, 0) * tau as d5
    from windows
    where po > 0 and pc > 0
),

products as (
    select
        fund,
        session,
        moves,
        -4 / po * d1 * r2 - 4 / pc * d3 * r4 as x1,
        -4 / po * d1 * r5 - 4 / pc * d5 * r4 as x2
    from deviations
),

moments as (
    select
        fund,
        session,
        count(x1) as bars,
        avg(x1) as e1,
        avg(x2) as e2,
        avg(x1 * x1) - avg(x1) * avg(x1) as v1,
        avg(x2 * x2) - avg(x2) * avg(x2) as v2
    from products
    group by fund, session
    having max(moves) >= 2
),

-- Each moment is weighted by the variance of the other.
squares as (
    select
        fund,
        session,
        bars,
        (v2 * e1 + v1 * e2) / (v1 + v2) as squared_spread
    from moments
    where v1 + v2 > 0 and bars >= {{ p.least_coverage * (p.spread_sessions - 1) }}
)

select
    fund,
    session,
    cast(bars as integer) as bars,
    sign(squared_spread) * sqrt(abs(squared_spread)) as spread
from squares
