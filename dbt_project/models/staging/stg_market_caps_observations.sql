select
    as_of,
    symbol,
    name,
    exchange,
    price,
    market_cap,
    shares_outstanding,
    first_traded,
    observed_at,
    document_id,
    {{ normalised_ticker('symbol') }} as ticker
from {{ source('raw', 'market_caps') }}
{{ where_known() }}
