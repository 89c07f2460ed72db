{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['restatement']}) }}
-- Settled bars that the vendor changed between two retrievals, with the cause: a dividend rescales only adjusted closes; a split
-- rescales closes and volumes by its ratio; the volume of the two latest sessions can change by itself; anything else is
-- unexplained.
{% set p = signal_parameters('restatement', ['price_tolerance', 'volume_tolerance', 'settling_sessions']) -%}
with observations as (
    select
        symbol,
        session,
        close,
        volume,
        vendor_adj_close,
        observed_at,
        lag(close) over observed as close_before,
        lag(volume) over observed as volume_before,
        lag(vendor_adj_close) over observed as adj_close_before,
        lag(observed_at) over observed as observed_before
    from {{ ref('stg_price_observations') }}
    window observed as (partition by symbol, session order by observed_at, document_id)
),

changes as (
    select
        *,
        abs(close / close_before - 1) > {{ p.price_tolerance }} as close_changed,
        abs(vendor_adj_close / adj_close_before - 1) > {{ p.price_tolerance }} as adj_close_changed,
        abs(volume - volume_before) > {{ p.volume_tolerance }} * volume_before as volume_changed
    from observations
    where close_before is not null
),

retrievals as (
    select distinct
        symbol,
        observed_before,
        observed_at
    from changes
),

-- The latest session completed by the earlier of the two retrievals.
last_seen as (
    select
        retrievals.symbol,
        retrievals.observed_before,
        retrievals.observed_at,
        max(sessions.session_no) as session_no
    from retrievals
    inner join {{ ref('stg_sessions') }} as sessions
        on sessions.closes_at <= retrievals.observed_before
        and sessions.closes_at > {{ dbt.dateadd('day', -30, 'retrievals.observed_before') }}
    group by retrievals.symbol, retrievals.observed_before, retrievals.observed_at
),

actions_between as (
    select
        retrievals.symbol,
        retrievals.observed_before,
        retrievals.observed_at,
        max(case when actions.kind = 'split' then actions.value end) as split_ratio,
        count(case when actions.kind <> 'split' then 1 end) as distributions
    from retrievals
    inner join {{ ref('stg_corporate_actions') }} as actions
        on retrievals.symbol = actions.symbol
        and actions.ex_date > cast(retrievals.observed_before as date)
        and actions.ex_date <= cast(retrievals.observed_at as date)
    group by retrievals.symbol, retrievals.observed_before, retrievals.observed_at
)

select
    changes.symbol,
    changes.session,
    changes.observed_before,
    changes.observed_at,
    -- The field that determines the cause, with its old and new value: an unchanged close does not explain a changed volume.
    case when changes.close_changed then 'close' when changes.volume_changed then 'volume' else 'adjusted close' end as field,
    case
        when changes.close_changed then changes.close_before
        when changes.volume_changed then changes.volume_before
        else changes.adj_close_before
    end as value_before,
    case
        when changes.close_changed then changes.close
        when changes.volume_changed then changes.volume
        else changes.vendor_adj_close
    end as value_after,
    case
        when
            actions_between.split_ratio is not null
            and abs(changes.close * actions_between.split_ratio / changes.close_before - 1) <= {{ p.price_tolerance }} then 'split'
        when changes.close_changed then 'unexplained'
        when
            changes.volume_changed
            and last_seen.session_no - sessions.session_no < {{ p.settling_sessions | int }} then 'volume settled'
        when changes.volume_changed then 'unexplained'
        when coalesce(actions_between.distributions, 0) > 0 then 'dividend'
        else 'unexplained'
    end as cause
from changes
inner join {{ ref('stg_sessions') }} as sessions on changes.session = sessions.session
left join last_seen
    on changes.symbol = last_seen.symbol
    and changes.observed_before = last_seen.observed_before
    and changes.observed_at = last_seen.observed_at
left join actions_between
    on changes.symbol = actions_between.symbol
    and changes.observed_before = actions_between.observed_before
    and changes.observed_at = actions_between.observed_at
where changes.close_changed or changes.adj_close_changed or changes.volume_changed
