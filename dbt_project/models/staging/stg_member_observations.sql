select
    symbol,
    {{ normalised_ticker('symbol') }} as ticker,
    session,
    open,
    high,
    low,
    close,
    volume,
    observed_at,
    document_id
from {{ source('raw', 'member_bars') }}
{{ where_known() }}
