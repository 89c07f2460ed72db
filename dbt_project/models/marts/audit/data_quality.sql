{{ config(meta={'signals': ['data_quality']}) }}
{% set p = signal_parameters('data_quality', ['rate_days', 'least_coverage']) -%}
with checked as (
    select distinct
        checks.table_name,
        checks.check_name,
        documents.symbol
    from {{ ref('data_checks') }} as checks
    inner join {{ ref('stg_documents') }} as documents on checks.kind = documents.kind
    -- Only the two current bounds make up today's policy rate.
    where checks.check_name <> 'stale_rate' or documents.symbol in ('DFEDTARU', 'DFEDTARL')
),

found as (
    select
        table_name,
        check_name,
        symbol,
        count(*) as findings,
        min(found_on) as first_found_on,
        max(found_on) as last_found_on
    from {{ ref('int_data_findings') }}
    group by table_name, check_name, symbol
),

-- A check without findings is listed too, and so is a finding for a symbol without documents.
stated as (
    select
        coalesce(checked.table_name, found.table_name) as table_name,
        coalesce(checked.check_name, found.check_name) as check_name,
        coalesce(checked.symbol, found.symbol) as symbol,
        coalesce(found.findings, 0) as findings,
        found.first_found_on,
        found.last_found_on
    from checked
    full outer join found
        on checked.table_name = found.table_name and checked.check_name = found.check_name and checked.symbol = found.symbol
)

select
    stated.table_name,
    stated.check_name,
    stated.symbol,
    case when stated.findings = 0 then 'ok' else coalesce(checks.severity, 'warning') end as severity,
    cast(stated.findings as integer) as findings,
    stated.first_found_on,
    stated.last_found_on,
    checks.meaning,
    {{ params_id() }} as params_id
from stated
left join {{ ref('data_checks') }} as checks
    on stated.table_name = checks.table_name and stated.check_name = checks.check_name
