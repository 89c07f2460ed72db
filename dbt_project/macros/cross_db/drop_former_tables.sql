{#- A warehouse made by an earlier version holds tables and views that the project no longer has: they would never change again. -#}
{% macro drop_former_tables() %}
    {%- if execute and flags.WHICH in ['build', 'run'] -%} {{ return(adapter.dispatch('drop_former_tables')()) }} {%- endif -%}
{% endmacro %}

{#- Elsewhere a run begins with an empty schema. -#}
{% macro default__drop_former_tables() %}
{% endmacro %}

{#- Without a transaction of its own: dbt rolls back one that a hook leaves open. -#}
{% macro duckdb__drop_former_tables() %}
    {%- set present = graph.nodes.values() | map(attribute='name') | list -%}
    {%- call statement('former', fetch_result=True, auto_begin=False) -%}
        select table_schema, table_name, case table_type when 'VIEW' then 'view' else 'table' end
        from information_schema.tables
        where table_catalog = '{{ target.database }}'
            and (table_schema in ('staging', 'intermediate') or (table_schema = 'build' and table_name = 'made_by'))
    {%- endcall -%}
    {%- for schema, name, kind in load_result('former')['data'] if name not in present %}
        drop {{ kind }} "{{ schema }}"."{{ name }}";
    {%- endfor -%}
{% endmacro %}
