{#-
    One fact per row of a relation, in the shape shared by all fund facts. Every argument is an SQL expression over the
    relation, except `origin`, which is a plain word.
-#}
{% macro facts_from(relation, fact, origin, day, unit, source, number='null', text='null', low='null', high='null',
                    as_of=none, document='null') %}
    select
        fund,
        {{ fact }} as fact,
        '{{ origin }}' as origin,
        {{ day }} as valid_from,
        {{ as_of or day }} as as_of,
        cast({{ number }} as double) as value_number,
        cast({{ low }} as double) as value_low,
        cast({{ high }} as double) as value_high,
        cast({{ text }} as {{ dbt.type_string() }}) as value_text,
        {{ unit }} as unit,
        {{ source }} as source,
        cast({{ document }} as {{ dbt.type_string() }}) as document_id
    from {{ relation }}
{%- endmacro %}
