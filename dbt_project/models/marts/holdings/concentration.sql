-- Equity lines only, each as a share of the whole fund; the effective number uses shares of the equity part.
with equities as (
    select
        fund,
        as_of,
        security_id,
        name,
        weight,
        row_number() over (partition by fund, as_of order by weight desc, line) as weight_rank,
        sum(weight) over (partition by fund, as_of) as equity_weight
    from {{ ref('holdings') }}
    where holdings_class = 'equity'
)

select
    fund,
    as_of,
    max(case when weight_rank = 1 then name end) as largest_holding,
    max(case when weight_rank = 1 then weight end) as largest_weight,
    sum(case when weight_rank <= 10 then weight end) as top_10_weight,
    sum(case when weight_rank <= 50 then weight end) as top_50_weight,
    sum(power(weight / equity_weight, 2)) as herfindahl_index,
    1 / sum(power(weight / equity_weight, 2)) as effective_holdings,
    cast(count(*) as integer) as equity_lines,
    {{ params_id() }} as params_id
from equities
group by fund, as_of
