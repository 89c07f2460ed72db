{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Funds of a segment ranked by the figure that decides a criterion; a fund without that figure is not a candidate.
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
    inner join {{ ref('int_facts_in_force') }} as facts on funds.fund = facts.fund and criteria.fact = facts.fact
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
    profile,
    criterion,
    max(case when place = 1 then fund end) as pick,
    max(case when place = 1 then figure end) as figure,
    max(case when place = 2 then fund end) as runner_up,
    max(case when place = 2 then figure end) as runner_up_figure,
    cast(count(*) as integer) as candidates,
    min(figure_as_of) as as_of
from ranked
group by profile, criterion
