{#-
    What dbt-spark needs for Parquet tables in a lake directory. On other engines none of these macros is called.
-#}

{#- A table is a directory of the lake (SMALLCAP_LAKE), so that it is found again without a metastore. -#}
{% macro spark__location_clause() -%}
    location '{{ table_directory(model.schema, model.alias) }}'
{%- endmacro %}

{% macro table_directory(schema, name) -%}
    {{ return(env_var('SMALLCAP_LAKE') ~ '/warehouse/' ~ schema ~ '/' ~ name) }}
{%- endmacro %}

{#-
    dbt-spark makes 'None' of NULL, sends integers through a double and does not escape an apostrophe. Rows of an earlier run are
    replaced.
-#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set overrides = model['config'].get('column_types', {}) -%}
    {%- set types = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- do types.append(overrides.get(name, adapter.convert_type(agate_table, loop.index0))) -%}
    {%- endfor -%}
    {%- set statement -%}
        insert overwrite {{ this.render() }} values
        {%- for row in agate_table.rows %}
        ({%- for value in row -%}
            {%- if value is none -%} cast(null as {{ types[loop.index0] }})
            {%- else -%}
                {%- set escaped = value | string | replace("\\", "\\\\") | replace("'", "\\'") -%}
                cast('{{ escaped }}' as {{ types[loop.index0] }})
            {%- endif -%}
            {{ ', ' if not loop.last }}
        {%- endfor -%}) {{- ',' if not loop.last }}
        {%- endfor %}
    {%- endset -%}
    {%- do adapter.add_query(statement, abridge_sql_log=True) -%}
    {{ return(statement) }}
{% endmacro %}

{#- The contracts of the marts say varchar, which needs a length here. -#}
{% macro spark__cast(field, type) -%}
    cast({{ field }} as {{ dbt.type_string() if type == 'varchar' else type }})
{%- endmacro %}
