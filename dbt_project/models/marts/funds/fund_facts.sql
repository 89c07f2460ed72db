{{ config(meta={'signals': ['fund_facts']}) }}
{% set p = signal_parameters('fund_facts', []) -%}
with facts as (
    select
        spells.*,
        coalesce(spells.value_number, spells.value_low) as low,
        coalesce(spells.value_number, spells.value_high) as high,
        spells.value_number is null and spells.value_low is null and spells.value_high is null as is_text,
        case spells.fact
            {%- for name, value in p.items() if name.startswith('tolerance_') %}
            when '{{ name[10:] }}' then cast({{ value }} as double)
            {%- endfor %}
        end as tolerance
    from {{ ref('int_fund_fact_spells') }} as spells
),

splits as (
    select
        funds.fund,
        splits.ex_date
    from {{ ref('int_splits') }} as splits
    inner join {{ ref('funds') }} as funds on splits.symbol = funds.price_symbol
),

-- Compared with the value that each other origin had on the day this value begins: later values do not change the verdict. Numbers of
-- shares before and after a split are not comparable.
gaps as (
    select
        facts.fund,
        facts.fact,
        facts.origin,
        facts.valid_from,
        facts.tolerance,
        others.origin as other_origin,
        others.valid_from as other_from,
        coalesce(others.value_text, {{ number_text('others.value_number', 6) }} || ' ' || others.unit) as other_value,
        case
            when facts.is_text
                then {{ dbt.position('upper(others.value_text)', 'upper(facts.value_text)') }} = 0
                    and {{ dbt.position('upper(facts.value_text)', 'upper(others.value_text)') }} = 0
        end as differs_in_words,
        case
            when facts.is_text then null
            when facts.low > others.high then facts.low / nullif(others.high, 0) - 1
            when facts.high < others.low then facts.high / nullif(others.low, 0) - 1
            else 0
        end as gap
    from facts
    inner join facts as others
        on facts.fund = others.fund
        and facts.fact = others.fact
        and facts.origin <> others.origin
        and others.valid_from <= facts.valid_from
        and (others.valid_to is null or others.valid_to > facts.valid_from)
        and facts.is_text = others.is_text
    left join splits
        on facts.unit = 'shares'
        and facts.fund = splits.fund
        and others.valid_from < splits.ex_date
        and facts.valid_from >= splits.ex_date
    where (facts.is_text or facts.tolerance is not null) and splits.fund is null
),

sentences as (
    select
        *,
        case
            when differs_in_words then other_origin || ' states ' || other_value || ' (' || other_from || ')'
            when abs(gap) > tolerance
                then other_origin || ' states ' || other_value || ' (' || other_from || '): this value is '
                    || {{ number_text('abs(gap) * 100', 0) }} || ' % '
                    || case when gap > 0 then 'higher' else 'lower' end
        end as sentence
    from gaps
),

verdicts as (
    select
        fund,
        fact,
        origin,
        valid_from,
        count(sentence) > 0 as disagrees,
        {{ joined_text('sentence', '; ', 'other_origin') }} as disagreement
    from sentences
    group by fund, fact, origin, valid_from
)

select
    facts.fund,
    facts.fact,
    facts.origin,
    facts.valid_from,
    facts.valid_to,
    facts.value_number,
    facts.value_low,
    facts.value_high,
    facts.value_text,
    facts.unit,
    facts.as_of,
    facts.source,
    facts.document_id,
    verdicts.disagrees,
    verdicts.disagreement,
    {{ params_id() }} as params_id
from facts
left join verdicts
    on facts.fund = verdicts.fund
    and facts.fact = verdicts.fact
    and facts.origin = verdicts.origin
    and facts.valid_from = verdicts.valid_from
