{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The company of each member. Two symbols are share classes of one company if they are in one index, alike but for the last letter
-- (LEN and LENB, BFA and BFB), and have one name: the same distinctive words, or the same first two where a name names its class.
with named as (
    select
        *,
        nullif({{ dbt.split_part('words', "' '", 1) }}, '') as first_word,
        nullif({{ dbt.split_part('words', "' '", 2) }}, '') as second_word,
        substr(symbol, 1, length(symbol) - 1) as stem,
        {{ matches('upper(name)', '( |-)(CLASS|SERIES|VOTI)') }} as has_class
    from (
        select
            *,
            {{ name_words('name') }} as words
        from {{ ref('int_reconstitution_members') }}
        where size is not null
    ) as worded
),

classes as (
    select
        one.event,
        one.stage,
        one.symbol,
        min(other.symbol) as other_symbol
    from named as one
    inner join named as other
        on one.event = other.event and one.stage = other.stage and one.index_before = other.index_before
        and one.first_word = other.first_word and one.symbol <> other.symbol
        and (one.stem = other.symbol or one.symbol = other.stem or (length(one.stem) >= 2 and one.stem = other.stem))
        and (one.words = other.words or (one.second_word = other.second_word and (one.has_class or other.has_class)))
    group by one.event, one.stage, one.symbol
)

select
    named.event,
    named.stage,
    named.is_hindsight,
    named.symbol,
    named.security_id,
    named.name,
    named.index_before,
    named.price,
    named.small_value,
    named.broad_value,
    named.size,
    least(named.symbol, coalesce(classes.other_symbol, named.symbol)) as company
from named
left join classes on named.event = classes.event and named.stage = classes.stage and named.symbol = classes.symbol
