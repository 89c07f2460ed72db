-- Which CUSIPs, ISINs and SEDOLs name one security: those that any line gives together, and what is linked through them.
with recursive

given as (
    select distinct
        'CUSIP:' || cusip as cusip,
        'ISIN:' || isin as isin,
        'SEDOL:' || sedol as sedol
    from {{ ref('int_holdings_classified') }}
    where holdings_class = 'equity' and coalesce(cusip, isin, sedol) is not null
),

pairs as (
    {% for one in ['cusip', 'isin', 'sedol'] %}{% for other in ['cusip', 'isin', 'sedol'] -%}
    select {{ one }} as one, {{ other }} as other from given where {{ one }} is not null and {{ other }} is not null
    {% if not loop.last %}union
    {% endif -%}
    {% endfor %}{% if not loop.last %}union
    {% endif %}{% endfor %}
),

linked as (
    select one, other from pairs
    union
    select linked.one, pairs.other
    from linked
    inner join pairs on linked.other = pairs.one
)

select
    one as number,
    min(other) as security_key
from linked
group by one
