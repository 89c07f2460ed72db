{#- The run's clock as a timestamp in UTC: the `clock` var, or the time at which dbt began where none is given. -#}
{% macro clock() -%}
    cast('{{ var("clock") or run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}
