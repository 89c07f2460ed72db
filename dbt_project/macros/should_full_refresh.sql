{#-
    dbt's own rule, and one more: a table that is made of snapshots may grow only if the rules that made it are still the same,
    else it is made anew. SMALLCAP_GROWING names the tables that may (orchestration/rules.py); without it, none.
-#}
{% macro should_full_refresh() %}
    {%- set asked = config.get('full_refresh') -%}
    {%- if asked is none -%} {%- set asked = flags.FULL_REFRESH -%} {%- endif -%}
    {%- set growing = env_var('SMALLCAP_GROWING', '').split(',') -%}
    {{ return(asked or (model.config.materialized == 'incremental' and model.name not in growing)) }}
{% endmacro %}
