{{ config(materialized='view') }}
-- Every line with the security it stands for. The rule, in order:
--   1. An equity with a CUSIP, ISIN or SEDOL is the security of that number, whatever its ticker (int_linked_numbers).
--   2. An equity with a ticker alone is the security that held the ticker on that date (int_ticker_holders).
--   3. An equity without either, and whatever is no equity, is known by its name.
-- The id is the ticker under which the security was first observed; later securities first observed under it get .2, .3, ...
with keyed as not materialized (
    select
        lines.*,
        case
            when lines.holdings_class <> 'equity' then 'NAME:' || upper(lines.name)
            else coalesce(numbers.security_key, holders.security_key, 'NAME:' || upper(lines.name))
        end as security_key
    from {{ ref('int_holdings_classified') }} as lines
    left join {{ ref('int_linked_numbers') }} as numbers
        on coalesce('CUSIP:' || lines.cusip, 'ISIN:' || lines.isin, 'SEDOL:' || lines.sedol) = numbers.number
    left join {{ ref('int_ticker_holders') }} as holders
        on lines.ticker = holders.ticker and lines.as_of between holders.first_day and holders.last_day
),

first_observed as (
    select
        security_key,
        min(observed_at) as observed_at
    from keyed
    group by security_key
),

sightings as (
    select
        keyed.security_key,
        keyed.observed_at,
        keyed.as_of,
        keyed.fund,
        keyed.line_no,
        case
            when keyed.security_key like 'NAME:%' then keyed.security_key
            else coalesce(keyed.ticker, 'NAME:' || upper(keyed.name))
        end as written_as,
        row_number() over (
            partition by keyed.security_key order by keyed.as_of, keyed.fund, keyed.line_no
        ) as sighting
    from keyed
    inner join first_observed
        on keyed.security_key = first_observed.security_key and keyed.observed_at = first_observed.observed_at
),

securities as (
    select
        security_key,
        written_as,
        row_number() over (partition by written_as order by observed_at, as_of, fund, line_no) as turn
    from sightings
    where sighting = 1
)

select
    keyed.fund,
    keyed.as_of,
    keyed.line_no,
    case when securities.turn = 1 then securities.written_as else securities.written_as || '.' || securities.turn end
        as security_id,
    keyed.ticker,
    keyed.name,
    keyed.cusip,
    keyed.isin,
    keyed.sedol,
    keyed.holdings_class,
    keyed.labelled_sector,
    keyed.market_value,
    keyed.quantity,
    keyed.weight,
    keyed.weight_basis,
    keyed.document_id
from keyed
inner join securities on keyed.security_key = securities.security_key
