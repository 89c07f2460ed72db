{{ last_known(
    ref('stg_price_observations'),
    key=['symbol', 'session'],
    columns=['symbol', 'session', 'open', 'high', 'low', 'close', 'volume', 'vendor_adj_close']
) }}
