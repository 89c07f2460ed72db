select
    fund,
    as_of,
    sum(case when holdings_class = 'equity' then weight else 0 end) as equity_weight,
    sum(case when holdings_class = 'equity' and gics_sector is null then weight else 0 end) as unclassified_weight,
    1 - sum(case when holdings_class = 'equity' and gics_sector is null then weight else 0 end)
    / nullif(sum(case when holdings_class = 'equity' then weight else 0 end), 0) as coverage,
    cast(count(case when holdings_class = 'equity' and gics_sector is null then 1 end) as integer) as unclassified_lines,
    max(weight_basis) as weight_basis,
    {{ params_id() }} as params_id
from {{ ref('holdings') }}
group by fund, as_of
