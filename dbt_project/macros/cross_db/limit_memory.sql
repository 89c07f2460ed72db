{#- The memory that the engine may use (SMALLCAP_MEMORY_LIMIT); beyond it, it uses the disk. -#}
{% macro limit_memory() %}
    {%- if env_var('SMALLCAP_MEMORY_LIMIT', '') -%} {{ return(adapter.dispatch('limit_memory')()) }} {%- endif -%}
{% endmacro %}

{#- Other engines are configured where they run. -#}
{% macro default__limit_memory() %}
{% endmacro %}

{% macro duckdb__limit_memory() %}
    set memory_limit = '{{ env_var('SMALLCAP_MEMORY_LIMIT') }}'
{% endmacro %}
