{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Each candidate with what happened to it, and its places in the naive rankings by the size of its company in fund weights: the
-- statement adds share classes, too, and what it is compared with must not differ in that. Who joined without
-- being a candidate is a row without a status. A member is found again by its security, and who was in neither index by the
-- ticker: a security's id is the first ticker that it had, which another company can have today.
with events as (
    select
        event,
        max(judged_by) as judged_by,
        max(case when is_broad_known then 1 else 0 end) = 1 as is_broad_known
    from {{ ref('int_reconstitution_outcomes') }}
    group by event
    having max(judged_by) is not null
),

new_symbols as (
    select distinct
        event,
        stage,
        symbol
    from {{ ref('int_reconstitution_newcomers') }}
),

candidates as (
    select
        candidates.*,
        events.judged_by,
        events.is_broad_known,
        coalesce(outcomes.is_small, new_symbols.symbol is not null) as is_small,
        coalesce(outcomes.is_broad, false) as is_broad,
        row_number() over (
            partition by candidates.event, candidates.stage, candidates.quality, candidates.index_before
            order by sizes.size desc nulls last, members.company, candidates.symbol
        ) as from_largest,
        row_number() over (
            partition by candidates.event, candidates.stage, candidates.quality, candidates.index_before
            order by sizes.size nulls last, members.company, candidates.symbol
        ) as from_smallest
    from {{ ref('reconstitution_candidates') }} as candidates
    inner join events on candidates.event = events.event
    left join {{ ref('int_reconstitution_outcomes') }} as outcomes
        on candidates.event = outcomes.event and candidates.security_id = outcomes.security_id
    left join new_symbols
        on candidates.event = new_symbols.event and candidates.stage = new_symbols.stage
        and candidates.symbol = new_symbols.symbol and candidates.index_before = 'neither'
    left join {{ ref('int_reconstitution_companies') }} as members
        on candidates.event = members.event and candidates.stage = members.stage and candidates.symbol = members.symbol
    left join {{ ref('int_reconstitution_sizes') }} as sizes
        on members.event = sizes.event and members.stage = sizes.stage
        and members.company = sizes.company and members.index_before = sizes.index_before
),

statements as (
    select distinct
        event,
        stage,
        quality,
        is_hindsight,
        judged_by,
        is_broad_known
    from candidates
),

joined as (
    select
        statements.*,
        newcomers.security_id
    from statements
    inner join {{ ref('int_reconstitution_newcomers') }} as newcomers
        on statements.event = newcomers.event and statements.stage = newcomers.stage
    left join candidates
        on statements.event = candidates.event and statements.stage = candidates.stage
        and statements.quality = candidates.quality
        and newcomers.symbol = candidates.symbol and candidates.index_before = 'neither'
    where candidates.symbol is null
)

select
    event,
    stage,
    quality,
    symbol,
    is_hindsight,
    judged_by,
    is_broad_known,
    status,
    distance_to_border,
    distance_to_breakpoint,
    index_before,
    case
        when index_before = 'Russell 2000' and is_small then 'stays'
        -- Without the fund of the whole market, the size decides: takeovers of large companies then count as moves up.
        when index_before = 'Russell 2000' and case when is_broad_known then is_broad else distance_to_breakpoint > 0 end
            then 'leaves above'
        when index_before = 'Russell 2000' then 'leaves below'
        when index_before = 'Russell 1000' and is_small then 'enters from above'
        when is_small then 'enters from below'
        else 'stays'
    end as outcome,
    from_largest,
    from_smallest
from candidates
union all
select
    event,
    stage,
    quality,
    'joined:' || security_id as symbol,
    is_hindsight,
    judged_by,
    is_broad_known,
    null as status,
    null as distance_to_border,
    null as distance_to_breakpoint,
    'neither' as index_before,
    'enters from below' as outcome,
    null as from_largest,
    null as from_smallest
from joined
