-- Which sector a security belongs to, and how that is known: its identifiers first, then its ticker, then our own overrides.
with equities as (
    select
        security_id,
        ticker,
        name,
        cusip,
        isin,
        sedol,
        fund,
        as_of,
        document_id,
        row_number() over (partition by security_id order by as_of desc, fund, line_no) as recency
    from {{ ref('int_holdings_classified') }}
    where holdings_class = 'equity'
),

securities as (
    select
        security_id,
        max(case when recency = 1 then ticker end) as ticker,
        max(case when recency = 1 then name end) as name,
        max(cusip) as cusip,
        max(isin) as isin,
        max(sedol) as sedol,
        max(as_of) as last_held_on
    from equities
    group by security_id
),

evidence as (
    select * from {{ ref('int_sector_evidence') }}
),

resolved as (
    select
        securities.*,
        coalesce(
            by_cusip.gics_sector, by_isin.gics_sector, by_sedol.gics_sector, by_ticker.gics_sector, overrides.gics_sector
        ) as gics_sector,
        case
            when by_cusip.gics_sector is not null then 'cusip'
            when by_isin.gics_sector is not null then 'isin'
            when by_sedol.gics_sector is not null then 'sedol'
            when by_ticker.gics_sector is not null then 'ticker'
            when overrides.gics_sector is not null then 'override'
        end as resolved_by,
        coalesce(by_cusip.document_id, by_isin.document_id, by_sedol.document_id, by_ticker.document_id) as document_id,
        coalesce(by_cusip.as_of, by_isin.as_of, by_sedol.as_of, by_ticker.as_of) as sector_as_of
    from securities
    left join evidence as by_cusip on by_cusip.identifier_kind = 'cusip' and securities.cusip = by_cusip.identifier
    left join evidence as by_isin on by_isin.identifier_kind = 'isin' and securities.isin = by_isin.identifier
    left join evidence as by_sedol on by_sedol.identifier_kind = 'sedol' and securities.sedol = by_sedol.identifier
    left join evidence as by_ticker on by_ticker.identifier_kind = 'ticker' and securities.security_id = by_ticker.identifier
    left join {{ ref('sector_overrides') }} as overrides on securities.ticker = overrides.ticker
)

select
    security_id,
    ticker,
    name,
    cusip,
    isin,
    sedol,
    gics_sector,
    resolved_by,
    sector_as_of,
    document_id as sector_document_id,
    last_held_on
from resolved
order by security_id
