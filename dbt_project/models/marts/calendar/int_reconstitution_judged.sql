{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Each candidate with what happened to it, and its places in the naive rankings by the value of its line in one fund. Who joined without
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

naive as (
    select
        event,
        stage,
        symbol,
        row_number() over (partition by event, stage, index_before order by small_value desc, symbol) as small_from_above,
        row_number() over (partition by event, stage, index_before order by small_value, symbol) as small_from_below,
        row_number() over (partition by event, stage, index_before order by broad_value, symbol) as large_from_below
    from {{ ref('int_reconstitution_companies') }}
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
        naive.small_from_above,
        naive.small_from_below,
        naive.large_from_below
    from {{ ref('reconstitution_candidates') }} as candidates
    inner join events on candidates.event = events.event
    left join {{ ref('int_reconstitution_outcomes') }} as outcomes
        on candidates.event = outcomes.event and candidates.security_id = outcomes.security_id
    left join new_symbols
        on candidates.event = new_symbols.event and candidates.stage = new_symbols.stage
        and candidates.symbol = new_symbols.symbol and candidates.index_before = 'neither'
    left join naive
        on candidates.event = naive.event and candidates.stage = naive.stage and candidates.symbol = naive.symbol
),

statements as (
    select distinct
        event,
        stage,
        quality,
        is_hindsight,
        judged_by
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
    small_from_above,
    small_from_below,
    large_from_below
from candidates
union all
select
    event,
    stage,
    quality,
    'joined:' || security_id as symbol,
    is_hindsight,
    judged_by,
    null as status,
    null as distance_to_border,
    null as distance_to_breakpoint,
    'neither' as index_before,
    'enters from below' as outcome,
    null as small_from_above,
    null as small_from_below,
    null as large_from_below
from joined
