{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The smallest size, relative to the border below, at which a company kept its index at an earlier event. A weight that has not fallen
-- since then is no reason to leave: the company has more shares than float. A statement made in time reads only such statements.
with placed as (
    select
        statements.event,
        statements.stage,
        statements.effective,
        statements.is_latest,
        members.is_hindsight,
        members.symbol,
        members.index_before,
        sizes.size / case
            when members.index_before = 'Russell 1000' then sizes.lower_border else sizes.floor_border
        end as relative_size
    from {{ ref('int_reconstitution_companies') }} as members
    inner join {{ ref('int_reconstitution_sizes') }} as sizes
        on members.event = sizes.event and members.stage = sizes.stage
        and members.company = sizes.company and members.index_before = sizes.index_before
    inner join {{ ref('int_reconstitution_statements') }} as statements
        on members.event = statements.event and members.stage = statements.stage
)

select
    placed.event,
    placed.stage,
    placed.symbol,
    min(earlier.relative_size) as held_size
from placed
inner join placed as earlier
    on placed.symbol = earlier.symbol and placed.index_before = earlier.index_before
    and earlier.is_latest and placed.effective > earlier.effective
    and (placed.is_hindsight or not earlier.is_hindsight)
group by placed.event, placed.stage, placed.symbol
