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
),

-- The dates of what a statement uses.
weight_dates as (
    select
        event,
        stage,
        max(case when purpose = 'members' and index_name = 'Russell 2000' then as_of end) as members_as_of,
        coalesce(
            max(case when purpose = 'size' and index_name = 'Russell 3000' then as_of end),
            max(case when purpose = 'size' and index_name = 'Russell 2000' then as_of end)
        ) as size_as_of
    from {{ ref('int_reconstitution_snapshots') }}
    group by event, stage
),

cap_dates as (
    select
        event,
        stage,
        max(as_of) as size_as_of
    from {{ ref('int_reconstitution_stocks') }}
    group by event, stage
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
    weight_dates.members_as_of,
    case when candidates.quality = 'total capitalisations' then cap_dates.size_as_of else weight_dates.size_as_of end as size_as_of,
    candidates.is_hindsight,
    statements.stage = 'preview' as is_preview,
    statements.said_on = max(statements.said_on) over (partition by candidates.event, candidates.quality) as is_latest,
    {{ params_id() }} as params_id
from candidates
inner join {{ ref('int_reconstitution_statements') }} as statements
    on candidates.event = statements.event and candidates.stage = statements.stage
inner join weight_dates on candidates.event = weight_dates.event and candidates.stage = weight_dates.stage
left join cap_dates on candidates.event = cap_dates.event and candidates.stage = cap_dates.stage
