{{ config(
    materialized='incremental',
    pre_hook="{{ forget_changed_snapshots(ref('int_line_securities'), 'sum(hash(line_no, document_id, security_id, known_by))') }}"
) }}
-- What int_line_securities tells, kept: most of those who read it read all of it.
select
    lines.fund,
    lines.as_of,
    lines.line_no,
    lines.security_id,
    lines.ticker,
    lines.name,
    lines.cusip,
    lines.isin,
    lines.sedol,
    lines.holdings_class,
    lines.labelled_sector,
    lines.market_value,
    lines.quantity,
    lines.weight,
    lines.weight_basis,
    lines.document_id,
    lines.known_by
from {{ ref('int_line_securities') }} as lines
where {{ is_missing('lines', ref('int_holdings_classified')) }}
