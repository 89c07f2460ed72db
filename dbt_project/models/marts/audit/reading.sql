-- The daily reading: one row per statement, in reading order, each with its session. Stale prices come first.
with newest_prices as (
    select
        returns.fund,
        max(returns.session) as session,
        count(*) over () as funds
    from {{ ref('int_daily_returns') }} as returns
    inner join {{ ref('funds') }} as funds on returns.fund = funds.fund and funds.role in ('subject', 'benchmark')
    group by returns.fund
),

late_prices as (
    select
        newest_prices.session,
        {{ joined_text('newest_prices.fund', ', ', 'newest_prices.fund') }} as funds,
        max(clock.session_no) - max(sessions.session_no) as sessions_behind,
        max(clock.clock_date) as clock_date,
        count(*) < max(newest_prices.funds) as are_some
    from newest_prices
    inner join {{ ref('stg_sessions') }} as sessions on newest_prices.session = sessions.session
    inner join {{ ref('int_clock') }} as clock on newest_prices.session < clock.session
    group by newest_prices.session
),

open_regimes as (
    select
        spells.pair,
        spells.regime,
        spells.first_session,
        spells.sessions,
        ratios.session,
        ratios.ratio,
        ratios.trend_gap,
        ratios.zscore,
        ratios.percentile
    from {{ ref('regime_spells') }} as spells
    inner join {{ ref('ratio_daily') }} as ratios on spells.pair = ratios.pair and spells.last_session = ratios.session
    where spells.is_open
),

rate_cycle as (
    select
        spells.rate_regime,
        spells.first_session,
        spells.sessions,
        daily.session,
        daily.policy_rate
    from {{ ref('rate_regime_spells') }} as spells
    inner join {{ ref('rate_regime_daily') }} as daily on spells.last_session = daily.session
    where spells.is_open
),

phase_spells as (
    {{ spells(ref('cycle_phase_daily'), 'cycle_phase') }}
),

breadth_now as (
    select
        spells.breadth,
        spells.first_session,
        spells.sessions,
        daily.session,
        daily.iwm_return
    from {{ ref('int_breadth_spells') }} as spells
    inner join {{ ref('breadth_daily') }} as daily on spells.last_session = daily.session
    where spells.is_open
),

phase_now as (
    select
        cycle_phase,
        first_session,
        sessions,
        last_session as session
    from phase_spells
    where is_open
),

widest_gaps as (
    select
        sector,
        gap,
        as_of_a as iwm_as_of,
        as_of_b as spy_as_of,
        days_apart,
        is_comparable,
        row_number() over (order by abs(gap) desc, sector) as gap_rank
    from {{ ref('sector_gaps') }}
    where fund_a = 'IWM' and fund_b = 'SPY' and gap is not null and sector not in ('Cash and Other', 'Unclassified')
),

-- The funds that are compared with each other, without the alternatives to them.
year_returns as (
    select
        performance.fund,
        performance.total_return,
        performance.end_session
    from {{ ref('performance') }} as performance
    inner join {{ ref('funds') }} as funds on performance.fund = funds.fund
    where performance.window_name = '1y' and funds.role in ('subject', 'benchmark')
),

satellite as (
    select
        targets.session,
        targets.iwm_weight,
        targets.reason,
        'timing effect ' || {{ signed_percent('summary.gap_to_static', 2) }}
        || ' a year against a static satellite (bootstrap interval ' || {{ signed_percent('summary.gap_low', 2) }}
        || ' to ' || {{ signed_percent('summary.gap_high', 2) }} || '); '
        || summary.verdict as evidence
    from {{ ref('satellite_target') }} as targets
    inner join (select max(session) as session from {{ ref('satellite_target') }}) as newest on targets.session = newest.session
    left join {{ ref('core_satellite_summary') }} as summary on summary.strategy = 'timed'
),

claims_tested as (
    select
        summary.tested,
        summary.surviving,
        max(scorecard.last_session) as last_session
    from {{ ref('evidence_summary') }} as summary
    inner join {{ ref('scorecard') }} as scorecard on summary.family = scorecard.family
    where summary.family = 'claims'
    group by summary.tested, summary.surviving
),

