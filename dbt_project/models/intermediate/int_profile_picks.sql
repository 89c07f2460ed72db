-- Funds of a segment ranked by the figure that decides a criterion; a fund without that figure is not a candidate.
with candidates as (
    select
        criteria.profile,
        criteria.criterion,
        criteria.best,
        comparison.fund,
        {%- for column in ['', '_as_of'] %}
        case criteria.fact
            {%- for fact in ['expense_ratio', 'dollar_volume_quarter', 'quoted_spread'] %}
            when '{{ fact }}' then comparison.{{ fact }}{{ column }}
            {%- endfor %}
        end as figure{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('profile_criteria') }} as criteria
    inner join {{ ref('fund_comparison') }} as comparison on criteria.segment = comparison.segment
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
