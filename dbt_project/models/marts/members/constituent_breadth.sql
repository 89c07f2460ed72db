{{ config(meta={'signals': ['member_breadth']}) }}
{% set p = signal_parameters('member_breadth', [
    'least_priced_weight', 'least_eligible', 'strong', 'weak', 'middle', 'near_high', 'divergence_share'
]) -%}
with measured as (
    select
        counts.*,
        counts.advances + counts.declines + counts.unchanged as comparisons,
        counts.advances - counts.declines as net_members,
        cast(counts.members_above_50 as double) / nullif(counts.eligible_50, 0) as above_50,
        cast(counts.members_above_200 as double) / nullif(counts.eligible_200, 0) as above_200,
        means.net_advances,
        means.oscillator,
        means.thrust_ema,
        means.is_thrust,
        funds.fund_return,
        funds.share_of_high,
        -- What can change when data of later days arrive has no label: another snapshot changes the survivors and what is inferred.
        counts.basis = 'point_in_time' and not counts.is_inferred and counts.priced_weight >= {{ p.least_priced_weight }}
            as is_covered
    from {{ ref('int_member_counts') }} as counts
    left join {{ ref('int_breadth_means') }} as means
        on counts.universe = means.universe and counts.basis = means.basis and counts.session = means.session
    left join {{ ref('int_fund_highs') }} as funds on counts.universe = funds.universe and counts.session = funds.session
),

judged as (
    select
        *,
        case when is_covered and eligible_200 >= {{ p.least_eligible }} * priced then above_200 end as known_share
    from measured
),

extremes as (
    select
        *,
        case when known_share > {{ p.strong }} then 'strong' when known_share < {{ p.weak }} then 'weak' end as extreme
    from judged
),

-- Hysteresis: strong and weak begin at their thresholds and end at the middle; then the label is neutral until the next one begins.
numbered as (
    select
        *,
        count(extreme) over (partition by universe, basis order by session rows between unbounded preceding and current row)
            as extreme_no
    from extremes
),

since as (
    select
        *,
        max(extreme) over (partition by universe, basis, extreme_no) as last_extreme,
        min(known_share) over since_extreme as lowest_since,
        max(known_share) over since_extreme as highest_since
    from numbered
    window since_extreme as (
        partition by universe, basis, extreme_no order by session rows between unbounded preceding and current row
    )
)

-- Where nothing could be counted the figure is unknown, not zero.
select
    universe,
    basis,
    session,
    cast(members as integer) as members,
    cast(priced as integer) as priced,
    priced_weight,
    is_inferred,
    cast(eligible_50 as integer) as eligible_50,
    cast(eligible_200 as integer) as eligible_200,
    cast(eligible_252 as integer) as eligible_252,
    above_50,
    above_200,
    case when eligible_252 > 0 then cast(new_highs_close as integer) end as new_highs_close,
    case when eligible_252 > 0 then cast(new_lows_close as integer) end as new_lows_close,
    case when eligible_252 > 0 then cast(new_highs_intraday as integer) end as new_highs_intraday,
    case when eligible_252 > 0 then cast(new_lows_intraday as integer) end as new_lows_intraday,
    case when comparisons > 0 then cast(advances as integer) end as advances,
    case when comparisons > 0 then cast(declines as integer) end as declines,
    case when comparisons > 0 then cast(unchanged as integer) end as unchanged,
    case when comparisons > 0 then cast(up_volume as bigint) end as up_volume,
    case when comparisons > 0 then cast(down_volume as bigint) end as down_volume,
    case when comparisons > 0 then cast(sum(net_members) over so_far as bigint) end as advance_decline_line,
    net_advances,
    oscillator as mcclellan_oscillator,
    case when oscillator is not null then sum(oscillator) over so_far end as mcclellan_summation,
    thrust_ema,
    case when is_covered then is_thrust end as is_thrust,
    member_return,
    fund_return,
    case
        when known_share is null then null
        when last_extreme = 'strong' and lowest_since < {{ p.middle }} then 'neutral'
        when last_extreme = 'weak' and highest_since > {{ p.middle }} then 'neutral'
        else last_extreme
    end as member_breadth,
    case
        when known_share is not null and share_of_high is not null
            then share_of_high >= 1 - {{ p.near_high }} and known_share < {{ p.divergence_share }}
    end as is_divergence,
    {{ params_id() }} as params_id
from since
window so_far as (partition by universe, basis order by session rows between unbounded preceding and current row)
