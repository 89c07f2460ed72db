{{ last_known(
    source('raw', 'option_quotes'),
    key=['fund', 'session', 'phase'],
    columns=[
        'fund', 'session', 'phase', 'contract', 'expiration', 'option_type', 'strike', 'bid', 'ask', 'volume', 'open_interest',
        'vendor_implied_volatility', 'implied_volatility', 'delta'
    ],
    snapshot=true
) }}
