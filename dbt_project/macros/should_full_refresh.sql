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

{#- dbt by hand may leave anything behind, and nothing would tell: no table may grow before a build of all it is made of. -#}
{% macro forget_rules_by_hand() %}
    {%- if execute and env_var('SMALLCAP_GROWING', 'by hand') == 'by hand' -%} drop table if exists build.made_by {%- endif -%}
{% endmacro %}
