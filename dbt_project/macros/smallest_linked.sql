{#-
    CTEs `step_0` to `step_<steps>` that give each `one` of a relation of pairs (one, other) the smallest `other` that at most `steps`
    links lead to. Pairs are in both directions, and each `one` is paired with itself. Not every engine has a recursive union
    without duplicates; a test fails if a link joins two that differ in the end, which would need more steps.
-#}
{% macro smallest_linked(pairs, steps=8) -%}
    step_0 as (
        select one, min(other) as smallest from {{ pairs }} group by one
    )
    {%- for step in range(1, steps) %},

    step_{{ step }} as (
        select pairs.one, min(step.smallest) as smallest
        from {{ pairs }} as pairs
        inner join step_{{ step - 1 }} as step on pairs.other = step.one
        group by pairs.one
    )
    {%- endfor %},

    smallest_linked as (
        select one, smallest from step_{{ steps - 1 }}
    )
{%- endmacro %}
