{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The snapshots of each universe and the days on which each is the latest one of an earlier day; until then, it is the first one. A
-- snapshot has the holdings at a close and is published that night: it says who the members are from the next day on, and a day that
-- is over does not change when it arrives.
with held as (
    select distinct
        fund,
        as_of
    from {{ ref('int_security_lines') }}
    where holdings_class = 'equity'
),

ranked as (
    select
        universes.universe,
        held.as_of,
        universes.holdings_fund,
        row_number() over (partition by universes.universe, held.as_of order by universes.preference) as turn
    from {{ ref('universes') }} as universes
    inner join held on universes.holdings_fund = held.fund
),

numbered as (
    select
        universe,
        as_of,
        holdings_fund,
        row_number() over (partition by universe order by as_of) as snapshot_no,
        lead(as_of) over (partition by universe order by as_of) as next_as_of
    from ranked
    where turn = 1
)

select
    numbered.universe,
    numbered.as_of,
    numbered.holdings_fund,
    numbered.snapshot_no,
    case
        when numbered.snapshot_no = 1 then cast(funds.inception as date)
        else cast({{ dbt.dateadd('day', 1, 'numbered.as_of') }} as date)
    end as first_day,
    coalesce(numbered.next_as_of, date '9999-12-31') as last_day,
    cast(funds.inception as date) as inception,
    numbered.next_as_of is null as is_newest
from numbered
inner join {{ ref('funds') }} as funds on numbered.universe = funds.fund
