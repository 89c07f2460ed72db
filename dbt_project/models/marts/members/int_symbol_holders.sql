{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Which security a ticker stands for on each day. Unlike the tickers of lines without an identifier, every line counts here: a
-- vendor that is asked for a symbol answers for the company that has it on the day of the question.
with sightings as (
    select
        ticker,
        as_of,
        security_id,
        count(*) as sighted_lines
    from {{ ref('int_security_lines') }}
    where holdings_class = 'equity' and ticker is not null
    group by ticker, as_of, security_id
),

ranked as (
    select
        ticker,
        as_of,
        security_id,
        row_number() over (partition by ticker, as_of order by sighted_lines desc, security_id) as turn
    from sightings
),

followed as (
    select
        ticker,
        as_of,
        security_id,
        lag(security_id) over (partition by ticker order by as_of) as held_before
    from ranked
    where turn = 1
),

turns as (
    select
        ticker,
        as_of,
        security_id,
        held_before is null as is_first
    from followed
    where held_before is null or held_before <> security_id
)

select
    ticker,
    security_id,
    case when is_first then date '1900-01-01' else as_of end as first_day,
    coalesce(
        cast({{ dbt.dateadd('day', -1, 'lead(as_of) over (partition by ticker order by as_of)') }} as date), date '9999-12-31'
    ) as last_day
from turns
