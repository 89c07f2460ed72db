{#- A figure with its unit as text. Both arguments are SQL expressions. -#}
{% macro in_words(figure, unit) -%}
    case {{ unit }}
        when 'fraction a year' then cast(round(100 * {{ figure }}, 4) as {{ dbt.type_string() }}) || ' % a year'
        when 'fraction' then cast(round(100 * {{ figure }}, 4) as {{ dbt.type_string() }}) || ' %'
        when 'USD a session' then {{ text('cast(round(' ~ figure ~ ' / 1000000) as bigint)') }} || ' million dollars a session'
        when 'USD' then {{ text('cast(round(' ~ figure ~ ') as bigint)') }} || ' dollars'
        else cast(round({{ figure }}, 2) as {{ dbt.type_string() }}) || ' ' || {{ unit }}
    end
{%- endmacro %}

{#- A count with its noun in the singular or plural: 1 session, 2 sessions. -#}
{% macro counted(count, thing) -%}
    ({{ text(count) }} || case when {{ count }} = 1 then ' {{ thing }}' else ' {{ thing }}s' end)
{%- endmacro %}
