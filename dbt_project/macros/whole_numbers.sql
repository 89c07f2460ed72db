{#- The whole numbers from 1 to `last`, one a row, as `number`: counted off the trading days, of which there are always enough. -#}
{% macro whole_numbers(last) -%}
    select session_no as number
    from {{ ref('stg_sessions') }}
    where session_no <= {{ last | int }}
{%- endmacro %}
