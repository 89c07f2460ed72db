{#- dbt's relationships test for a key of several columns: if none of them is NULL, `to` has a row with the same values in `fields`. -#}
{% test composite_relationships(model, columns, to, fields) %}
    select {% for column in columns %}children.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ model }} as children
    left join {{ to }} as parents
        on {% for column in columns %}children.{{ column }} = parents.{{ fields[loop.index0] }}{{ ' and ' if not loop.last }}{% endfor %}
    where parents.{{ fields[0] }} is null
        and {% for column in columns %}children.{{ column }} is not null{{ ' and ' if not loop.last }}{% endfor %}
{% endtest %}
