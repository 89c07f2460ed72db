{#- Calendar days from one date to another; NULL if either is NULL. -#}
{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch('days_between')(first, last)) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    {{ dbt.datediff(first, last, 'day') }}
{%- endmacro %}

{#- dbt's own macro stops at a NULL. -#}
{% macro spark__days_between(first, last) -%}
    datediff({{ last }}, {{ first }})
{%- endmacro %}
