{{ config(meta={'signals': ['security_identity']}) }}
{%- set p = signal_parameters('security_identity', ['ticker_gap_days']) %}
-- Which security held a ticker over which dates, for lines without an identifier.
with numbered as (
    select
        lines.ticker,
        lines.as_of,
        split_part(upper(lines.name), ' ', 1) as first_word,
        numbers.security_key
    from {{ ref('int_holdings_classified') }} as lines
    left join {{ ref('int_linked_numbers') }} as numbers
        on coalesce('CUSIP:' || lines.cusip, 'ISIN:' || lines.isin, 'SEDOL:' || lines.sedol) = numbers.number
    where lines.holdings_class = 'equity' and lines.ticker is not null
),

-- Most tickers have one name and one security throughout: their first day is enough.
tickers as (
    select
        ticker,
        min(as_of) as first_as_of,
        min(first_word) <> max(first_word)
        or min(security_key) <> max(security_key)
        or count(security_key) not in (0, count(*)) as changes
    from numbered
    group by ticker
),

days as (
    select
        numbered.ticker,
        numbered.as_of,
        min(numbered.first_word) as first_word,
        min(numbered.security_key) as security_key
    from numbered
    inner join tickers on numbered.ticker = tickers.ticker
    where tickers.changes or numbered.as_of = tickers.first_as_of
    group by numbered.ticker, numbered.as_of
),

beside_the_day_before as (
    select
        *,
        lag(as_of) over by_day as as_of_before,
        lag(first_word) over by_day as word_before,
        lag(security_key) over by_day as key_before
    from days
    window by_day as (partition by ticker order by as_of)
),

judged as (
    select
        *,
        -- Back after a long absence under another name: another company took the ticker.
        case
            when {{ days_between('as_of_before', 'as_of') }} > {{ p.ticker_gap_days }} and first_word <> word_before
            then 1 else 0
        end as is_another_company
    from beside_the_day_before
),

turns as (
    select
        *,
        sum(is_another_company) over (
            partition by ticker order by as_of rows between unbounded preceding and current row
        ) as spell_no
    from judged
    where as_of_before is null or is_another_company = 1 or security_key is distinct from key_before
)

select
    ticker,
    as_of as first_day,
    coalesce(
        cast({{ dbt.dateadd('day', -1, 'lead(as_of) over (partition by ticker order by as_of)') }} as date), date '9999-12-31'
    ) as last_day,
    coalesce(
        {{ ignoring_nulls('last_value', 'security_key') }} over (
            partition by ticker, spell_no order by as_of rows between unbounded preceding and current row
        ),
        {{ ignoring_nulls('first_value', 'security_key') }} over (
            partition by ticker, spell_no order by as_of rows between current row and unbounded following
        ),
        'TICKER:' || ticker || ':' || spell_no
    ) as security_key
from turns