statements as (
    select
        'regime' as topic,
        pair as subject,
        regime as reading,
        'log ratio minus its trend mean' as measure,
        trend_gap as value,
        'log points' as unit,
        first_session as since,
        sessions,
        session,
        cast(null as date) as other_as_of,
        {{ text('null') }} as note
    from open_regimes
    union all
    select 'freshness', 'Prices of ' || funds,
        'Prices ' || case when are_some then 'of ' || funds || ' ' else '' end || 'end on ' || {{ text('session') }} || ', '
        || {{ counted('sessions_behind', 'session') }} || ' behind the run date (' || {{ text('clock_date') }} || ')',
        'sessions behind the run date', sessions_behind, 'sessions', null, null, session, null, null
    from late_prices
    union all
    select 'ratio', pair, null, 'price ratio', ratio, 'ratio', null, null, session, null, null from open_regimes
    union all
    select 'ratio', pair, null, 'trailing ratio percentile', percentile, 'fraction', null, null, session, null, null
    from open_regimes
    union all
    select 'breadth', 'IWM, SPY, QQQ', breadth, 'total return of IWM over the breadth window', iwm_return, 'fraction', first_session,
        sessions, session, null, null
    from breadth_now
    union all
    select 'cycle_phase', 'rate cycle and IWM/SPY', cycle_phase, 'sessions in the phase', sessions, 'sessions', first_session, sessions,
        session, null, null
    from phase_now
    union all
    select
        'evidence', 'claims of the guide',
        'Of ' || {{ text('tested') }} || ' tests of the guide''s claims, ' || {{ text('surviving') }}
        || case surviving when 1 then ' survives' else ' survive' end,
        'claims that survive the correction for their number', surviving, 'claims', null, null, last_session, null, null
    from claims_tested
    union all
    select 'satellite', 'IWM beside a core of SPY', reason, 'target weight of IWM', iwm_weight, 'fraction', null, null, session, null, null
    from satellite
    union all
    select 'rate_regime', 'Fed funds target', rate_regime, 'midpoint of the target range', policy_rate, 'fraction a year', first_session,
        sessions, session, null, null
    from rate_cycle
    union all
    select 'reconstitution', 'Russell ' || event, stage, 'sessions to the effective close', sessions_to_effective, 'sessions', null, null,
        counted_from, null, null
    from {{ ref('reconstitution_calendar') }}
    where is_next
    union all
    select 'sector_gap', sector, case when gap > 0 then 'IWM above SPY' else 'IWM below SPY' end,
        'weight in IWM minus weight in SPY', gap, 'fraction', null, null, iwm_as_of, spy_as_of, null
    from widest_gaps
    where gap_rank <= 5 and is_comparable
    union all
    select 'sector_gap', 'IWM against SPY', null, 'weight in IWM minus weight in SPY', null, 'fraction', null, null, iwm_as_of, spy_as_of,
        'not compared: the snapshots of IWM (' || {{ text('iwm_as_of') }} || ') and SPY (' || {{ text('spy_as_of') }}
        || ') are ' || {{ text('days_apart') }} || ' days apart'
    from widest_gaps
    where gap_rank = 1 and not is_comparable
    union all
    select 'performance', fund, null, 'total return over one year', total_return, 'fraction', null, null, end_session, null, null
    from year_returns
),

topics as (
    {% for topic in [
        'freshness', 'evidence', 'regime', 'ratio', 'breadth', 'rate_regime',
        'cycle_phase', 'satellite', 'reconstitution', 'sector_gap', 'performance'
    ] -%}
    select '{{ topic }}' as topic, {{ loop.index }} as topic_no
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

-- A label that depends on the calendar is not given beyond its data.
given as (
    select
        statements.topic,
        statements.subject,
        statements.measure,
        statements.unit,
        statements.session,
        statements.other_as_of,
        coalesce(ages.note, statements.note) as note,
        {%- for column in ['reading', 'value', 'since', 'sessions'] %}
        case when coalesce(ages.is_current, true) then statements.{{ column }} end as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from statements
    left join {{ ref('int_label_ages') }} as ages on statements.topic = ages.topic
)

select
    cast(row_number() over (
        order by
            topics.topic_no,
            -- IWM first, and its pair with SPY before all others; the widest sector gap first.
            case when given.subject in ('IWM/SPY', 'IWM') then 0 else 1 end,
            abs(case when given.topic = 'sector_gap' then given.value end) desc,
            given.subject,
            given.measure desc
    ) as integer) as line,
    given.topic,
    given.subject,
    given.reading,
    given.measure,
    given.value,
    given.unit,
    given.since,
    cast(given.sessions as integer) as sessions,
    given.session,
    given.other_as_of,
    given.note,
    case
        when given.topic = 'satellite' and given.value is not null then satellite.evidence
        else evidence.evidence
    end as evidence,
    {{ params_id() }} as params_id
from given
inner join topics on given.topic = topics.topic
left join {{ ref('int_label_evidence') }} as evidence
    on given.topic = evidence.signal and given.subject = evidence.subject and given.reading = evidence.label
left join satellite on given.topic = 'satellite'
