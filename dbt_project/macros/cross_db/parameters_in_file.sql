{#- A query that reads signal, parameter and value from a CSV file, before any table exists. -#}
{% macro parameters_in_file(path) -%}
    {{ return(adapter.dispatch('parameters_in_file')(path)) }}
{%- endmacro %}

{% macro duckdb__parameters_in_file(path) -%}
    select signal, parameter, cast(value as double) as value
    from read_csv('{{ path | replace("'", "''") }}', header = true, all_varchar = true)
    order by signal, parameter
{%- endmacro %}
