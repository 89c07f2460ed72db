-- Every line with the security it stands for: its key (int_line_keys), joined with those that it succeeded (int_security_successions).
-- The id is the ticker under which the security was first observed; later securities first observed under it get .2, .3, ...
with keyed as (
    select
        lines.*,
        keys.known_by,
        coalesce(successions.joined_key, keys.security_key) as security_key
    from {{ ref('int_holdings_classified') }} as lines
    inner join {{ ref('int_line_keys') }} as keys
        on lines.fund = keys.fund and lines.as_of = keys.as_of and lines.line_no = keys.line_no
    left join {{ ref('int_security_successions') }} as successions on keys.security_key = successions.security_key
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
    keyed.document_id,
    keyed.known_by
from keyed
inner join securities on keyed.security_key = securities.security_key
