-- A security and all that succeeded it share a key: the smallest of them.
with {{ smallest_linked(ref('int_succession_pairs')) }}

select one as security_key, smallest as joined_key from smallest_linked
