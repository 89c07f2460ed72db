{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['known_by_hours']) -%}
-- The days on which a statement about an event is made, up to the run's clock: at each stage of the event, and for the next event
-- before its rank day a preview that moves with the clock.
with stages as (
    {% for stage, day in [
        ('rank day', 'rank_day'), ('preliminary list', 'preliminary_list'), ('list update 1', 'list_update_1'),
        ('list update 2', 'list_update_2'), ('list update 3', 'list_update_3'), ('list update 4', 'list_update_4'),
        ('lock-down', 'lock_down')
    ] -%}
    select
        event,
        '{{ stage }}' as stage,
        rank_day,
        {{ day }} as said_on,
        effective
    from {{ ref('reconstitutions') }}
    where rank_day is not null and {{ day }} is not null
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor -%}
),

next_event as (
    select min(reconstitutions.effective) as effective
    from {{ ref('reconstitutions') }} as reconstitutions
    cross join {{ ref('int_clock') }} as today
    where reconstitutions.effective >= today.session
),

previews as (
    select
        reconstitutions.event,
        'preview' as stage,
        today.session as rank_day,
        today.session as said_on,
        reconstitutions.effective
    from {{ ref('reconstitutions') }} as reconstitutions
    inner join next_event on reconstitutions.effective = next_event.effective
    cross join {{ ref('int_clock') }} as today
    where reconstitutions.rank_day > today.session
),

statements as (
    select *
    from stages
    union all
    select *
    from previews
),

limited as (
    select
        *,
        cast({{ dbt.dateadd('hour', p.known_by_hours | int, 'cast(said_on as timestamp)') }} as timestamp) as known_by
    from statements
)

select
    event,
    stage,
    rank_day,
    said_on,
    known_by,
    effective
from limited
where stage = 'preview' or known_by <= {{ clock() }}
