-- depends_on: {{ ref('signal_parameters') }}
{%- set p = signal_parameters('security_identity', ['ticker_gap_days']) %}
-- Which security held a ticker on the date of a snapshot: for lines that give no number.
with numbered as (
    select
        lines.ticker,
        lines.as_of,
        {{ dbt.split_part('upper(lines.name)', "' '", 1) }} as first_word,
        numbers.security_key
    from {{ ref('int_holdings_classified') }} as lines
    left join {{ ref('int_linked_numbers') }} as numbers
        on coalesce('CUSIP:' || lines.cusip, 'ISIN:' || lines.isin, 'SEDOL:' || lines.sedol) = numbers.number
    where lines.holdings_class = 'equity' and lines.ticker is not null
),

days as (
    select
        ticker,
        as_of,
        min(first_word) as first_word,
        min(security_key) as security_key
    from numbered
    group by ticker, as_of
),

beside_the_day_before as (
    select
        *,
        lag(as_of) over (partition by ticker order by as_of) as as_of_before,
        lag(first_word) over (partition by ticker order by as_of) as word_before
    from days
),

spells as (
    select
        *,
        -- Long gone and back under another name: another company took the ticker.
        sum(
            case
                when {{ dbt.datediff('as_of_before', 'as_of', 'day') }} > {{ p.ticker_gap_days }} and first_word <> word_before
                then 1 else 0
            end
        ) over (partition by ticker order by as_of rows between unbounded preceding and current row) as spell_no
    from beside_the_day_before
)

select
    ticker,
    as_of,
    coalesce(
        last_value(security_key ignore nulls) over (
            partition by ticker, spell_no order by as_of rows between unbounded preceding and current row
        ),
        first_value(security_key ignore nulls) over (
            partition by ticker, spell_no order by as_of rows between current row and unbounded following
        ),
        'TICKER:' || ticker || ':' || spell_no
    ) as security_key
from spells
