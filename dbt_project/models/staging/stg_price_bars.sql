{{ last_known(
    source('raw', 'price_bars'),
    key=['symbol', 'session'],
    columns=['symbol', 'session', 'open', 'high', 'low', 'close', 'volume', 'vendor_adj_close']
) }}
