{#- A fraction as a signed percentage: +8.9 %. -#}
{% macro signed_percent(fraction, digits=1) -%}
    (case when round(100 * {{ fraction }}, {{ digits }}) > 0 then '+' else '' end
        || cast(cast(100 * {{ fraction }} as decimal(9, {{ digits }})) as {{ dbt.type_string() }}) || ' %')
{%- endmacro %}

{#- A fraction as a percentage without a plus sign: 17 %. -#}
{% macro percent(fraction, digits=1) -%}
    (cast(cast(100 * {{ fraction }} as decimal(9, {{ digits }})) as {{ dbt.type_string() }}) || ' %')
{%- endmacro %}
