{#- An expression cast to the engine's text type. -#}
{% macro text(expression) -%}
    cast({{ expression }} as {{ dbt.type_string() }})
{%- endmacro %}
