-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters('guide_claims', ['tolerance']) -%}
-- The guide's printed figures of each fund against current ones. A figure that the guide gives with 'about' may differ by the
-- tolerance.
with compared as (
    {% for fact, words, unit in [
        ('holdings_count', 'number of holdings', 'equities'),
        ('expense_ratio', 'expense ratio', 'fraction a year'),
        ('net_assets', 'assets under management', 'USD'),
        ('dollar_volume_quarter', 'average daily dollar volume', 'USD a session'),
        ('largest_holding_weight', 'weight of the largest holding', 'fraction'),
        ('dividend_yield', 'dividend yield', 'fraction'),
    ] -%}
    select
        fund,
        '{{ fact }}' as fact,
        fund || ': {{ words }}' as statement,
        {{ fact }}_guide as guide_says,
        {{ fact }}_guide_low as guide_low,
        {{ fact }}_guide_high as guide_high,
        {{ fact }} as measured,
        '{{ unit }}' as unit,
        cast(null as varchar) as reason,
        {{ fact }}_difference as difference,
        {{ fact }}_as_of as as_of
    from {{ ref('fund_comparison') }}
    where {{ fact }}_guide is not null
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

figures as (
    select
        lower(fund) || '_' || fact as claim,
        statement,
        guide_says,
        guide_low,
        guide_high,
        measured,
        unit,
        reason,
        as_of,
        case
            when measured is null then 'untestable'
            when guide_says like 'about%' and abs(difference) <= {{ p.tolerance }} * coalesce(guide_low, guide_high) then 'holds'
            -- Fees are quoted in hundredths of a percent: a difference below a millionth is floating-point noise.
            when abs(difference) <= 0.000001 * coalesce(guide_low, guide_high) then 'holds'
            else 'stale'
        end as verdict
    from compared
),

-- The guide gives a company's common name, the issuer its legal name.
names as (
    select
        lower(fund) || '_largest_holding' as claim,
        fund || ': name of the largest holding' as statement,
        largest_holding_guide as guide_says,
        cast(null as double) as guide_low,
        cast(null as double) as guide_high,
        cast(null as double) as measured,
        cast(null as varchar) as unit,
        'the largest holding is ' || largest_holding as reason,
        largest_holding_weight_as_of as as_of,
        case
            when largest_holding is null then 'untestable'
            when upper(largest_holding) like '%' || upper(largest_holding_guide) || '%' then 'holds'
            else 'stale'
        end as verdict
    from {{ ref('fund_comparison') }}
    where largest_holding_guide is not null
)

select * from figures
union all
select * from names
