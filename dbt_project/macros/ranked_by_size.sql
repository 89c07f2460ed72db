{#-
    The companies of each statement about a reconstitution, by size: rank, the sizes so far, and the total, summed in the order of
    size, so that it is the same to the last digit whatever the order of the rows. The relation has event, stage, company and size.
-#}
{% macro ranked_by_size(companies) -%}
    {%- set by_size = 'partition by event, stage order by size desc, company' -%}
    select
        *,
        row_number() over ({{ by_size }}) as size_rank,
        sum(size) over ({{ by_size }} rows between unbounded preceding and current row) as size_so_far,
        sum(size) over ({{ by_size }} rows between unbounded preceding and unbounded following) as total_size
    from {{ companies }}
{%- endmacro %}
