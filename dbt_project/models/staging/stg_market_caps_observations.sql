select
    *,
    {{ normalised_ticker('symbol') }} as ticker
from {{ source('raw', 'market_caps') }}
{{ where_known() }}
