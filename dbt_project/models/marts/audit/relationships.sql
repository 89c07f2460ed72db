{% for relation in relations() -%}
select
    '{{ relation.child }}' as child,
    '{{ relation.parent }}' as parent,
    '{{ relation.columns }}' as columns,
    '{{ relation.parent_columns }}' as parent_columns,
    '{{ relation.holds }}' as holds
{% if not loop.last -%}
union all
{% endif -%}
{% else -%}
-- Only a compilation knows the graph.
select
    {{ text('null') }} as child,
    {{ text('null') }} as parent,
    {{ text('null') }} as columns,
    {{ text('null') }} as parent_columns,
    {{ text('null') }} as holds
where 1 = 0
{% endfor %}
