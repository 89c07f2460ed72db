{#- A warehouse made by an earlier version holds tables and views that the project no longer has: they would never change again. -#}
{% macro drop_former_tables() %}
    {%- if execute and flags.WHICH in ['build', 'run'] -%} {{ return(adapter.dispatch('drop_former_tables')()) }} {%- endif -%}
{% endmacro %}

{#- Elsewhere a run begins with an empty schema. -#}
{% macro default__drop_former_tables() %}
{% endmacro %}

{% macro duckdb__drop_former_tables() %}
    {%- set present = graph.nodes.values() | map(attribute='name') | list -%}
    {%- for schema in ['staging', 'intermediate'] -%}
        {%- for row in list_relations_without_caching(api.Relation.create(database=target.database, schema=schema)).rows -%}
            {%- if row['name'] not in present %} drop {{ row['type'] }} "{{ schema }}"."{{ row['name'] }}"; {% endif -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}
