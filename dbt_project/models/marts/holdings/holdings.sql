{{ config(
    materialized='incremental',
    pre_hook="{{ forget_changed_snapshots(ref('int_line_sectors'), 'sum(hash(line, document_id, security_id, gics_sector))') }}"
) }}
-- What int_line_sectors tells, kept and in order.
select
    lines.fund,
    lines.as_of,
    lines.line,
    lines.security_id,
    lines.ticker,
    lines.name,
    lines.holdings_class,
    lines.gics_sector,
    lines.weight,
    lines.weight_basis,
    lines.market_value,
    lines.quantity,
    lines.document_id
from {{ ref('int_line_sectors') }} as lines
where {{ is_missing('lines', ref('int_security_lines')) }}
order by lines.fund, lines.as_of, lines.line
