{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['band', 'least_float']) -%}
-- Each company's size by fund weight with the borders of its statement.
with companies as (
    select
        event,
        stage,
        company,
        index_before,
        sum(size) as size
    from {{ ref('int_reconstitution_companies') }}
    where size is not null
    group by event, stage, company, index_before
),

placed as (
    {{ ranked_by_size('companies') }}
),

large as (
    select
        event,
        stage,
        sum(size) over (partition by event, stage order by size_rank rows between unbounded preceding and current row)
        / total_size as share,
        row_number() over (partition by event, stage order by size_rank desc) as turn
    from placed
    where index_before = 'Russell 1000'
),

-- The Russell 1000 ends where the largest companies have the weight that it has. A rank would be too low a border: companies with
-- little free float rank far behind their total capitalisation.
reached as (
    select
        placed.event,
        placed.stage,
        placed.size,
        placed.size_so_far / placed.total_size - large.share as beyond_share
    from placed
    inner join large on placed.event = large.event and placed.stage = large.stage
    where large.turn = 1
),

borders as (
    select
        event,
        stage,
        max(case when beyond_share >= 0 then size end) as breakpoint,
        max(case when beyond_share >= cast(-{{ p.band }} as double) then size end) as upper_border,
        max(case when beyond_share >= cast({{ p.band }} as double) then size end) as lower_border
    from reached
    group by event, stage
),

-- The lower limit of the last event before, relative to its breakpoint.
limits as (
    select
        statements.event,
        statements.stage,
        lowest.value / breakpoints.value as lower_limit,
        row_number() over (partition by statements.event, statements.stage order by earlier.effective desc) as turn
    from {{ ref('int_reconstitution_statements') }} as statements
    inner join {{ ref('reconstitutions') }} as earlier on statements.said_on > earlier.effective
    inner join {{ ref('reconstitution_figures') }} as lowest
        on earlier.event = lowest.event and lowest.figure = 'lower_limit'
    inner join {{ ref('reconstitution_figures') }} as breakpoints
        on earlier.event = breakpoints.event and breakpoints.figure = 'breakpoint'
)

select
    placed.event,
    placed.stage,
    placed.company,
    placed.index_before,
    placed.size,
    placed.size_rank,
    placed.size / placed.total_size as weight,
    borders.breakpoint,
    borders.upper_border,
    borders.lower_border,
    -- A weight counts free float only: a company is taken to be below the limit if it is so with all shares that may not float.
    borders.breakpoint * limits.lower_limit * cast({{ p.least_float }} as double) as floor_border
from placed
left join borders on placed.event = borders.event and placed.stage = borders.stage
left join limits on placed.event = limits.event and placed.stage = limits.stage and limits.turn = 1
