{{ last_known(
    ref('stg_holdings_observations'),
    key=['fund', 'as_of'],
    columns=[
        'fund', 'as_of', 'line_no', 'ticker', 'name', 'cusip', 'isin', 'sedol', 'sector_label', 'asset_class_label',
        'market_value', 'stated_weight', 'notional_value', 'quantity', 'price', 'currency', 'exchange', 'location'
    ],
    snapshot=true
) }}
