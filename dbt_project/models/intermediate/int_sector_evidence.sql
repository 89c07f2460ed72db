-- Every sector an issuer's own label gives to a security, by each identifier it can be found under, newest document first.
with labelled as (
    select
        security_id,
        ticker,
        cusip,
        isin,
        sedol,
        labelled_sector as gics_sector,
        as_of,
        fund,
        document_id
    from {{ ref('int_holdings_classified') }}
    where holdings_class = 'equity' and labelled_sector is not null
),

identifiers as (
    select 'cusip' as identifier_kind, cusip as identifier, gics_sector, as_of, fund, document_id from labelled
    union all
    select 'isin' as identifier_kind, isin as identifier, gics_sector, as_of, fund, document_id from labelled
    union all
    select 'sedol' as identifier_kind, sedol as identifier, gics_sector, as_of, fund, document_id from labelled
    union all
    select 'ticker' as identifier_kind, security_id as identifier, gics_sector, as_of, fund, document_id from labelled
),

ranked as (
    select
        identifier_kind,
        identifier,
        gics_sector,
        as_of,
        fund,
        document_id,
        row_number() over (
            partition by identifier_kind, identifier order by as_of desc, fund, document_id, gics_sector
        ) as recency
    from identifiers
    where identifier is not null
)

select
    identifier_kind,
    identifier,
    gics_sector,
    as_of,
    fund,
    document_id
from ranked
where recency = 1
