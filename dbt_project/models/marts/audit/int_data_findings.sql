{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['data_quality']}) }}
{% set p = signal_parameters('data_quality', ['least_coverage']) -%}
-- Every finding of every check, one row each: table, symbol and date. The date is NULL where a document has none.
with newest_snapshots as (
    select
        fund,
        max(as_of) as as_of
    from {{ ref('sector_coverage') }}
    group by fund
)

select 'raw.price_bars' as table_name, 'missing_session' as check_name, fund as symbol, session as found_on
from {{ ref('int_missing_sessions') }}
union all
select 'raw.price_bars', 'provisional_bar', symbol, session
from {{ ref('int_provisional_bars') }}
union all
select 'raw.price_bars', 'restated_' || replace(cause, ' ', '_'), symbol, session
from {{ ref('int_price_restatements') }}
union all
-- One finding per completed session without data.
select ages.table_name, ages.check_name, ages.symbol, sessions.session
from {{ ref('int_series_ages') }} as ages
cross join {{ ref('int_clock') }} as clock
inner join {{ ref('stg_sessions') }} as sessions
    on ages.newest < sessions.session and clock.session >= sessions.session
where ages.is_stale and ages.limit_days is null
union all
select table_name, check_name, symbol, newest
from {{ ref('int_series_ages') }}
where is_stale and limit_days is not null and newest is not null
union all
select 'marts.sector_coverage', 'unknown_sectors', coverage.fund, coverage.as_of
from {{ ref('sector_coverage') }} as coverage
inner join newest_snapshots on coverage.fund = newest_snapshots.fund and coverage.as_of = newest_snapshots.as_of
where coalesce(coverage.coverage, 0) < {{ p.least_coverage }}
union all
select 'raw.documents', 'rejected_document_' || kind, symbol, cast(retrieved_at as date)
from {{ ref('stg_documents') }}
where status = 'rejected'
union all
select 'raw.documents', 'quarantined_document_' || kind, symbol, cast(retrieved_at as date)
from {{ ref('stg_documents') }}
where status = 'quarantined'
union all
select
    'raw.rejects',
    coalesce(rejects.outcome, 'rejected') || '_row_' || documents.kind,
    documents.symbol,
    coalesce(documents.as_of, cast(documents.retrieved_at as date))
from {{ ref('stg_rejects') }} as rejects
inner join {{ ref('stg_documents') }} as documents on rejects.document_id = documents.document_id
where
    documents.status not in ('rejected', 'quarantined')
    -- A retrieval in trading hours has the bar of the open session; the next retrieval has it complete.
    and rejects.reason not like '%session was still open%'
