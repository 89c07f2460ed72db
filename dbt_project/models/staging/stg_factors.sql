with known as (
    {{ last_known(
        source('raw', 'factors'),
        key=['dataset'],
        columns=['dataset', 'date', 'market_excess', 'small_minus_large', 'high_minus_low', 'risk_free'],
        snapshot=true
    ) }}
)

select
    date as session,
    market_excess / 100 as market_excess,
    small_minus_large / 100 as small_minus_large,
    high_minus_low / 100 as high_minus_low,
    risk_free / 100 as risk_free,
    observed_at,
    document_id
from known
where dataset = 'daily'
