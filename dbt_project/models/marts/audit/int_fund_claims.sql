{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['guide_claims']}) }}
{% set p = signal_parameters('guide_claims', ['tolerance']) -%}
-- The guide's printed figures of each fund against current ones. A figure that the guide gives with 'about' may differ by the
-- tolerance.
with figures as (
    select
        fund,
        fact,
        case fact
            {%- for fact, words in [
                ('holdings_count', 'number of holdings'), ('expense_ratio', 'expense ratio'), ('net_assets', 'assets under management'),
                ('dollar_volume_quarter', 'average daily dollar volume'), ('largest_holding_weight', 'weight of the largest holding'),
                ('dividend_yield', 'dividend yield'), ('largest_holding', 'name of the largest holding')
            ] %}
            when '{{ fact }}' then fund || ': {{ words }}'
            {%- endfor %}
        end as statement,
        case fact
            when 'holdings_count' then 'equities'
            when 'expense_ratio' then 'fraction a year'
            when 'net_assets' then 'USD'
            when 'dollar_volume_quarter' then 'USD a session'
            when 'largest_holding_weight' then 'fraction'
            when 'dividend_yield' then 'fraction'
        end as unit,
        guide_text,
        guide_low,
        guide_high,
        value_number,
        value_text,
        difference,
        as_of
    from {{ ref('int_facts_in_force') }}
    where guide_text is not null
)

select
    lower(fund) || '_' || fact as claim,
    statement,
    guide_text as guide_says,
    guide_low,
    guide_high,
    value_number as measured,
    unit,
    -- The guide gives a company's common name, the issuer its legal name.
    case when fact = 'largest_holding' then 'the largest holding is ' || value_text end as reason,
    as_of,
    case
        when coalesce({{ text('value_number') }}, value_text) is null then 'untestable'
        when fact = 'largest_holding'
            then case when upper(value_text) like '%' || upper(guide_text) || '%' then 'holds' else 'stale' end
        when guide_text like 'about%' and abs(difference) <= {{ p.tolerance }} * coalesce(guide_low, guide_high) then 'holds'
        -- Fees are quoted in hundredths of a percent: a difference below a millionth is floating-point noise.
        when abs(difference) <= 1.0e-6 * coalesce(guide_low, guide_high) then 'holds'
        else 'stale'
    end as verdict
from figures
where statement is not null
