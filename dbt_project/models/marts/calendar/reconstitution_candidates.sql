-- One quality after the other; a later one is not there without its documents.
with candidates as (
    select
        'fund weights' as quality,
        *
    from {{ ref('int_reconstitution_by_weight') }}
)

select
    candidates.event,
    candidates.stage,
    candidates.quality,
    candidates.symbol,
    candidates.security_id,
    candidates.name,
    candidates.index_before,
    candidates.status,
    candidates.why,
    cast(candidates.size_rank as integer) as size_rank,
    candidates.weight,
    cast(null as double) as market_cap,
    candidates.price,
    candidates.company_size / candidates.breakpoint - 1 as distance_to_breakpoint,
    candidates.company_size / candidates.border - 1 as distance_to_border,
    statements.said_on,
    statements.known_by,
    candidates.is_hindsight,
    statements.stage = 'preview' as is_preview,
    statements.is_latest,
    {{ params_id() }} as params_id
from candidates
inner join {{ ref('int_reconstitution_statements') }} as statements
    on candidates.event = statements.event and candidates.stage = statements.stage
