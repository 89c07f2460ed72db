select
    lines.fund,
    lines.as_of,
    cast(lines.line_no as integer) as line,
    lines.security_id,
    lines.ticker,
    lines.name,
    lines.holdings_class,
    case when lines.holdings_class = 'equity' then coalesce(lines.labelled_sector, master.gics_sector) end as gics_sector,
    lines.weight,
    lines.weight_basis,
    lines.market_value,
    lines.quantity,
    lines.document_id
from {{ ref('int_holdings_classified') }} as lines
left join {{ ref('security_master') }} as master
    on lines.security_id = master.security_id and lines.holdings_class = 'equity'
order by lines.fund, lines.as_of, lines.line_no
