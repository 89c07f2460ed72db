-- The key of each line's security. The rules, in order:
--   1. An equity with a CUSIP, ISIN or SEDOL is the security of that identifier, whatever its ticker (int_linked_numbers).
--   2. An equity with only a ticker is the one security that ever had the ticker under an agreeing name.
--   3. If there is none or more than one, it is the security that held the ticker on that date (int_ticker_holders).
--   4. An equity without either, and anything that is not an equity, is identified by its name.
with classified as (
    select
        fund,
        as_of,
        line_no,
        ticker,
        name,
        holdings_class,
        quantity,
        case
            when cusip is not null then 'cusip'
            when isin is not null then 'isin'
            when sedol is not null then 'sedol'
        end as number_kind,
        -- Only equities are looked up. As a join condition this would make DuckDB compare every line with every identifier.
        case when holdings_class = 'equity' then coalesce('CUSIP:' || cusip, 'ISIN:' || isin, 'SEDOL:' || sedol) end as equity_number,
        case when holdings_class = 'equity' then name end as equity_name
    from {{ ref('int_holdings_classified') }}
),

lines as (
    select
        classified.fund,
        classified.as_of,
        classified.line_no,
        classified.ticker,
        classified.name,
        classified.holdings_class,
        classified.quantity,
        classified.number_kind,
        numbers.security_key as numbered_key,
        names.first_word,
        names.second_word
    from classified
    left join {{ ref('int_linked_numbers') }} as numbers on classified.equity_number = numbers.number
    left join {{ ref('int_company_names') }} as names
        on classified.ticker = names.ticker and classified.equity_name = names.name
),

numbered as (
    select distinct
        ticker,
        first_word,
        second_word,
        numbered_key
    from lines
    where numbered_key is not null and first_word is not null
),

unnumbered as (
    select distinct
        ticker,
        first_word,
        second_word
    from lines
    where numbered_key is null and first_word is not null
),

by_name as (
    select
        unnumbered.ticker,
        unnumbered.first_word,
        unnumbered.second_word,
        min(numbered.numbered_key) as security_key
    from unnumbered
    inner join numbered on unnumbered.ticker = numbered.ticker and {{ names_agree('unnumbered', 'numbered') }}
    group by unnumbered.ticker, unnumbered.first_word, unnumbered.second_word
    having min(numbered.numbered_key) = max(numbered.numbered_key)
)

select
    lines.fund,
    lines.as_of,
    lines.line_no,
    lines.ticker,
    lines.name,
    lines.holdings_class,
    lines.quantity,
    lines.first_word,
    case
        when lines.holdings_class <> 'equity' then 'NAME:' || upper(lines.name)
        else coalesce(lines.numbered_key, by_name.security_key, holders.security_key, 'NAME:' || upper(lines.name))
    end as security_key,
    case
        when lines.holdings_class <> 'equity' then 'name'
        when lines.numbered_key is not null then lines.number_kind
        when by_name.security_key is not null then 'ticker_and_name'
        when holders.security_key is not null then 'ticker'
        else 'name'
    end as known_by
from lines
left join by_name
    on lines.ticker = by_name.ticker
    and lines.first_word = by_name.first_word
    and coalesce(lines.second_word, '') = coalesce(by_name.second_word, '')
left join {{ ref('int_ticker_holders') }} as holders
    on lines.ticker = holders.ticker and lines.as_of between holders.first_day and holders.last_day
