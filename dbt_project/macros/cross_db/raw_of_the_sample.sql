{#- By hand, dbt builds into dev.duckdb, from a copy of the raw tables of the sample market's warehouse, which is only read. -#}
{% macro raw_of_the_sample() %}
    {%- if execute and target.get('path') == 'dev.duckdb' -%} {{ return(adapter.dispatch('raw_of_the_sample')()) }} {%- endif -%}
{% endmacro %}

{#- Other engines are not used by hand. -#}
{% macro default__raw_of_the_sample() %}
{% endmacro %}

{% macro duckdb__raw_of_the_sample() %}
    {%- set warehouse = '../data/sample/warehouse.duckdb' -%}
    {%- call statement('found', fetch_result=True, auto_begin=False) -%} from glob('{{ warehouse }}') {%- endcall -%}
    {%- if not load_result('found')['data'] -%}
        {%- set way_out = "run `make run` first, then dbt in dbt_project/; or set SMALLCAP_WAREHOUSE to the path of a warehouse" -%}
        {{ exceptions.raise_compiler_error("There is no " ~ warehouse ~ ": " ~ way_out ~ ".") }}
    {%- endif -%}
    {%- call statement('attached', auto_begin=False) -%} attach if not exists '{{ warehouse }}' as sample (read_only) {%- endcall -%}
    {%- call statement('raw_tables', fetch_result=True, auto_begin=False) -%}
        select table_name from duckdb_tables() where database_name = 'sample' and schema_name = 'raw'
    {%- endcall -%}
    create schema if not exists raw;
    {%- for (name,) in load_result('raw_tables')['data'] %}
        create or replace table raw."{{ name }}" as from sample.raw."{{ name }}";
    {%- endfor -%}
{% endmacro %}
