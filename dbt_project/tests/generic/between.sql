{#- Values are within inclusive bounds: {column: [low, high]}, null for no bound. NULL in the data passes. -#}
{% test between(model, bounds) %}
    {%- set outside = [] -%}
    {%- for column, (low, high) in bounds.items() -%}
        {%- if low is not none -%} {%- do outside.append(adapter.quote(column) ~ ' < ' ~ double_literal(low)) -%} {%- endif -%}
        {%- if high is not none -%} {%- do outside.append(adapter.quote(column) ~ ' > ' ~ double_literal(high)) -%} {%- endif -%}
    {%- endfor %}
    select {% for column in bounds %}{{ adapter.quote(column) }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ model }}
    where {{ outside | join(' or ') }}
{% endtest %}
