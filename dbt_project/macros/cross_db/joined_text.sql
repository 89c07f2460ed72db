{#- The texts of a group in one, in the order of an expression. Not every engine's dbt.listagg keeps the order. -#}
{% macro joined_text(expression, separator, order_by) -%}
    {{ return(adapter.dispatch('joined_text')(expression, separator, order_by)) }}
{%- endmacro %}

{% macro default__joined_text(expression, separator, order_by) -%}
    {{ dbt.listagg(expression, "'" ~ separator ~ "'", 'order by ' ~ order_by) }}
{%- endmacro %}
