{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The members of each snapshot: every equity that the fund holds, all lines of a security combined. Their number is for millions of
-- bars: it is joined and sorted faster than the id. It is valid within one build only.
with lines as (
    select
        snapshots.universe,
        snapshots.as_of,
        snapshots.snapshot_no,
        lines.security_id,
        lines.ticker,
        lines.name,
        lines.weight
    from {{ ref('int_universe_snapshots') }} as snapshots
    inner join {{ ref('int_security_lines') }} as lines
        on snapshots.holdings_fund = lines.fund and snapshots.as_of = lines.as_of
    where lines.holdings_class = 'equity'
),

members as (
    select
        universe,
        as_of,
        snapshot_no,
        security_id,
        min(ticker) as ticker,
        min(name) as name,
        sum(weight) as weight
    from lines
    group by universe, as_of, snapshot_no, security_id
),

-- Summed in the order of the securities, so that the total is the same to the last digit whatever the order of the rows.
totals as (
    select
        *,
        sum(weight) over snapshot as total_weight,
        count(*) over snapshot as members_of_snapshot
    from members
    window snapshot as (
        partition by universe, as_of order by security_id rows between unbounded preceding and unbounded following
    )
)

select
    universe,
    as_of,
    snapshot_no,
    security_id,
    cast(dense_rank() over (order by security_id) as integer) as security_no,
    ticker,
    name,
    weight / nullif(total_weight, 0) as weight,
    {{ nearest_whole('1e15 * (weight / nullif(total_weight, 0))') }} as whole_weight,
    members_of_snapshot
from totals
