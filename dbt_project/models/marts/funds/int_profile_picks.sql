{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Funds of a segment ranked by the figure that decides a criterion. A fund without that figure is not a candidate, but it could be
-- better; funds that are only a source of sectors are not compared.
with candidates as (
    select
        criteria.profile,
        criteria.criterion,
        criteria.best,
        funds.fund,
        facts.value_number as figure,
        facts.as_of as figure_as_of
    from {{ ref('profile_criteria') }} as criteria
    inner join {{ ref('index_segments') }} as segments on criteria.segment = segments.segment
    inner join {{ ref('funds') }} as funds on segments.index_name = funds.index_name
    left join {{ ref('int_facts_in_force') }} as facts on funds.fund = facts.fund and criteria.fact = facts.fact
    where criteria.best is not null and (facts.value_number is not null or funds.role <> 'sector_source')
),

unknown as (
    select
        profile,
        criterion,
        min(fund) as unknown_fund
    from candidates
    where figure is null
    group by profile, criterion
),

ranked as (
    select
        *,
        row_number() over (
            partition by profile, criterion
            order by case when best = 'lowest' then figure else -figure end, fund
        ) as place
    from candidates
    where figure is not null
)

select
    ranked.profile,
    ranked.criterion,
    max(case when ranked.place = 1 then ranked.fund end) as pick,
    max(case when ranked.place = 1 then ranked.figure end) as figure,
    max(case when ranked.place = 2 then ranked.fund end) as runner_up,
    max(case when ranked.place = 2 then ranked.figure end) as runner_up_figure,
    max(unknown.unknown_fund) as unknown_fund,
    cast(count(*) as integer) as candidates,
    min(ranked.figure_as_of) as as_of
from ranked
left join unknown on ranked.profile = unknown.profile and ranked.criterion = unknown.criterion
group by ranked.profile, ranked.criterion
