{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The equities of every snapshot that a statement uses, by symbol. They come from the observation that the statement knew, and not
-- from the newest one.
with snapshots as (
    select distinct
        fund,
        as_of,
        observed_at,
        document_id
    from {{ ref('int_reconstitution_snapshots') }}
),

labelled as (
    select
        lines.*,
        {{ normalised_ticker('lines.ticker') }} as normalised_ticker,
        classes.holdings_class as labelled_class
    from snapshots
    inner join {{ ref('stg_holdings_observations') }} as lines
        on snapshots.fund = lines.fund and snapshots.as_of = lines.as_of
        and snapshots.observed_at = lines.observed_at and snapshots.document_id = lines.document_id
    left join {{ ref('holdings_classes') }} as classes on lines.asset_class_label = classes.asset_class_label
),

classified as (
    select
        *,
        {{ holdings_class('asset_class_label', 'labelled_class', 'normalised_ticker', 'exchange', 'name') }} as holdings_class
    from labelled
),

-- The newest version of a snapshot has the security of each symbol; an older version has the same symbols but for corrections.
securities as (
    select
        lines.fund,
        lines.as_of,
        lines.ticker,
        min(lines.security_id) as security_id
    from {{ ref('int_security_lines') }} as lines
    inner join (select distinct fund, as_of from snapshots) as dates on lines.fund = dates.fund and lines.as_of = dates.as_of
    where lines.holdings_class = 'equity'
    group by lines.fund, lines.as_of, lines.ticker
)

select
    classified.fund,
    classified.as_of,
    classified.observed_at,
    classified.document_id,
    classified.normalised_ticker as symbol,
    coalesce(min(securities.security_id), classified.normalised_ticker) as security_id,
    min(classified.name) as name,
    max(classified.price) as price,
    sum(classified.quantity) as quantity,
    sum(classified.market_value) as market_value
from classified
left join securities
    on classified.fund = securities.fund and classified.as_of = securities.as_of
    and classified.normalised_ticker = securities.ticker
-- What has no ticker or no price is no listed stock, but a claim that the fund kept.
where classified.holdings_class = 'equity' and classified.normalised_ticker is not null
    and classified.market_value > 0 and coalesce(classified.price, 1) > 0
group by classified.fund, classified.as_of, classified.observed_at, classified.document_id, classified.normalised_ticker
