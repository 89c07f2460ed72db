-- The sector of a security on the dates that need one: where its line has no label of its own, and where it was last held.
with asked as (
    select
        security_id,
        as_of,
        max(ticker) as ticker
    from (
        select
            security_id,
            ticker,
            labelled_sector,
            as_of,
            max(as_of) over (partition by security_id) as last_held_on
        from {{ ref('int_security_lines') }}
        where holdings_class = 'equity'
    ) as equities
    where labelled_sector is null or as_of = last_held_on
    group by security_id, as_of
),

candidates as (
    select
        asked.security_id,
        asked.as_of,
        evidence.gics_sector,
        evidence.resolved_by,
        evidence.evidence_as_of,
        evidence.document_id,
        ways.preference
    from asked
    inner join {{ ref('int_sector_evidence') }} as evidence
        on asked.security_id = evidence.security_id and asked.as_of between evidence.first_day and evidence.last_day
    inner join (
        values ('cusip', 1), ('isin', 2), ('sedol', 3), ('ticker_and_name', 4), ('ticker', 5), ('name', 6)
    ) as ways (resolved_by, preference) on evidence.resolved_by = ways.resolved_by
    union all
    select
        asked.security_id,
        asked.as_of,
        overrides.gics_sector,
        'override' as resolved_by,
        null as evidence_as_of,
        null as document_id,
        7 as preference
    from asked
    inner join {{ ref('sector_overrides') }} as overrides
        on asked.ticker = overrides.ticker and asked.as_of >= overrides.first_day
),

ranked as (
    select
        *,
        row_number() over (partition by security_id, as_of order by preference) as choice
    from candidates
)

select
    security_id,
    as_of,
    gics_sector,
    resolved_by,
    evidence_as_of,
    document_id
from ranked
where choice = 1
