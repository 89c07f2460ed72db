{#-
    Event, stage and symbol with the first other symbol of the same company. Two symbols are share classes of one company if they are
    in one index, alike but for the last letter (LEN and LENB, BFA and BFB), and have one name: the same distinctive words, or the
    same first two where a name names its class. `relation` has event, stage, symbol, name and index_before.
-#}
{% macro share_classes(relation) -%}
    with worded as (
        select
            name,
            {{ name_words('name') }} as words,
            {{ matches('upper(name)', '( |-)(CLASS|SERIES|VOTI)') }} as has_class
        from (select distinct name from {{ relation }}) as names
    ),

    named as (
        select
            listed.event,
            listed.stage,
            listed.symbol,
            listed.index_before,
            substr(listed.symbol, 1, length(listed.symbol) - 1) as stem,
            worded.words,
            worded.has_class,
            nullif(split_part(worded.words, ' ', 1), '') as first_word,
            nullif(split_part(worded.words, ' ', 2), '') as second_word
        from {{ relation }} as listed
        inner join worded on listed.name = worded.name
    )

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
{%- endmacro %}
