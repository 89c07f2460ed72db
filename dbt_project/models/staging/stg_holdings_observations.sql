select
    fund,
    as_of,
    line_no,
    ticker,
    name,
    cusip,
    isin,
    sedol,
    sector_label,
    asset_class_label,
    market_value,
    stated_weight,
    notional_value,
    quantity,
    price,
    currency,
    exchange,
    location,
    observed_at,
    document_id
from {{ source('raw', 'holdings') }}
{{ where_known() }}
