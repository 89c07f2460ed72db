{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Every fact of every origin in one shape. A fact that was not available on its date keeps a row without a value, which ends the
-- previous value.
{%- set figures = {
    'dividend_yield': 'fraction', 'special_dividend_yield': 'fraction',
    'dollar_volume_month': 'USD a session', 'dollar_volume_quarter': 'USD a session',
    'average_volume': 'shares', 'tick_spread': 'fraction',
    'option_open_interest': 'contracts', 'option_volume': 'contracts by the time of the quote',
} %}
with first_snapshots as (
    select
        funds.fund,
        funds.issuer,
        funds.index_name,
        min(concentration.as_of) as as_of
    from {{ ref('funds') }} as funds
    inner join {{ ref('concentration') }} as concentration on funds.fund = concentration.fund
    group by funds.fund, funds.issuer, funds.index_name
),

-- A median of quotes is as old as the last of them. A month without a quote repeats it, and is no new statement.
spreads as (
    select
        fund,
        coalesce(spread_session, session) as session,
        max(quoted_spread) as quoted_spread
    from {{ ref('int_fund_activity') }}
    group by fund, coalesce(spread_session, session)
),

facts as (
    {%- for origin in ['issuer', 'yahoo'] %}
    {{- facts_from(ref('int_vendor_facts'), 'fact', origin, 'as_of', 'unit', 'source', number='value_number',
                   text='value_text', document='document_id') }}
    where origin = '{{ origin }}'
    union all
    {%- endfor %}
    {{- facts_from(ref('concentration'), "'holdings_count'", 'issuer', 'as_of', "'equities'", "'concentration'",
                   number='equity_lines') }}
    union all
    {{- facts_from(ref('concentration'), "'largest_holding'", 'computed', 'as_of', "'text'", "'concentration'",
                   text='largest_holding') }}
    union all
    {{- facts_from(ref('concentration'), "'largest_holding_weight'", 'computed', 'as_of', "'fraction'", "'concentration'",
                   number='largest_weight') }}
    {%- for figure, unit in figures.items() %}
    union all
    {#- Options have a date of their own: the month's newest session in which their totals are complete. #}
    {%- set day = 'coalesce(options_session, session)' if figure.startswith('option_') else 'session' %}
    {{- facts_from(ref('int_fund_activity'), "'" ~ figure ~ "'", 'computed', day, "'" ~ unit ~ "'", "'int_fund_activity'",
                   number=figure) }}
    {%- endfor %}
    union all
    {{- facts_from('spreads', "'quoted_spread'", 'computed', 'session', "'fraction'", "'int_fund_activity'", number='quoted_spread') }}
    {%- for figure in ['issuer', 'index_name'] %}
    union all
    {{- facts_from('first_snapshots', "'" ~ figure ~ "'", 'hand_kept', 'as_of', "'text'", "'seeds/funds.csv'", text=figure) }}
    {%- endfor %}
    union all
    {{- facts_from(ref('expense_ratios'), "'expense_ratio'", 'hand_kept', 'coalesce(valid_from, as_known_on)',
                   "'fraction a year'", "'seeds/expense_ratios.csv: ' || source", number='expense_ratio', as_of='as_known_on') }}
    union all
    {{- facts_from(ref('guide_fund_facts'), 'fact', 'guide', 'as_of', 'unit', "'seeds/guide_fund_facts.csv'", number='value',
                   low='low', high='high', text='text') }}
)

select
    fund,
    fact,
    origin,
    valid_from,
    as_of,
    value_number,
    value_low,
    value_high,
    value_text,
    unit,
    source,
    document_id
from facts
