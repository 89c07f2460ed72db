{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['snapshot_days']) -%}
-- Which observed snapshots a statement uses: the newest one gives the members, the one nearest to the rank day their size, each at most
-- some days from the day that it stands for. If the Russell 2000 fund was known in time, only what was known in time counts, so that
-- nothing that arrives later changes the statement; if not, it is made in hindsight from what is known now.
with observed as (
    select distinct
        lines.fund,
        funds.index_name,
        lines.as_of,
        lines.observed_at,
        lines.document_id
    from {{ ref('stg_holdings_observations') }} as lines
    inner join {{ ref('funds') }} as funds on lines.fund = funds.fund
    where funds.index_name in ('Russell 2000', 'Russell 3000') and funds.role <> 'compared'
),

offered as (
    select
        statements.event,
        statements.stage,
        observed.index_name,
        observed.fund,
        observed.as_of,
        observed.observed_at,
        observed.document_id,
        statements.said_on,
        {{ days_between('observed.as_of', 'statements.said_on') }} as days_before_statement,
        abs({{ days_between('statements.rank_day', 'observed.as_of') }}) as days_from_rank_day,
        observed.observed_at <= statements.known_by as is_in_time
    from {{ ref('int_reconstitution_statements') }} as statements
    inner join observed
        on statements.said_on >= observed.as_of
        and {{ days_between('observed.as_of', 'statements.rank_day') }} <= {{ p.snapshot_days | int }}
),

bases as (
    select
        event,
        stage,
        max(
            case
                when index_name = 'Russell 2000' and is_in_time and days_before_statement <= {{ p.snapshot_days | int }} then 1
                else 0
            end
        ) = 0 as is_hindsight
    from offered
    group by event, stage
),

allowed as (
    select
        offered.*,
        bases.is_hindsight
    from offered
    inner join bases on offered.event = bases.event and offered.stage = bases.stage
    where offered.is_in_time or bases.is_hindsight
),

turns as (
    select
        *,
        row_number() over (
            partition by event, stage, index_name order by as_of desc, observed_at desc, document_id desc
        ) as membership_turn,
        row_number() over (
            partition by event, stage, index_name order by days_from_rank_day, as_of, observed_at desc, document_id desc
        ) as ranking_turn
    from allowed
)

select
    event,
    stage,
    index_name,
    'members' as purpose,
    fund,
    as_of,
    observed_at,
    document_id,
    is_hindsight
from turns
where membership_turn = 1 and days_before_statement <= {{ p.snapshot_days | int }}
union all
select
    event,
    stage,
    index_name,
    'size' as purpose,
    fund,
    as_of,
    observed_at,
    document_id,
    is_hindsight
from turns
where ranking_turn = 1 and days_from_rank_day <= {{ p.snapshot_days | int }}
