-- Members without a bar by reason; and members with a bar whose history is too short for every measure. Weights are summed as whole
-- numbers, so that a sum is the same to the last digit whatever the order of the rows.
select
    universe,
    session,
    reason,
    cast(count(*) as integer) as members,
    sum({{ nearest_whole('1e15 * weight') }}) / 1e15 as weight,
    {{ params_id() }} as params_id
from {{ ref('int_missing_member_bars') }}
group by universe, session, reason
union all
select
    universe,
    session,
    'short_history' as reason,
    cast(priced - eligible_252 as integer) as members,
    short_weight as weight,
    {{ params_id() }} as params_id
from {{ ref('int_member_counts') }}
where basis = 'point_in_time' and priced > eligible_252
