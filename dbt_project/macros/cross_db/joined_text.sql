{#- The texts of a group joined in the order of an expression. dbt.listagg does not keep the order on every engine. -#}
{% macro joined_text(expression, separator, order_by) -%}
    {{ return(adapter.dispatch('joined_text')(expression, separator, order_by)) }}
{%- endmacro %}

{% macro default__joined_text(expression, separator, order_by) -%}
    {{ dbt.listagg(expression, "'" ~ separator ~ "'", 'order by ' ~ order_by) }}
{%- endmacro %}

{#- dbt's own macro ignores the order. -#}
{% macro spark__joined_text(expression, separator, order_by) -%}
    listagg({{ expression }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}
