{{ config(meta={'dagster': {'ref': {'name': 'int_linked_numbers'}}}) }}
-- A chain of more links than smallest_linked follows would leave one security with two keys.
select pairs.one, pairs.other
from {{ ref('int_number_pairs') }} as pairs
inner join {{ ref('int_linked_numbers') }} as one on pairs.one = one.number
inner join {{ ref('int_linked_numbers') }} as other on pairs.other = other.number
where one.security_key <> other.security_key
union all
select pairs.one, pairs.other
from {{ ref('int_succession_pairs') }} as pairs
inner join {{ ref('int_security_successions') }} as one on pairs.one = one.security_key
inner join {{ ref('int_security_successions') }} as other on pairs.other = other.security_key
where one.joined_key <> other.joined_key
