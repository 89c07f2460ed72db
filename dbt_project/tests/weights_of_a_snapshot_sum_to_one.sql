select fund, as_of, sum(weight) as total
from {{ ref('holdings') }}
group by fund, as_of
having abs(sum(weight) - 1) > 1e-9
