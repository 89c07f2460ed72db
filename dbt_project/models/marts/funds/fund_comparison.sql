{%- set numbers = [
    'holdings_count', 'expense_ratio', 'net_assets', 'dollar_volume_quarter', 'largest_holding_weight', 'dividend_yield'
] -%}
{%- set others = ['special_dividend_yield', 'tick_spread', 'quoted_spread', 'option_open_interest', 'option_volume'] -%}
-- The current facts of each fund, side by side.
with facts as (
    select
        fund,
        {%- for fact in numbers %}
        max(case when fact = '{{ fact }}' then value_number end) as {{ fact }},
        max(case when fact = '{{ fact }}' then origin end) as {{ fact }}_origin,
        max(case when fact = '{{ fact }}' then as_of end) as {{ fact }}_as_of,
        max(case when fact = '{{ fact }}' then difference end) as {{ fact }}_difference,
        max(case when fact = '{{ fact }}' then guide_text end) as {{ fact }}_guide,
        max(case when fact = '{{ fact }}' then guide_low end) as {{ fact }}_guide_low,
        max(case when fact = '{{ fact }}' then guide_high end) as {{ fact }}_guide_high,
        {%- endfor %}
        {%- for fact in others %}
        max(case when fact = '{{ fact }}' then value_number end) as {{ fact }},
        max(case when fact = '{{ fact }}' then as_of end) as {{ fact }}_as_of,
        {%- endfor %}
        max(case when fact = 'largest_holding' then value_text end) as largest_holding,
        max(case when fact = 'largest_holding' then guide_text end) as largest_holding_guide,
        max(case when fact = 'issuer' then guide_text end) as issuer_guide,
        max(case when fact = 'index_name' then guide_text end) as index_name_guide,
        max(case when fact = 'market_cap_focus' then guide_text end) as market_cap_focus_guide
    from {{ ref('int_facts_in_force') }}
    group by fund
)

-- The average market value of the companies is unknown: no available document gives it.
select
    funds.fund,
    funds.name,
    segments.segment,
    funds.issuer,
    facts.issuer_guide,
    funds.index_name,
    facts.index_name_guide,
    {%- for fact in numbers %}
    facts.{{ fact }},
    facts.{{ fact }}_guide,
    facts.{{ fact }}_guide_low,
    facts.{{ fact }}_guide_high,
    facts.{{ fact }}_difference,
    facts.{{ fact }}_as_of,
    facts.{{ fact }}_origin,
    {%- endfor %}
    facts.largest_holding,
    facts.largest_holding_guide,
    {{ text('null') }} as market_cap_focus,
    facts.market_cap_focus_guide,
    {%- for fact in others %}
    facts.{{ fact }},
    facts.{{ fact }}_as_of,
    {%- endfor %}
    {{ params_id() }} as params_id
from {{ ref('funds') }} as funds
left join {{ ref('index_segments') }} as segments on funds.index_name = segments.index_name
left join facts on funds.fund = facts.fund
