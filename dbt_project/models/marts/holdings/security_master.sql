-- depends_on: {{ ref('signal_parameters') }}
{%- set p = signal_parameters('security_identity', ['ticker_gap_days']) %}
-- Newest ticker, name and numbers of each equity, and its sector on the day it was last held with the way it is known.
with equities as (
    select
        *,
        row_number() over (partition by security_id order by as_of desc, fund, line_no) as recency
    from {{ ref('int_security_lines') }}
    where holdings_class = 'equity'
),

numbered as (
    select
        security_id,
        cusip,
        isin,
        sedol,
        row_number() over (partition by security_id, cusip is null order by recency) as cusip_turn,
        row_number() over (partition by security_id, isin is null order by recency) as isin_turn,
        row_number() over (partition by security_id, sedol is null order by recency) as sedol_turn
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
),

securities as (
    select
        security_id,
        max(case when recency = 1 then ticker end) as ticker,
        max(case when recency = 1 then name end) as name,
        min(as_of) as first_held_on,
        max(as_of) as last_held_on
    from equities
    group by security_id
)

select
    securities.security_id,
    securities.ticker,
    securities.name,
    numbers.cusip,
    numbers.isin,
    numbers.sedol,
    sectors.gics_sector,
    sectors.resolved_by,
    sectors.evidence_as_of as sector_as_of,
    sectors.document_id as sector_document_id,
    securities.first_held_on,
    securities.last_held_on,
    '{{ p.params_id }}' as params_id
from securities
left join numbers on securities.security_id = numbers.security_id
left join {{ ref('int_security_sectors') }} as sectors
    on securities.security_id = sectors.security_id and securities.last_held_on = sectors.as_of
order by securities.security_id
