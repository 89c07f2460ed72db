-- Every line with its sector: its own label if it has one, otherwise the sector known for its security.
select
    lines.fund,
    lines.as_of,
    cast(lines.line_no as integer) as line,
    lines.security_id,
    lines.ticker,
    lines.name,
    lines.holdings_class,
    case when lines.holdings_class = 'equity' then coalesce(lines.labelled_sector, sectors.gics_sector) end as gics_sector,
    lines.weight,
    lines.weight_basis,
    lines.market_value,
    lines.quantity,
    lines.document_id,
    {{ params_id() }} as params_id
from {{ ref('int_security_lines') }} as lines
left join {{ ref('int_security_sectors') }} as sectors
    on lines.security_id = sectors.security_id and lines.as_of = sectors.as_of
-- Many tables sum over these lines. A fixed order makes each sum the same to the last digit, whatever the order of the rows.
order by lines.fund, lines.as_of, lines.line_no
