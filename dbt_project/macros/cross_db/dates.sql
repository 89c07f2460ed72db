{#- dbt's own macros on Spark go through seconds as text, which fails without time zones, and stop at a NULL. -#}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    timestampadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}
