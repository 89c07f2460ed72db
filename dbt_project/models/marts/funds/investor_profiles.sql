{{ config(meta={'signals': ['investor_profiles']}) }}
{% set p = signal_parameters('investor_profiles', ['horizon_years', 'growth']) -%}
with readings as (
    select
        ratios.pair,
        ratios.session,
        ratios.trend_gap,
        ratios.percentile,
        regimes.regime,
        row_number() over (partition by ratios.pair order by ratios.session desc) as recency
    from {{ ref('ratio_daily') }} as ratios
    inner join {{ ref('regime_daily') }} as regimes on ratios.pair = regimes.pair and ratios.session = regimes.session
    where regimes.regime is not null
),

gaps as (
    select
        drag.segment,
        drag.fund,
        drag.cheaper_fund,
        drag.cost_compounded,
        drag.cost_subtracted,
        drag.as_of,
        count(*) over (partition by drag.segment) + 1 as candidates,
        row_number() over (partition by drag.segment order by drag.cost_compounded desc, drag.cheaper_fund) as place
    from {{ ref('fee_drag') }} as drag
    inner join {{ ref('funds') }} as funds on drag.fund = funds.fund and funds.role = 'subject'
    where drag.fees_from = 'today'
        and drag.horizon_years = {{ p.horizon_years | int }}
        and abs(drag.growth - {{ p.growth }}) < 1.0e-6
),

-- A target based on rates that end before the run's clock is not current.
targets as (
    select
        targets.session,
        case when ages.is_current then 'IWM' end as pick,
        case when ages.is_current then targets.iwm_weight end as iwm_weight,
        coalesce(ages.note, targets.reason) as reason,
        row_number() over (order by targets.session desc) as recency
    from {{ ref('satellite_target') }} as targets
    cross join {{ ref('int_label_ages') }} as ages
    where ages.topic = 'satellite'
),

answers as (
    select
        criteria.profile,
        criteria.criterion,
        criteria.unit,
        criteria.guide_pick,
        criteria.guide_says,
        coalesce(picks.pick, gaps.cheaper_fund, readings.pair, targets.pick) as pick,
        coalesce(picks.figure, gaps.cost_compounded, readings.trend_gap, targets.iwm_weight) as figure,
        picks.runner_up,
        picks.runner_up_figure,
        picks.unknown_fund,
        cast(coalesce(picks.candidates, gaps.candidates) as integer) as candidates,
        coalesce(picks.as_of, gaps.as_of, readings.session, targets.session) as as_of,
        case
            when picks.runner_up is not null
                then picks.pick || ' at ' || {{ in_words('picks.figure', 'criteria.unit') }} || ', followed by ' || picks.runner_up
                    || ' at ' || {{ in_words('picks.runner_up_figure', 'criteria.unit') }}
                    || coalesce('; the figure of ' || picks.unknown_fund || ' is not known', '')
            when picks.pick is not null
                then picks.pick || ' at ' || {{ in_words('picks.figure', 'criteria.unit') }} || '; no other fund has a known figure'
            when gaps.fund is not null
                then 'holding ' || gaps.fund || ' instead of ' || gaps.cheaper_fund || ' for {{ p.horizon_years | int }} years costs '
                    || {{ in_words('gaps.cost_compounded', 'criteria.unit') }} || ' with the fee compounded, '
                    || {{ in_words('gaps.cost_subtracted', 'criteria.unit') }} || ' with the fee subtracted; fees only'
            when readings.pair is not null
                then readings.regime || ': log ratio minus its mean = ' || {{ number_text('readings.trend_gap', 4) }}
                    || ' log points; '
                    || {{ number_text('100 * readings.percentile', 0) }} || ' % of the last year''s ratios are at or below it'
            when targets.session is not null then targets.reason
            else 'undecided: no fund in the segment has a known figure'
        end as reason
    from {{ ref('profile_criteria') }} as criteria
    left join {{ ref('int_profile_picks') }} as picks
        on criteria.profile = picks.profile and criteria.criterion = picks.criterion
    left join gaps on criteria.fact = 'fee_drag' and criteria.segment = gaps.segment and gaps.place = 1
    left join targets on criteria.fact = 'satellite_target' and targets.recency = 1
    left join readings on criteria.fact = 'trend_gap' and criteria.guide_pick = readings.pair and readings.recency = 1
)

select
    profile,
    criterion,
    pick,
    figure,
    unit,
    runner_up,
    runner_up_figure,
    candidates,
    as_of,
    reason,
    guide_pick,
    guide_says,
    -- If only one fund has the figure, the figure did not choose it; one whose figure is not known could be better still.
    case
        when candidates = 1 then null
        when {{ dbt.position("' ' || pick || ' '", "' ' || guide_pick || ' '") }} = 0 then false
        when unknown_fund is null and pick is not null then true
    end as is_the_guides_pick,
    {{ params_id() }} as params_id
from answers
