{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['large_companies', 'all_companies', 'band']) -%}
-- The eligible companies of a statement ranked by total market capitalisation, with the borders that follow from the ranks and the band.
-- A company is worth the most that the vendor says of one of its classes, or all its classes together: vendors do either. Its classes
-- are added if the shares of each are known: the capitalisation of a class can be that of the whole company.
with companies as (
    select
        event,
        stage,
        company,
        index_before,
        greatest(max(market_cap), case when count(class_cap) = count(*) then sum(class_cap) end) as size
    from {{ ref('int_reconstitution_eligible') }}
    where not_eligible is null and market_cap is not null
    group by event, stage, company, index_before
),

placed as (
    {{ ranked_by_size('companies') }}
),

reached as (
    select
        *,
        size_so_far / total_size
        - max(case when size_rank = {{ p.large_companies | int }} then size_so_far / total_size end) over (partition by event, stage)
            as beyond_share
    from placed
),

borders as (
    select
        event,
        stage,
        max(case when beyond_share >= 0 then size end) as breakpoint,
        max(case when beyond_share >= cast(-{{ p.band }} as double) then size end) as upper_border,
        max(case when beyond_share >= cast({{ p.band }} as double) then size end) as lower_border,
        max(case when size_rank >= {{ p.all_companies | int }} then size end) as lower_limit
    from reached
    group by event, stage
)

select
    placed.event,
    placed.stage,
    placed.company,
    placed.index_before,
    placed.size,
    placed.size_rank,
    borders.breakpoint,
    borders.upper_border,
    borders.lower_border,
    borders.lower_limit
from placed
inner join borders on placed.event = borders.event and placed.stage = borders.stage
