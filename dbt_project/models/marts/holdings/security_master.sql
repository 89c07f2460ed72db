-- Latest ticker, name and identifiers of each equity, and its sector on the day it was last held with how it was determined.
with equities as (
    select * from {{ ref('int_security_lines') }}
    where holdings_class = 'equity'
),

held as (
    select
        security_id,
        min(as_of) as first_held_on,
        max(as_of) as last_held_on
    from equities
    group by security_id
),

newest as (
    select
        held.security_id,
        held.first_held_on,
        held.last_held_on,
        equities.ticker,
        equities.name,
        row_number() over (partition by held.security_id order by equities.fund, equities.line_no) as turn
    from held
    inner join equities on held.security_id = equities.security_id and held.last_held_on = equities.as_of
),

numbered as (
    select
        security_id,
        cusip,
        isin,
        sedol,
        row_number() over (partition by security_id, cusip is null order by as_of desc, fund, line_no) as cusip_turn,
        row_number() over (partition by security_id, isin is null order by as_of desc, fund, line_no) as isin_turn,
        row_number() over (partition by security_id, sedol is null order by as_of desc, fund, line_no) as sedol_turn
    from equities
    where coalesce(cusip, isin, sedol) is not null
),

numbers as (
    select
        security_id,
        max(case when cusip_turn = 1 then cusip end) as cusip,
        max(case when isin_turn = 1 then isin end) as isin,
        max(case when sedol_turn = 1 then sedol end) as sedol
    from numbered
    group by security_id
)

select
    newest.security_id,
    newest.ticker,
    newest.name,
    numbers.cusip,
    numbers.isin,
    numbers.sedol,
    sectors.gics_sector,
    sectors.resolved_by,
    sectors.evidence_as_of as sector_as_of,
    sectors.document_id as sector_document_id,
    newest.first_held_on,
    newest.last_held_on,
    {{ params_id() }} as params_id
from newest
left join numbers on newest.security_id = numbers.security_id
left join {{ ref('int_security_sectors') }} as sectors
    on newest.security_id = sectors.security_id and newest.last_held_on = sectors.as_of
where newest.turn = 1
