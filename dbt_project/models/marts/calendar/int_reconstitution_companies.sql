{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The company of each member: its share classes count together.
with classes as (
    {{ share_classes(ref('int_reconstitution_members')) }}
)

select
    members.event,
    members.stage,
    members.is_hindsight,
    members.symbol,
    members.security_id,
    members.name,
    members.index_before,
    members.price,
    members.small_value,
    members.broad_value,
    members.size,
    least(members.symbol, coalesce(classes.other_symbol, members.symbol)) as company
from {{ ref('int_reconstitution_members') }} as members
left join classes on members.event = classes.event and members.stage = classes.stage and members.symbol = classes.symbol
