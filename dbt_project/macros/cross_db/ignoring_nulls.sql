{#- The first or last value of a window that is not NULL; engines differ in where `ignore nulls` is written. -#}
{% macro ignoring_nulls(function, expression) -%}
    {{ return(adapter.dispatch('ignoring_nulls')(function, expression)) }}
{%- endmacro %}

{% macro default__ignoring_nulls(function, expression) -%}
    {{ function }}({{ expression }}) ignore nulls
{%- endmacro %}

{% macro duckdb__ignoring_nulls(function, expression) -%}
    {{ function }}({{ expression }} ignore nulls)
{%- endmacro %}
