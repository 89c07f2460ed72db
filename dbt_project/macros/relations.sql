{#-
    The relations between published tables as {child, parent, columns, parent_columns, holds}, sorted: those that always hold are
    the relationships tests of the graph; those that may not are declared by the child in its config (meta: relates_to).
-#}
{% macro relations() %}
    {%- set found = [] -%}
    {%- for node in graph.get('nodes', {}).values() if execute -%}
        {%- if node.resource_type == 'test' and (node.test_metadata or {}).name in ['relationships', 'composite_relationships'] -%}
            {%- set given = node.test_metadata.kwargs -%}
            {%- set parent = node.depends_on.nodes | reject('equalto', node.attached_node) | first -%}
            {%- do found.append({
                'child': graph.nodes[node.attached_node].name,
                'parent': graph.nodes[parent].name,
                'columns': (given.columns or [given.column_name]) | join(', '),
                'parent_columns': (given.fields or [given.field]) | join(', '),
                'holds': 'always',
            }) -%}
        {%- endif -%}
        {%- for relation in (node.config.meta or {}).relates_to or [] -%}
            {%- do found.append({
                'child': node.name,
                'parent': relation.to,
                'columns': relation.columns | join(', '),
                'parent_columns': relation.fields | join(', '),
                'holds': 'optional',
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found | sort(attribute='child,columns,parent')) }}
{% endmacro %}
