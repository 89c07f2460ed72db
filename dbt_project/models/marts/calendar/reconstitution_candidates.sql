-- One quality after the other; a later one is not there without its documents.
with candidates as (
    {% for quality, model in [
        ('fund weights', 'int_reconstitution_by_weight'), ('total capitalisations', 'int_reconstitution_by_capitalisation')
    ] -%}
    select
        '{{ quality }}' as quality,
        event,
        stage,
        is_hindsight,
        symbol,
        security_id,
        name,
        index_before,
        status,
        why,
        size_rank,
        weight,
        market_cap,
        price,
        company_size,
        breakpoint,
        border
    from {{ ref(model) }}
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor -%}
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
    candidates.market_cap,
    candidates.price,
    candidates.company_size / candidates.breakpoint - 1 as distance_to_breakpoint,
    candidates.company_size / candidates.border - 1 as distance_to_border,
    statements.said_on,
    statements.known_by,
    candidates.is_hindsight,
    statements.stage = 'preview' as is_preview,
    statements.said_on = max(statements.said_on) over (partition by candidates.event, candidates.quality) as is_latest,
    {{ params_id() }} as params_id
from candidates
inner join {{ ref('int_reconstitution_statements') }} as statements
    on candidates.event = statements.event and candidates.stage = statements.stage
