{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['fund_facts']}) }}
{% set p = signal_parameters('fund_facts', ['least_quotes']) -%}
-- What quotes say of a fund at each month end: the median spread of all sessions up to it with the session of the last, and the newest
-- complete totals of its options.
with spreads as (
    select
        month_ends.fund,
        month_ends.session,
        median(quotes.spread_bp) / 10000 as quoted_spread,
        max(quotes.session) as spread_session
    from {{ ref('int_month_ends') }} as month_ends
    inner join {{ ref('quoted_spreads') }} as quotes on month_ends.fund = quotes.fund and quotes.session <= month_ends.session
    where quotes.spread_bp is not null
    group by month_ends.fund, month_ends.session
    having count(*) >= {{ p.least_quotes | int }}
),

totals as (
    select
        month_ends.fund,
        month_ends.session,
        depth.session as options_session,
        depth.open_interest,
        depth.volume,
        row_number() over (partition by month_ends.fund, month_ends.session order by depth.session desc) as recency
    from {{ ref('int_month_ends') }} as month_ends
    inner join {{ ref('option_depth') }} as depth
        on month_ends.fund = depth.fund
        and depth.session between month_ends.month_start and month_ends.session
        and depth.horizon = 'quarter'
    where depth.open_interest is not null and depth.volume is not null
)

select
    coalesce(spreads.fund, totals.fund) as fund,
    coalesce(spreads.session, totals.session) as session,
    spreads.quoted_spread,
    spreads.spread_session,
    totals.options_session,
    cast(totals.open_interest as double) as option_open_interest,
    cast(totals.volume as double) as option_volume
from spreads
full outer join (select * from totals where recency = 1) as totals
    on spreads.fund = totals.fund and spreads.session = totals.session
