{#- Drops tables and views of earlier versions that the project no longer has: no run would update them any more. -#}
{% macro drop_former_tables() %}
    {%- if execute and flags.WHICH in ['build', 'run'] -%} {{ return(adapter.dispatch('drop_former_tables')()) }} {%- endif -%}
{% endmacro %}

{#- On other engines a whole build starts with an empty schema. -#}
{% macro default__drop_former_tables() %}
{% endmacro %}

{#- Does not open a transaction: dbt rolls back a transaction that a hook leaves open. -#}
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
