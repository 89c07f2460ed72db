-- Every line with its sector: the label of its own, else the one known of its security.
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
-- Many tables sum over these lines: in one order, so that a sum is the same to the last digit however the rows were found.
order by lines.fund, lines.as_of, lines.line_no
