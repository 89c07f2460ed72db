{#- A query that reads signal, parameter and value from a CSV file, before any table exists. -#}
{% macro parameters_in_file(path) -%}
    {{ return(adapter.dispatch('parameters_in_file')(path)) }}
{%- endmacro %}

{% macro duckdb__parameters_in_file(path) -%}
    select signal, parameter, cast(value as double) as value
    from read_csv('{{ path | replace("'", "''") }}', header = true, all_varchar = true)
    order by signal, parameter
{%- endmacro %}

{% macro spark__parameters_in_file(path) -%}
    select _c0 as signal, _c1 as parameter, cast(_c2 as double) as value
    from csv.`{{ path }}`
    where _c0 <> 'signal'
    order by signal, parameter
{%- endmacro %}
