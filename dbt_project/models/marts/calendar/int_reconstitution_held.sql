{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The smallest size, relative to the border below, at which a company kept its index at an earlier event. A weight that has not fallen
-- since then is no reason to leave: the company has more shares than float. It is the same company if its ticker and name agree, and
-- it kept its index if the statement on every event since has it there: an event without a statement proves nothing. Only what was known
-- then counts, no security id, and a statement made in time reads only such statements.
with events as (
    select
        event,
        row_number() over (order by effective) as event_no
    from {{ ref('reconstitutions') }}
),

names as (
    select
        name,
        {{ name_words('name') }} as words
    from (select distinct name from {{ ref('int_reconstitution_members') }}) as members
),

placed as (
    select
        members.event,
        members.stage,
        events.event_no,
        -- The last statement on the event that has the index.
        statements.said_on = max(statements.said_on) over (partition by members.event, members.index_before) as is_latest,
        members.is_hindsight,
        members.symbol,
        nullif(split_part(names.words, ' ', 1), '') as first_word,
        nullif(split_part(names.words, ' ', 2), '') as second_word,
        members.index_before,
        sizes.size / case
            when members.index_before = 'Russell 1000' then sizes.lower_border else sizes.floor_border
        end as relative_size
    from {{ ref('int_reconstitution_members') }} as members
    inner join {{ ref('int_reconstitution_statements') }} as statements
        on members.event = statements.event and members.stage = statements.stage
    inner join events on members.event = events.event
    inner join names on members.name = names.name
    left join {{ ref('int_reconstitution_companies') }} as companies
        on members.event = companies.event and members.stage = companies.stage and members.symbol = companies.symbol
    left join {{ ref('int_reconstitution_sizes') }} as sizes
        on members.event = sizes.event and members.stage = sizes.stage
        and companies.company = sizes.company and members.index_before = sizes.index_before
),

-- Without a gap, the events before are as many as the rows that belong to them.
before as (
    select
        placed.event,
        placed.stage,
        placed.symbol,
        earlier.relative_size,
        placed.event_no - earlier.event_no as events_ago,
        row_number() over (
            partition by placed.event, placed.stage, placed.symbol order by earlier.event_no desc
        ) as turn
    from placed
    inner join placed as earlier
        on placed.symbol = earlier.symbol and placed.index_before = earlier.index_before
        and {{ names_agree('placed', 'earlier') }}
        and earlier.is_latest and placed.event_no > earlier.event_no
        and (placed.is_hindsight or not earlier.is_hindsight)
)

select
    event,
    stage,
    symbol,
    min(relative_size) as held_size
from before
where turn = events_ago and relative_size is not null
group by event, stage, symbol
