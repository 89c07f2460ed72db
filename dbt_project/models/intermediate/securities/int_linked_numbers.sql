-- Identifiers that are linked directly or through others share a key: the smallest of them.
with {{ smallest_linked(ref('int_number_pairs')) }}

select one as number, smallest as security_key from smallest_linked
