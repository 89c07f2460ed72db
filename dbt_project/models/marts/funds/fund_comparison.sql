{%- set numbers = [
    'holdings_count', 'expense_ratio', 'net_assets', 'dollar_volume_quarter', 'largest_holding_weight', 'dividend_yield'
] -%}
{%- set others = ['special_dividend_yield', 'tick_spread', 'quoted_spread', 'bid_ask_spread_edge'] -%}
-- Current values. Among several origins, the one closest to the source: the issuer, our own computation, our seeds, Yahoo.
with facts as (
    select
        fund,
        fact,
        origin,
        as_of,
        value_number,
        value_text,
        coalesce(value_number, value_low) as low,
        coalesce(value_number, value_high) as high,
        row_number() over (
            partition by fund, fact, origin = 'guide'
            order by case origin when 'issuer' then 1 when 'computed' then 2 when 'hand_kept' then 3 else 4 end
        ) as preference
    from {{ ref('fund_facts') }}
    where valid_to is null
),

-- The average market value of the companies is unknown: no available document gives it.
compared as (
    select
        measured.fund,
        measured.fact,
        measured.origin,
        measured.as_of,
        measured.value_number,
        case
            when measured.value_number < guide.low then measured.value_number - guide.low
            when measured.value_number > guide.high then measured.value_number - guide.high
            when guide.fund is not null then 0
        end as difference
    from facts as measured
    left join facts as guide
        on measured.fund = guide.fund and measured.fact = guide.fact and guide.origin = 'guide'
    where measured.origin <> 'guide' and measured.preference = 1
),

measured as (
    select
        fund,
        {%- for fact in numbers %}
        max(case when fact = '{{ fact }}' then value_number end) as {{ fact }},
        max(case when fact = '{{ fact }}' then origin end) as {{ fact }}_origin,
        max(case when fact = '{{ fact }}' then as_of end) as {{ fact }}_as_of,
        max(case when fact = '{{ fact }}' then difference end) as {{ fact }}_difference,
        {%- endfor %}
        {%- for fact in others %}
        max(case when fact = '{{ fact }}' then value_number end) as {{ fact }},
        max(case when fact = '{{ fact }}' then as_of end) as {{ fact }}_as_of{{ ',' if not loop.last }}
        {%- endfor %}
    from compared
    group by fund
),

texts as (
    select
        fund,
        max(case when fact = 'largest_holding' and origin = 'computed' then value_text end) as largest_holding,
        max(case when fact = 'largest_holding' and origin = 'guide' then value_text end) as largest_holding_guide,
        max(case when fact = 'issuer' and origin = 'guide' then value_text end) as issuer_guide,
        max(case when fact = 'index_name' and origin = 'guide' then value_text end) as index_name_guide,
        max(case when fact = 'market_cap_focus' and origin = 'guide' then value_text end) as market_cap_focus_guide
        {%- for fact in numbers %},
        max(case when fact = '{{ fact }}' and origin = 'guide' then value_text end) as {{ fact }}_guide,
        max(case when fact = '{{ fact }}' and origin = 'guide' then low end) as {{ fact }}_guide_low,
        max(case when fact = '{{ fact }}' and origin = 'guide' then high end) as {{ fact }}_guide_high
        {%- endfor %}
    from facts
    group by fund
)

select
    funds.fund,
    funds.name,
    segments.segment,
    funds.issuer,
    texts.issuer_guide,
    funds.index_name,
    texts.index_name_guide,
    {%- for fact in numbers %}
    measured.{{ fact }},
    texts.{{ fact }}_guide,
    texts.{{ fact }}_guide_low,
    texts.{{ fact }}_guide_high,
    measured.{{ fact }}_difference,
    measured.{{ fact }}_as_of,
    measured.{{ fact }}_origin,
    {%- endfor %}
    texts.largest_holding,
    texts.largest_holding_guide,
    cast(null as varchar) as market_cap_focus,
    texts.market_cap_focus_guide
    {%- for fact in others %},
    measured.{{ fact }},
    measured.{{ fact }}_as_of
    {%- endfor %}
from {{ ref('funds') }} as funds
left join {{ ref('index_segments') }} as segments on funds.index_name = segments.index_name
left join measured on funds.fund = measured.fund
left join texts on funds.fund = texts.fund
order by funds.fund
