{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- A value is valid from the day it was stated until the day its origin stated another, or omitted it from a list it belongs to: a
-- company that leaves the top holdings, a sector no longer listed, a figure that was not available.
with stated as (
    select
        *,
        split_part(fact, ':', 1) as list_name
    from {{ ref('int_fund_facts') }}
),

days as ( -- noqa: ST03
    select
        fund,
        origin,
        list_name,
        valid_from,
        lead(valid_from) over (partition by fund, origin, list_name order by valid_from) as next_stated
    from (select distinct fund, origin, list_name, valid_from from stated) as distinct_days
),

compared as (
    select
        stated.*,
        days.next_stated,
        -- sqlfluff cannot read a named window before `is not distinct from`.
        case -- noqa: PRS
            when lag(days.next_stated) over by_fact = stated.valid_from
                and lag(stated.value_number) over by_fact is not distinct from stated.value_number
                and lag(stated.value_text) over by_fact is not distinct from stated.value_text -- noqa: PRS
                then 0
            else 1
        end as begins
    from stated
    inner join days
        on stated.fund = days.fund
        and stated.origin = days.origin
        and stated.list_name = days.list_name
        and stated.valid_from = days.valid_from
    window by_fact as (partition by stated.fund, stated.fact, stated.origin order by stated.valid_from)
),

numbered as (
    select
        *,
        sum(begins) over (
            partition by fund, fact, origin order by valid_from rows between unbounded preceding and current row
        ) as spell_no,
        row_number() over (partition by fund, fact, origin order by valid_from desc) as recency
    from compared
),

ends as (
    select
        fund,
        fact,
        origin,
        spell_no,
        max(as_of) as as_of,
        min(recency) as newest
    from numbered
    group by fund, fact, origin, spell_no
)

select
    first_day.fund,
    first_day.fact,
    first_day.origin,
    first_day.valid_from,
    last_day.next_stated as valid_to,
    first_day.value_number,
    first_day.value_low,
    first_day.value_high,
    first_day.value_text,
    first_day.unit,
    ends.as_of,
    last_day.source,
    last_day.document_id
from ends
inner join numbered as first_day
    on ends.fund = first_day.fund
    and ends.fact = first_day.fact
    and ends.origin = first_day.origin
    and ends.spell_no = first_day.spell_no
    and first_day.begins = 1
inner join numbered as last_day
    on ends.fund = last_day.fund and ends.fact = last_day.fact and ends.origin = last_day.origin and ends.newest = last_day.recency
where coalesce(first_day.value_number, first_day.value_low, first_day.value_high) is not null or first_day.value_text is not null
