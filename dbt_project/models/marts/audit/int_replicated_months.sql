{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Published findings on months: the size premium by the Fed's stance at the end of the month before, and what SPY earned after small
-- caps outperformed, over trailing and forward months.
{% set stretches = [1, 3, 6, 12] -%}
with monthly as (
    select
        months.month_no,
        before.stance,
        months.iwm_index / before.iwm_index - months.spy_index / before.spy_index as gap
    from {{ ref('int_pair_months') }} as months
    inner join {{ ref('int_pair_months') }} as before on months.month_no - 1 = before.month_no
),

stances as (
    select
        avg(case when stance = 'easing' then gap end) as easing,
        avg(case when stance = 'tightening' then gap end) as tightening,
        var_samp(case when stance = 'easing' then gap end) as easing_variance,
        var_samp(case when stance = 'tightening' then gap end) as tightening_variance,
        count(case when stance = 'easing' then gap end) as easing_months,
        count(case when stance = 'tightening' then gap end) as tightening_months
    from monthly
),

stretches as (
    {% for months in stretches -%}
    select {{ months }} as months
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

cells as (
    select
        behind.months as months_behind,
        ahead.months as months_ahead,
        avg(case when now.iwm_index / past.iwm_index > now.spy_index / past.spy_index then later.spy_index / now.spy_index end) as small,
        avg(case when now.iwm_index / past.iwm_index <= now.spy_index / past.spy_index then later.spy_index / now.spy_index end) as large,
        count(*) as months
    from stretches as behind
    cross join stretches as ahead
    cross join {{ ref('int_pair_months') }} as now
    inner join {{ ref('int_pair_months') }} as past on now.month_no - behind.months = past.month_no
    inner join {{ ref('int_pair_months') }} as later on now.month_no + ahead.months = later.month_no
    group by behind.months, ahead.months
)

select
    'Simpson & Grossmann 2024' as study,
    'easing' as figure,
    12 * easing as our_value,
    easing_months as observations
from stances
union all
select 'Simpson & Grossmann 2024', 'tightening', 12 * tightening, tightening_months
from stances
union all
select 'Simpson & Grossmann 2024', 'difference', 12 * (easing - tightening), easing_months + tightening_months
from stances
union all
select
    'Simpson & Grossmann 2024',
    'difference_t',
    (easing - tightening) / nullif(sqrt(easing_variance / easing_months + tightening_variance / tightening_months), 0),
    easing_months + tightening_months
from stances
union all
select
    'Pension Partners 2016',
    'cells_lower',
    cast(sum(case when small < large then 1 else 0 end) as double),
    max(months)
from cells
having count(*) = {{ stretches | length * stretches | length }}
