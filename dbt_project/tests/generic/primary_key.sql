{#- The columns are never NULL and unique together: the grain of the table. -#}
{% test primary_key(model, columns) %}
    {%- set quoted = [] -%}
    {%- for column in columns -%} {%- do quoted.append(adapter.quote(column)) -%} {%- endfor %}
    select {{ quoted | join(', ') }}, count(*) as copies
    from {{ model }}
    group by {{ quoted | join(', ') }}
    having count(*) > 1 {%- for column in quoted %} or {{ column }} is null {%- endfor %}
{% endtest %}
