{#- A figure with its unit as text. Both arguments are SQL expressions. -#}
{% macro in_words(figure, unit) -%}
    case {{ unit }}
        when 'fraction a year' then cast(round(100 * {{ figure }}, 4) as varchar) || ' % a year'
        when 'fraction' then cast(round(100 * {{ figure }}, 4) as varchar) || ' %'
        when 'USD a session' then cast(cast(round({{ figure }} / 1000000) as bigint) as varchar) || ' million dollars a session'
        when 'USD' then cast(cast(round({{ figure }}) as bigint) as varchar) || ' dollars'
        else cast(round({{ figure }}, 2) as varchar) || ' ' || {{ unit }}
    end
{%- endmacro %}

{#- A count with its noun in the singular or plural: 1 session, 2 sessions. -#}
{% macro counted(count, thing) -%}
    (cast({{ count }} as varchar) || case when {{ count }} = 1 then ' {{ thing }}' else ' {{ thing }}s' end)
{%- endmacro %}
