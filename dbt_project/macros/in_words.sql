{#- A figure with its unit as text. Both arguments are SQL expressions. -#}
{% macro in_words(figure, unit) -%}
    case {{ unit }}
        when 'fraction a year' then {{ number_text('100 * ' ~ figure, 4) }} || ' % a year'
        when 'fraction' then {{ number_text('100 * ' ~ figure, 4) }} || ' %'
        when 'USD a session' then {{ number_text(figure ~ ' / 1000000', 0) }} || ' million dollars a session'
        when 'USD' then {{ number_text(figure, 0) }} || ' dollars'
        when 'contracts' then {{ number_text(figure, 0) }} || ' contracts'
        else {{ number_text(figure, 2) }} || ' ' || {{ unit }}
    end
{%- endmacro %}

{#- A count with its noun in the singular or plural: 1 session, 2 sessions. -#}
{% macro counted(count, thing) -%}
    ({{ text(count) }} || case when {{ count }} = 1 then ' {{ thing }}' else ' {{ thing }}s' end)
{%- endmacro %}

{#- A p-value as text, as `p_value` of the report prints it: `= 0.037`, or `< 0.001`. `equals` stands before the former. -#}
{% macro p_value_text(p, equals='= ') -%}
    case
        when {{ p }} < 1.0e-3 then '< 0.001'
        else '{{ equals }}' || {{ text('cast(' ~ rounded(p, 3) ~ ' as decimal(4, 3))') }}
    end
{%- endmacro %}
