{#- A figure with its unit as text. Both arguments are SQL expressions. -#}
{% macro in_words(figure, unit) -%}
    case {{ unit }}
        when 'fraction a year' then {{ number_text('100 * ' ~ figure, 4) }} || ' % a year'
        when 'fraction' then {{ number_text('100 * ' ~ figure, 4) }} || ' %'
        when 'USD a session' then {{ number_text(figure ~ ' / 1000000', 0) }} || ' million dollars a session'
        when 'USD' then {{ number_text(figure, 0) }} || ' dollars'
        when 'contracts' then {{ number_text(figure, 0) }} || ' contracts'
        when 'contracts a session' then {{ number_text(figure, 0) }} || ' contracts a session'
        else {{ number_text(figure, 2) }} || ' ' || {{ unit }}
    end
{%- endmacro %}

{#- A count with its noun in the singular or plural: 1 session, 2 sessions. -#}
{% macro counted(count, thing) -%}
    ({{ text(count) }} || case when {{ count }} = 1 then ' {{ thing }}' else ' {{ thing }}s' end)
{%- endmacro %}
