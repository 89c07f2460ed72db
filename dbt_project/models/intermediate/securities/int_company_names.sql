-- The distinctive words of every equity name under a ticker.
with names as (
    select distinct
        ticker,
        name
    from {{ ref('int_holdings_classified') }}
    where holdings_class = 'equity' and ticker is not null
),

worded as (
    select
        ticker,
        name,
        {{ name_words('name') }} as words
    from names
)

select
    ticker,
    name,
    nullif(split_part(words, ' ', 1), '') as first_word,
    nullif(split_part(words, ' ', 2), '') as second_word
from worded
