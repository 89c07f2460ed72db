{{ config(meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['near', 'far']) -%}
-- A naive ranking names as many members as the statement does, those of the largest or the smallest companies by fund weight. A status for
-- which a statement had no border was not forecast; it is scored only for the members that a rule decides.
with statuses as (
    select names.status
    from (values ('leaves above'), ('leaves below'), ('enters from above'), ('enters from below')) as names (status)
),

judged as (
    select
        *,
        case
            when distance_to_border is null then 'by rule'
            when abs(distance_to_border) <= cast({{ p.near }} as double) then 'near'
            when abs(distance_to_border) <= cast({{ p.far }} as double) then 'middle'
            else 'far'
        end as reach
    from {{ ref('int_reconstitution_judged') }}
),

counted as (
    select
        judged.event,
        judged.stage,
        judged.quality,
        statuses.status,
        judged.is_hindsight,
        judged.judged_by,
        judged.is_broad_known,
        sum(case when judged.status = statuses.status then 1 else 0 end) as predicted,
        sum(case when judged.outcome = statuses.status then 1 else 0 end) as happened,
        case statuses.status
            when 'leaves above' then max(judged.distance_to_breakpoint) is not null
            -- One that is not eligible has no status, whether there is a border or not.
            when 'enters from above'
                then max(case when judged.index_before = 'Russell 1000' and judged.status is not null then 1 else 0 end) = 1
            -- The price decides without a border, and one without a known size has no status, whether there is a border or not.
            else max(
                case
                    when judged.index_before = 'Russell 2000' and judged.status <> 'leaves above'
                        and judged.distance_to_border is not null
                        then 1
                    else 0
                end
            ) = 1
        end as is_said
    from judged
    cross join statuses
    group by
        judged.event, judged.stage, judged.quality, statuses.status, judged.is_hindsight, judged.judged_by, judged.is_broad_known
),

hits as (
    select
        counted.event,
        counted.stage,
        counted.quality,
        counted.status,
        sum(case when judged.status = counted.status and judged.outcome = counted.status then 1 else 0 end) as correct,
        sum(
            case
                when judged.outcome <> counted.status then 0
                when counted.status = 'leaves above' and judged.from_largest <= counted.predicted then 1
                when counted.status in ('leaves below', 'enters from above') and judged.from_smallest <= counted.predicted then 1
                else 0
            end
        ) as naive_correct
    from counted
    inner join judged
        on counted.event = judged.event and counted.stage = judged.stage and counted.quality = judged.quality
    group by counted.event, counted.stage, counted.quality, counted.status
),

by_reach as (
    select
        event,
        stage,
        quality,
        status,
        reach,
        is_hindsight,
        judged_by,
        is_broad_known,
        count(*) as predicted,
        sum(case when outcome = status then 1 else 0 end) as correct
    from judged
    where status <> 'stays'
    group by event, stage, quality, status, reach, is_hindsight, judged_by, is_broad_known
),

scores as (
    select
        counted.event,
        counted.stage,
        counted.quality,
        counted.status,
        'all' as reach,
        counted.is_hindsight,
        counted.judged_by,
        counted.is_broad_known,
        counted.predicted,
        counted.happened,
        hits.correct,
        case when counted.status <> 'enters from below' then hits.naive_correct end as naive_correct
    from counted
    inner join hits
        on counted.event = hits.event and counted.stage = hits.stage
        and counted.quality = hits.quality and counted.status = hits.status
    -- Fund weights say nothing about companies that no fund holds.
    where counted.is_said and (counted.quality <> 'fund weights' or counted.status <> 'enters from below')
    union all
    select
        event,
        stage,
        quality,
        status,
        reach,
        is_hindsight,
        judged_by,
        is_broad_known,
        predicted,
        null as happened,
        correct,
        null as naive_correct
    from by_reach
)

select
    scores.event,
    scores.stage,
    scores.quality,
    scores.status,
    scores.reach,
    statements.said_on,
    statements.said_on = max(statements.said_on) over (partition by scores.event, scores.quality) as is_latest,
    scores.judged_by,
    scores.is_broad_known,
    scores.is_hindsight,
    cast(scores.predicted as integer) as predicted,
    cast(scores.happened as integer) as happened,
    cast(scores.correct as integer) as correct,
    cast(scores.correct as double) / nullif(scores.predicted, 0) as precision_share,
    cast(scores.correct as double) / nullif(scores.happened, 0) as recall_share,
    cast(scores.naive_correct as double) / nullif(scores.predicted, 0) as naive_precision,
    cast(scores.naive_correct as double) / nullif(scores.happened, 0) as naive_recall,
    {{ params_id() }} as params_id
from scores
inner join {{ ref('int_reconstitution_statements') }} as statements
    on scores.event = statements.event and scores.stage = statements.stage
