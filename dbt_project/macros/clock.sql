{#- The run's clock as a UTC timestamp: the `clock` var if set, else the time at which dbt started. -#}
{% macro clock() -%}
    cast('{{ var("clock") or run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}
