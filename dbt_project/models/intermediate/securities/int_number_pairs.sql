-- Which CUSIPs, ISINs and SEDOLs belong to one security: those on the same line, and those under one ticker with agreeing names (a
-- split or a change of domicile gives a company new identifiers).
with given as (
    select distinct
        'CUSIP:' || cusip as cusip,
        'ISIN:' || isin as isin,
        'SEDOL:' || sedol as sedol
    from {{ ref('int_holdings_classified') }}
    where holdings_class = 'equity' and coalesce(cusip, isin, sedol) is not null
),

-- One identifier for each name under a ticker.
borne as (
    select distinct
        lines.ticker,
        coalesce('CUSIP:' || lines.cusip, 'ISIN:' || lines.isin, 'SEDOL:' || lines.sedol) as number,
        names.first_word,
        names.second_word
    from {{ ref('int_holdings_classified') }} as lines
    inner join {{ ref('int_company_names') }} as names on lines.ticker = names.ticker and lines.name = names.name
    where lines.holdings_class = 'equity' and coalesce(lines.cusip, lines.isin, lines.sedol) is not null
)

{% for one in ['cusip', 'isin', 'sedol'] %}{% for other in ['cusip', 'isin', 'sedol'] -%}
select {{ one }} as one, {{ other }} as other from given where {{ one }} is not null and {{ other }} is not null
{% if not loop.last %}union
{% endif -%}
{% endfor %}union
{% endfor -%}
select one.number as one, other.number as other
from borne as one
inner join borne as other on one.ticker = other.ticker and one.number <> other.number and {{ names_agree('one', 'other') }}
