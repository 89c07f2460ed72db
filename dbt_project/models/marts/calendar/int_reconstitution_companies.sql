{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The company of each member: its share classes count together.
with sized as (
    select *
    from {{ ref('int_reconstitution_members') }}
    where size is not null
),

classes as (
    {{ share_classes('sized') }}
)

select
    sized.event,
    sized.stage,
    sized.is_hindsight,
    sized.symbol,
    sized.security_id,
    sized.name,
    sized.index_before,
    sized.price,
    sized.small_value,
    sized.broad_value,
    sized.size,
    least(sized.symbol, coalesce(classes.other_symbol, sized.symbol)) as company
from sized
left join classes on sized.event = classes.event and sized.stage = classes.stage and sized.symbol = classes.symbol
