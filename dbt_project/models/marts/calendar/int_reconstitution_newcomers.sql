{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Who is in the Russell 2000 after an event and was in neither index as a statement knew them.
select
    statements.event,
    statements.stage,
    outcomes.security_id,
    outcomes.symbol
from {{ ref('int_reconstitution_statements') }} as statements
inner join {{ ref('int_reconstitution_outcomes') }} as outcomes on statements.event = outcomes.event
left join {{ ref('int_reconstitution_members') }} as members
    on statements.event = members.event and statements.stage = members.stage and outcomes.security_id = members.security_id
where outcomes.is_small and members.security_id is null
