{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The equities of every snapshot that a statement uses, by symbol. They come from the observation that the statement knew, and not
-- from the newest one; security_id is the security that the symbol stood for then.
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

held as (
    select
        classified.fund,
        classified.as_of,
        classified.observed_at,
        classified.document_id,
        classified.normalised_ticker as symbol,
        securities.security_id,
        classified.name,
        classified.price,
        classified.quantity,
        classified.market_value
    from classified
    left join {{ ref('int_security_lines') }} as securities
        on classified.fund = securities.fund and classified.as_of = securities.as_of
        and classified.line_no = securities.line_no and classified.document_id = securities.document_id
    -- What has no ticker or no price is no listed stock, but a claim that the fund kept.
    where classified.holdings_class = 'equity' and classified.normalised_ticker is not null
        and classified.market_value > 0 and coalesce(classified.price, 1) > 0
)

select
    held.fund,
    held.as_of,
    held.observed_at,
    held.document_id,
    held.symbol,
    coalesce(min(held.security_id), min(holders.security_id), held.symbol) as security_id,
    min(held.name) as name,
    max(held.price) as price,
    sum(held.quantity) as quantity,
    sum(held.market_value) as market_value
from held
left join {{ ref('int_symbol_holders') }} as holders
    on held.symbol = holders.ticker and held.as_of between holders.first_day and holders.last_day
group by held.fund, held.as_of, held.observed_at, held.document_id, held.symbol
