{{ config(meta={'signals': ['fund_flows']}) }}
{% set p = signal_parameters('fund_flows', ['most_days']) -%}
-- Shares are created and redeemed at the net asset value of their day, which is not known: the mean of both ends stands for it.
with valued as (
    select
        *,
        {{ days_between('from_as_of', 'as_of') }} as days,
        net_assets / shares as net_asset_value,
        from_net_assets / from_shares as from_net_asset_value
    from {{ ref('int_stated_shares') }}
)

select
    fund,
    from_as_of,
    as_of,
    cast(days as integer) as days,
    from_shares,
    shares,
    shares - from_shares as shares_change,
    from_net_asset_value,
    net_asset_value,
    case
        when days <= {{ p.most_days | int }} then (shares - from_shares) * (from_net_asset_value + net_asset_value) / 2
    end as flow,
    case
        when days <= {{ p.most_days | int }}
            then (shares - from_shares) * (from_net_asset_value + net_asset_value) / 2 / from_net_assets
    end as flow_share,
    observed_at,
    {{ params_id() }} as params_id
from valued
