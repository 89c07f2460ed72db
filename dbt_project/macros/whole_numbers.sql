{#- The integers from 1 to `last`, one per row, as `number`; taken from the numbered trading days, of which there are always enough. -#}
{% macro whole_numbers(last) -%}
    select session_no as number
    from {{ ref('stg_sessions') }}
    where session_no <= {{ last | int }}
{%- endmacro %}
