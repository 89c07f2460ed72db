{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The members of the Russell 2000 and the Russell 1000 as a statement knew them, with their size in dollars of the Russell 3000 fund.
-- A fund's value of a company counts free float only. A member that only the Russell 2000 fund holds (the other one samples) is
-- brought to the size of the Russell 3000 fund by the usual ratio of the quantities that both hold.
with lines as (
    select
        snapshots.event,
        snapshots.stage,
        snapshots.index_name,
        snapshots.purpose,
        snapshots.is_hindsight,
        lines.*
    from {{ ref('int_reconstitution_snapshots') }} as snapshots
    inner join {{ ref('int_reconstitution_lines') }} as lines
        on snapshots.fund = lines.fund and snapshots.as_of = lines.as_of
        and snapshots.observed_at = lines.observed_at and snapshots.document_id = lines.document_id
),

by_symbol as (
    select
        event,
        stage,
        symbol,
        max(case when index_name = 'Russell 2000' and purpose = 'members' then 1 else 0 end) = 1 as is_small,
        max(case when index_name = 'Russell 3000' and purpose = 'members' then 1 else 0 end) = 1 as is_broad,
        max(case when index_name = 'Russell 2000' and purpose = 'size' then 1 else 0 end) = 1 as was_small,
        max(case when index_name = 'Russell 2000' and purpose = 'size' then quantity end) as small_quantity,
        max(case when index_name = 'Russell 3000' and purpose = 'size' then quantity end) as broad_quantity,
        max(case when index_name = 'Russell 2000' and purpose = 'size' then market_value end) as small_value,
        max(case when index_name = 'Russell 3000' and purpose = 'size' then market_value end) as broad_value,
        max(case when index_name = 'Russell 2000' and purpose = 'members' then market_value end) as newest_small_value,
        max(case when index_name = 'Russell 2000' and purpose = 'size' then price end) as small_price,
        max(case when index_name = 'Russell 3000' and purpose = 'size' then price end) as broad_price,
        max(case when index_name = 'Russell 2000' and purpose = 'members' then price end) as newest_price,
        max(security_id) as security_id,
        max(name) as name,
        max(case when is_hindsight then 1 else 0 end) = 1 as is_hindsight
    from lines
    group by event, stage, symbol
),

scales as (
    select
        event,
        stage,
        median(small_quantity / broad_quantity) as scale
    from by_symbol
    where small_quantity > 0 and broad_quantity > 0
    group by event, stage
)

select
    by_symbol.event,
    by_symbol.stage,
    by_symbol.is_hindsight,
    by_symbol.symbol,
    by_symbol.security_id,
    by_symbol.name,
    case when by_symbol.is_small then 'Russell 2000' else 'Russell 1000' end as index_before,
    coalesce(by_symbol.broad_price, by_symbol.small_price, by_symbol.newest_price) as price,
    coalesce(by_symbol.small_value, by_symbol.newest_small_value) as small_value,
    by_symbol.broad_value,
    coalesce(
        by_symbol.broad_value,
        by_symbol.small_value / scales.scale,
        by_symbol.newest_small_value / scales.scale
    ) as size
from by_symbol
left join scales on by_symbol.event = scales.event and by_symbol.stage = scales.stage
-- The two funds' snapshots can be of different days: what the small one held on either of its own was in the Russell 2000.
where by_symbol.is_small or (by_symbol.is_broad and not by_symbol.was_small)
