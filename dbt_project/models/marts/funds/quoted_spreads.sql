{{ config(meta={'signals': ['fund_facts']}) }}
{% set p = signal_parameters('fund_facts', ['smallest_tick']) -%}
-- One quote a session: that of regular hours if there is one. The others say nothing about the spread.
with preferred as (
    select
        *,
        row_number() over (partition by fund, session order by case phase when 'regular' then 1 else 2 end) as preference
    from {{ ref('stg_fund_quotes') }}
)

select
    fund,
    session,
    phase = 'regular' as is_regular,
    quoted_at,
    price,
    bid,
    ask,
    -- In whole hundredths of a cent: a difference of doubles can be less than one tick.
    {{ nearest_whole('10000 * (ask - bid)') }} / ((ask + bid) / 2) as spread_bp,
    10000 * {{ p.smallest_tick }} / coalesce((ask + bid) / 2, price) as tick_bp,
    observed_at,
    {{ params_id() }} as params_id
from preferred
where preference = 1
