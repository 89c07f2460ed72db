{{ last_known(
    source('raw', 'fund_quotes'),
    key=['fund', 'session', 'phase'],
    columns=['fund', 'session', 'phase', 'quoted_at', 'price', 'bid', 'ask', 'expirations']
) }}
