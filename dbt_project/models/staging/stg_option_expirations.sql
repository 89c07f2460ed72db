{{ last_known(
    source('raw', 'option_expirations'),
    key=['fund', 'session', 'phase'],
    columns=['fund', 'session', 'phase', 'expiration', 'cycle', 'is_read', 'forward', 'discount'],
    snapshot=true
) }}
