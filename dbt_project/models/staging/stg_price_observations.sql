select
    symbol,
    session,
    open,
    high,
    low,
    close,
    volume,
    vendor_adj_close,
    observed_at,
    document_id
from {{ source('raw', 'price_bars') }}
{{ where_known() }}
